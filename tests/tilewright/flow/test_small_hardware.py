"""Keys that make an accelerator small: counters, address_bits, alignment."""

import numpy as np
import pytest
from tilewright.dataflow.memory_map import memory_image
from tilewright.hw.lib.accelerator_registers import accelerator_registers
from tilewright.hw.top import register_table

from tilewright.catalog import load_spec
from tilewright.errors import TilewrightError
from tilewright.flow.accelerator_report import cycle_shares
from tilewright.flow.design import make_design

UNITS = ("load", "store", "array_core")
MEMORY = "memory: {bytes_per_cycle: 4, latency_cycles: 2, address_bits: 12, alignment: 16B}"


def registers(**options):
    table = accelerator_registers(units=UNITS, version=1, spec_hash=2, **options)
    return {register.name: register for register in table.registers}


def test_without_counters_their_registers_are_not_there():
    names = {"num_counters", "counter_index", "counter_low", "counter_high"}
    assert set(registers()) - set(registers(has_counters=False)) == names


@pytest.mark.parametrize("bits", [12, 31, 32, 33, 64])
def test_the_base_has_the_bits_of_an_address(bits):
    found = registers(address_bits=bits)
    fields = [
        found[n].fields[0].bits for n in ("memory_base_low", "memory_base_high") if n in found
    ]
    assert sum(fields) == bits
    assert (len(fields) == 2) == (bits > 32)


def design_of(tiny_spec, memory, more=""):
    path = tiny_spec()
    lines = path.read_text().splitlines()
    place = next(n for n, line in enumerate(lines) if line.strip().startswith("memory:"))
    lines[place : place + 2] = [f"  {memory}{more}"]
    path.write_text("\n".join(lines) + "\n")
    spec = load_spec(path)
    return make_design(spec, batch=4)


def test_a_packed_image_is_smaller_and_holds_the_same(tiny_spec):
    paged = design_of(tiny_spec, "memory: {bytes_per_cycle: 4, latency_cycles: 2}")
    packed = design_of(tiny_spec, MEMORY, "\n  counters: false")
    assert packed.memory_bytes < paged.memory_bytes / 10
    assert packed.memory_bytes <= 1024
    inputs = {t.name: np.full(t.shape, 3, np.int8) for t in packed.graph.inputs}
    images = [memory_image(d.graph, d.plan, d.machine, inputs) for d in (paged, packed)]
    for place, packed_place in zip(paged.plan.memory, packed.plan.memory, strict=True):
        first, second = (
            image[p.base_words : p.base_words + p.words]
            for image, p in zip(images, (place, packed_place), strict=True)
        )
        np.testing.assert_array_equal(first, second, err_msg=place.tensor)
        assert packed_place.base_words * packed.machine.word_bytes % 16 == 0


def test_an_image_beyond_the_address_is_an_error(tiny_spec):
    with pytest.raises(TilewrightError, match=r"address_bits 12 reach 4,096") as caught:
        design_of(tiny_spec, "memory: {bytes_per_cycle: 4, address_bits: 12}")
    assert caught.value.help.startswith("address_bits: ")


def test_shares_without_counters_sum_to_one(tiny_spec):
    design = design_of(tiny_spec, MEMORY, "\n  counters: false")
    assert design.config.num_counters == 0
    assert "counter_low" not in {r.name for r in register_table(design.config).registers}
    shares = cycle_shares(design, {}, design.estimate.cycles, 1)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["useful"] > 0

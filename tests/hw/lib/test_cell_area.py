"""Silicon area by structure: small parts by hand, a whole accelerator, what nobody has fitted."""

from pathlib import Path

import pytest
from tilewright.hw.accelerator_resources import accelerator_structure
from tilewright.hw.lib.cell_area import CELLS, cell_amounts, cell_area_of
from tilewright.hw.lib.memory_mapping import LEAST_MACRO_BITS, Memory
from tilewright.hw.lib.structure import FAMILIES, Structure, dsp_blocks

from tilewright.build.synth.asic import LEAST_MEMORY_BITS
from tilewright.catalog import find_template, load_spec
from tilewright.flow.design import make_design
from tilewright.flow.resources import kernel_structure

EXAMPLES = Path(__file__).parents[3] / "examples"
TABLE = {
    "first": {"logic": 30.0, "registers": 50.0},
    "logic": {"test": {"sum": 20.0}},
    "registers": {"test": {"held": 60.0}},
}


def test_products_and_small_memories_are_gates_and_registers() -> None:
    s = Structure(CELLS, "test")
    assert not s.multiply("product", 8, 8, 2)
    s.memory("few", Memory(width=16, depth=8))
    s.memory("never", Memory(width=16, depth=8, used_bits=4))
    assert dict(s.ff) == {"product.product": 32, "few.memory": 128 + 16, "never.memory": 32 + 4}
    assert s.lut["product.product"] == 128
    assert s.lut["few.memory"] == 7 * 16 + 8
    assert (s.dsp, s.ram_blocks, s.lut_ram, s.macro_bits) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("memory", "is_macro"),
    [
        ({}, True),
        ({"width": 31}, False),
        ({"read": "combinational"}, False),
        ({"is_rom": True}, False),
    ],
)
def test_large_memories_that_are_written_and_read_with_a_clock_stay(memory, is_macro) -> None:
    assert LEAST_MACRO_BITS == LEAST_MEMORY_BITS
    s = Structure(CELLS, "test")
    s.memory("words", Memory(**{"width": 32, "depth": 128, "num": 3, **memory}))
    assert s.macro_bits == (3 * 32 * 128 if is_macro else 0)


def test_parts_that_no_run_has_seen_take_what_others_take() -> None:
    s = Structure(CELLS, "test")
    s.add("sum", 10)
    s.gates("new", 3)
    s.registers("held", 2)
    s.registers("other", 1)
    s.memory("words", Memory(width=32, depth=128))
    found = cell_area_of(s, "any", TABLE)
    assert found is not None
    assert found.cells_um2 == 10 * 20 + 3 * 30 + 2 * 60 + 50
    assert found.with_memories(0.5) == found.cells_um2 + 2048
    assert cell_area_of(Structure(CELLS, "another"), "any", TABLE) is None


def test_cells_are_no_family_of_devices() -> None:
    assert CELLS not in FAMILIES
    assert dsp_blocks(8, 8, CELLS) == 0
    template = find_template("systolic")
    spec = load_spec(EXAMPLES / "kernels" / "matmul_8x8.yaml")
    params = template.load("cases").params_of(spec.kernel)
    assert kernel_structure(template, params, CELLS).dsp == 0


def test_of_an_accelerator_the_scratchpad_is_the_memories() -> None:
    spec = load_spec(EXAMPLES / "digits_mlp.yaml")
    design = make_design(spec, batch=4)
    structure = accelerator_structure(design.config, CELLS)
    pad = design.config.scratchpad
    bank_bits = pad.words_per_bank * pad.word_bits
    assert 3 * bank_bits <= structure.macro_bits < (pad.banks + 1) * bank_bits
    um2, bits = cell_amounts(structure, "any", TABLE)
    assert bits == structure.macro_bits
    assert um2 == pytest.approx(30 * sum(structure.lut.values()) + 50 * sum(structure.ff.values()))

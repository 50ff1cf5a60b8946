"""Resources by structure: small parts counted by hand, every template and a whole accelerator."""

from dataclasses import replace
from pathlib import Path

import pytest
from tilewright.hw.accelerator_resources import accelerator_structure
from tilewright.hw.lib.memory_mapping import Memory
from tilewright.hw.lib.memory_params import QueueParams
from tilewright.hw.lib.params import CommandFormat, Field
from tilewright.hw.lib.program_bits import ProgramBits
from tilewright.hw.lib.resources import coefficients, resources_of
from tilewright.hw.lib.structure import FAMILIES, Structure, dsp_blocks
from tilewright.hw.systolic.params import INT8

from tilewright.catalog import BUILT_IN, load_spec
from tilewright.flow.design import make_design
from tilewright.flow.resources import kernel_structure

EXAMPLES = Path(__file__).parents[3] / "examples"
KERNELS = sorted((EXAMPLES / "kernels").glob("*.yaml"))


def test_words_of_the_builder():
    s = Structure("ecp5", "test")
    s.add("sum", 8, 2)
    s.choose("choice", 4, 8)
    s.reduce("any", 16)
    s.registers("held", 5)
    s.delay("late", 8, 4)
    assert dict(s.lut) == {"sum": 16, "choice": 20, "any": 5}
    assert dict(s.ff) == {"held": 5, "late": 32}
    assert (s.widest_sum, s.most_ways) == (8, 4)


def test_words_for_several_terms_and_ways():
    """Four terms of a sum meet in two rows of full adders; LUTs of six inputs hold two choices."""
    s = Structure("ecp5", "test")
    s.sums("one", 10, terms=4, left=1)
    s.sums("two", 10, terms=4, left=2)
    s.ones("ones", 8)
    s.five("five", 3)
    s.exchange_pairs("stages", 4)
    assert dict(s.lut) == {"one": 50, "two": 20, "ones": 12, "five": 6, "stages": 8}
    wide = Structure("xc7", "test")
    wide.five("five", 3)
    wide.exchange_pairs("stages", 4)
    assert dict(wide.lut) == {"five": 3, "stages": 6}


def test_output_registers_of_a_memory_in_luts_may_be_those_of_something_else():
    for depth, part in ((16, "operands"), (1024, "words.memory")):
        s = Structure("ecp5", "test")
        memory = Memory(width=16, depth=depth)
        s.memory("words", memory, register="operands")
        assert set(s.ff) == {part}, depth


def test_delays_lie_in_luts_where_luts_can_hold_them():
    s = Structure("xc7", "test")
    s.delay("short", 8, 2)
    s.delay("long", 8, 33)
    assert dict(s.ff) == {"short": 16}
    assert dict(s.lut) == {"shift": 8 * 2}


def test_multipliers_by_the_rules_of_synthesis():
    assert dsp_blocks(8, 8, "ecp5") == dsp_blocks(18, 18, "ecp5") == 1
    assert dsp_blocks(4, 4, "xc7") == 0, "a product of 8 bits is left to LUTs"
    assert dsp_blocks(4, 5, "xc7") == 1
    assert dsp_blocks(4, 4, "ecp5") == 1
    assert dsp_blocks(1, 8, "ecp5") == 0
    assert dsp_blocks(17, 17, "xcup", is_unsigned=True) == 1
    with pytest.raises(ValueError, match="19 x 8 bits does not fit"):
        dsp_blocks(19, 8, "ecp5")
    with pytest.raises(ValueError, match="family: one of ecp5"):
        Structure("ecp6", "test")


def test_bits_that_are_equal_in_all_commands_are_constants():
    form = CommandFormat(fields=(Field(name="a", bits=4), Field(name="b", bits=4)))
    words = (0x31, 0x33, 0x31)
    rom = ProgramBits(QueueParams(command_format=form, depth=3, initial=words))
    assert (rom.varying("a"), rom.ever("a")) == (1, 2)
    assert (rom.varying("b"), rom.ever("b")) == (0, 2)
    assert (rom.varying("c"), rom.total) == (0, 1)
    ram = ProgramBits(QueueParams(command_format=form, depth=8, is_rom=False))
    assert (ram.varying("b"), ram.ever("b"), ram.total) == (4, 4, 8)


def test_an_estimate_without_coefficients_is_the_first_one():
    s = Structure("ecp5", "test")
    s.add("sum", 10)
    s.registers("held", 7)
    s.fifo("queue", 8, 4)
    found = resources_of(s, {})
    assert found.lut == round(sum(s.lut.values())) + s.lut_ram
    assert (found.lut_ram, found.ff) == (2 * 6, 7 + 3 + 2 * 2 + 2)
    assert found.fmax_hz is None and not found.accuracy
    table = {"families": {"ecp5": {"lut": {"test": {"sum": 0.5}}, "ff": {"test": {"held": 0.0}},
                                   "period": {"base": 5.0, "sum_bits": 0.1}}}}  # fmt: skip
    corrected = resources_of(s, table)
    assert corrected.lut == found.lut - 5
    assert corrected.ff == found.ff - 7
    assert corrected.period_seconds == pytest.approx(6e-9)


@pytest.mark.parametrize(("family", "registers"), [("ecp5", 16), ("xcup", 32)])
def test_blocks_hold_their_registers_where_synthesis_packs_them(family, registers):
    s = Structure(family, "test")
    s.multiply("products", 8, 8)
    s.registers("held", 16)
    assert resources_of(s, {}).ff == registers


def test_every_template_says_what_it_is_made_of():
    seen = set()
    for path in KERNELS:
        spec = load_spec(path)
        template = next(t for t in BUILT_IN if t.name == spec.kernel.template)
        params = template.load("cases").params_of(spec.kernel)
        for family in FAMILIES:
            found = resources_of(kernel_structure(template, params, family))
            assert found.lut > 0 and found.ff > 0, path.name
        seen.add(template.name)
    assert seen == {template.name for template in BUILT_IN}


def test_an_array_has_a_multiplier_per_pe():
    spec = load_spec(EXAMPLES / "kernels" / "matmul_raw_4x6.yaml")
    template = next(t for t in BUILT_IN if t.name == "systolic")
    params = template.load("cases").params_of(spec.kernel)
    assert kernel_structure(template, params, "ecp5").dsp == 24
    pairs = replace(params, a_format=INT8, b_format=INT8, products_per_dsp=2)
    assert kernel_structure(template, pairs, "xcup").dsp == 12
    assert kernel_structure(template, pairs, "ecp5").dsp == 24, "its multipliers are too narrow"


def test_an_accelerator_counts_only_banks_that_somebody_writes_and_reads():
    design = make_design(load_spec(EXAMPLES / "digits_mlp.yaml"), batch=100)
    found = accelerator_structure(design.config, "ecp5")
    pad = design.config.scratchpad
    used = {b for reach in pad.read_reach for b in reach} & {
        b for reach in pad.write_reach for b in reach
    }
    assert 0 < len(used) < pad.banks
    # 512 words of 128 bits: four blocks of 512 x 36 each.
    assert (pad.words_per_bank, pad.word_bits) == (512, 128)
    assert found.ram_blocks == 4 * len(used)
    assert found.dsp == 64 + 8 * 4, "8 x 8 products, and four for each exact requantizer"


def test_the_committed_coefficients_say_where_they_come_from():
    table = coefficients()
    assert table["designs"] > 0 and table["yosys"] and table["date"]
    for family, found in table["families"].items():
        assert family in FAMILIES
        for name in ("lut", "ff"):
            values = [v for space in found[name].values() for v in space.values()]
            assert all(value >= 0 for value in values)
            assert found["accuracy"][name]["held_out"] > 0

"""What `estimate` says of the boards' examples, against the committed runs to bitstreams."""

import csv
from pathlib import Path

import pytest
from tilewright.boards import load_board

from tilewright.board_of_spec import board_of, chosen_board, model_family
from tilewright.catalog import load_spec
from tilewright.flow.design import make_design
from tilewright.flow.resources import FIRST_ERRORS, accelerator_resources, whole_resources
from tilewright.spec import AcceleratorSpec

ROOT = Path(__file__).parents[2]
MOST = {"lut": 0.15, "ff": 0.15}


def rows(name: str) -> list[dict[str, str]]:
    with (ROOT / "benchmarks" / name).open(newline="") as file:
        return list(csv.DictReader(file))


def accelerator(path: Path) -> AcceleratorSpec:
    spec = load_spec(path)
    assert isinstance(spec, AcceleratorSpec) and spec.verify is not None
    return spec


@pytest.mark.parametrize("row", rows("boards.csv"), ids=lambda row: row["board"])
def test_the_estimate_of_a_board_is_what_its_bitstream_took(row: dict[str, str]) -> None:
    spec = accelerator(ROOT / "examples" / "boards" / row["example"])
    board = board_of(spec)
    assert board is not None and spec.verify is not None
    family = model_family(board.device)
    found = whole_resources(spec, make_design(spec), family)
    assert (found.dsp, found.ram_blocks) == (int(row["dsp"]), int(row["ram_blocks"]))
    for name, most in FIRST_ERRORS.get(family, MOST).items():
        error = getattr(found, name) / int(row[name]) - 1
        assert abs(error) <= most, f"{name}: {getattr(found, name)} of {row[name]}, {error:+.1%}"


def test_the_digits_on_the_ulx3s_have_their_memory_image_in_blocks() -> None:
    """The row of `benchmarks/synthesis.py` with the array of 8 x 8: 36 blocks, 23 the image's."""
    (row,) = (row for row in rows("synthesis.csv") if row["case"] == "board_digits_mlp_ulx3s")
    spec, board = chosen_board(load_spec(ROOT / "examples" / "digits_mlp.yaml"), "ulx3s-85f")
    assert isinstance(spec, AcceleratorSpec) and board is not None and spec.verify is not None
    design = make_design(spec)
    found = whole_resources(spec, design, "ecp5")
    assert (found.ram_blocks, found.dsp) == (int(row["bram"]), int(row["dsp"])) == (36, 96)
    for name, most in MOST.items():
        assert getattr(found, name) == pytest.approx(int(row[name]), rel=most)
    told = accelerator_resources(spec, design)
    top = told.data["resources"]["ecp5"]["board_top"]
    assert top["ram_blocks"] == 24 and top["lut"] > 1000
    assert "serial line, link, memory in RAM blocks, LEDs" in dict(told.rows)["of it, board top"]


def test_a_memory_beside_the_chip_has_no_top_and_the_estimate_says_so() -> None:
    spec = accelerator(ROOT / "examples" / "boards" / "digits_ulx3s_12f.yaml")
    memory = spec.accelerator.memory.model_copy(update={"board_memory": "sdram"})
    section = spec.accelerator.model_copy(update={"memory": memory})
    spec = spec.model_copy(update={"accelerator": section})
    told = accelerator_resources(spec, make_design(spec, batch=1))
    assert dict(told.rows)["board top"].startswith("none, so not counted")
    assert "board_top" not in told.data["resources"]["ecp5"]


def test_a_gross_misfit_on_a_small_board_is_refused_with_what_saves_most() -> None:
    """An array of 8 x 8 on the iCEBreaker: DSP and RAM by rule, LUTs beyond any doubt."""
    spec = accelerator(ROOT / "examples" / "boards" / "digits_icebreaker.yaml")
    (engine,) = spec.accelerator.engines.values()
    engines = {"array": engine.model_copy(update={"rows": 8, "cols": 8, "lanes": 8})}
    section = spec.accelerator.model_copy(update={"engines": engines, "counters": True})
    told = accelerator_resources(
        large := spec.model_copy(update={"accelerator": section}), make_design(large, batch=1)
    )
    lut, ff, dsp, ram = told.excess
    assert f"look-up tables of {load_board('icebreaker').device.lut:,}" in lut
    assert lut.index("lower rows, cols") < lut.index("`counters: false` (up to ")
    assert "registers" in ff and "80 multipliers of 8: 72 too many" in dsp
    assert "blocks of RAM of 30" in ram
    saved = [int(text.split()[0].replace(",", "")) for text in ram.split("(up to ")[1:]]
    assert saved == sorted(saved, reverse=True) and len(saved) >= 2
    assert "make the memory image smaller" in ram and "the scratchpad" in ram

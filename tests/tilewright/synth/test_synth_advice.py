"""What synthesis says of an accelerator that its device has no room for."""

from pathlib import Path

from tilewright.boards import load_board

from tilewright.build.synth.counts import Area
from tilewright.build.synth.result import ModuleArea, Synthesis
from tilewright.build.synth.target import Target
from tilewright.catalog import load_spec
from tilewright.flow.synth import _judged

EXAMPLE = Path(__file__).parents[3] / "examples" / "boards" / "digits_ulx3s_12f.yaml"


def messages(target: Target, board: str | None) -> tuple[str, str]:
    """Of LUTs and of RAM blocks, both ten times too many."""
    area = Area(lut=120_000, ram_blocks=320)
    result = Synthesis(
        top="digits", target=target, verilog_sha256="0" * 64, stages=(), memories=(), cells={},
        modules=(ModuleArea(path="", module="digits", area=area),),
    )  # fmt: skip
    spec = load_spec(EXAMPLE)
    found = _judged(spec, result, load_board(board) if board else None, Path("out"), {})
    lut, ram = found.messages
    return lut, ram


def test_a_board_names_the_memory_image_with_what_it_takes() -> None:
    lut, ram = messages(
        Target(family="ecp5", device="LFE5U-12F", out_of_context=False), "ulx3s-12f"
    )
    assert "make the memory image smaller" in ram and "`verify.batch` below 16" in ram
    assert ram.index("memory image") < ram.index("the capacity of the scratchpad")
    assert "(up to " in ram and "rows, cols or widths" in lut
    assert "`memory.outstanding` (up to " in lut
    assert "counters" not in lut, "this design has none"


def test_out_of_context_the_scratchpad_is_named_and_no_image() -> None:
    _, ram = messages(Target(family="ecp5", device="LFE5U-12F"), None)
    assert "lower the capacity of the scratchpad (up to " in ram
    assert "memory image" not in ram

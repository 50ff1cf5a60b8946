"""The examples for boards: one for each board with open tools, and what they need is there."""

from pathlib import Path

import pytest
from tilewright.boards import board_names, load_board
from tilewright.boards.top.params import DEFAULT_MAX_BAUD, BoardTopParams, choose_divisor

from tilewright import cli
from tilewright.build.board_params import top_params
from tilewright.catalog import load_spec
from tilewright.flow.design import make_design

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "boards").glob("*.yaml"))
OPEN = [name for name in board_names() if load_board(name).flow == "open"]


def test_every_open_board_has_one() -> None:
    assert sorted(load_spec(path).board for path in EXAMPLES) == sorted(OPEN)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_memory_and_clock_are_the_boards(path: Path) -> None:
    """The image and the scratchpad fit the RAM of the device; the clock makes a serial rate."""
    spec = load_spec(path)
    board = load_board(spec.board)
    design = make_design(spec)
    divisor, baud = choose_divisor(
        board.clock.frequency_hz, min(board.uart.max_baud, DEFAULT_MAX_BAUD)
    )
    params = top_params(design, clock_hz=board.clock.frequency_hz, divisor=divisor)
    assert isinstance(params, BoardTopParams)
    scratchpad = spec.accelerator.scratchpad.capacity_bytes
    assert params.memory.size_bytes + scratchpad <= board.device.ram_bytes
    assert baud >= 115_200
    assert design.machine.memory.latency_cycles == 2  # the board's own memory


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_multipliers_fit(path: Path) -> None:
    """One for each processing element, and those of the requantisers (blocks of 18 bits)."""
    spec = load_spec(path)
    device = load_board(spec.board).device
    array = spec.accelerator.engines["array"]
    if device.family not in ("ecp5", "gowin"):
        pytest.skip(f"{device.family}: other multipliers, or none")
    bits = array.requantize.multiplier_bits if array.requantize.mode == "fixed" else 24
    blocks = -(-33 // 18) * -(-bits // 18)
    assert array.rows * array.cols + blocks * array.cols <= device.dsp


@pytest.mark.slow
@pytest.mark.simulator
def test_the_smallest_is_right(tmp_path: Path) -> None:
    """Its FIFOs lie in RAM blocks, its memory fills what its addresses reach."""
    (path,) = (path for path in EXAMPLES if path.stem == "digits_icebreaker")
    assert cli.main(["verify", str(path), "--out", str(tmp_path / "out"), "-q"]) == 0

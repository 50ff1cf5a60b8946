"""Sweeps of a model for a board: what is around the accelerator takes its part of the device."""

from tilewright.boards import load_board
from tilewright.hw.accelerator_resources import accelerator_structure
from tilewright.hw.lib.resources import resources_of

from tilewright.catalog import load_spec
from tilewright.flow.sweep.metrics import RESOURCES
from tilewright.flow.sweep.set_up import set_up


def on_board(path, board: str):
    path.write_text(f"{path.read_text()}board: {board}\n")
    setup = set_up(load_spec(path))
    assert setup.evaluate is not None
    values = setup.sweep.space.design(1)
    return setup, values, setup.evaluate.design(values)


def test_metrics_and_limits_of_a_board_are_of_the_whole_bitstream(sweep_spec) -> None:
    setup, values, design = on_board(sweep_spec(), "ulx3s-12f")
    bare = resources_of(accelerator_structure(design.config, "ecp5"))
    found = setup.evaluate(values)
    more = {name: found[name] - getattr(bare, name) for name in RESOURCES}
    assert more["lut"] > 1000 and more["ff"] > 500 and more["dsp"] == 0
    image_blocks = -(-design.memory_bytes * 8 // 18432)
    assert more["ram_blocks"] > image_blocks, "the image, and the buffer of a frame"
    limits = {limit.metric: limit.maximum for limit in setup.sweep.goals.constraints}
    assert limits["ram_blocks"] == load_board("ulx3s-12f").device.ram_blocks


def test_a_small_board_has_limits_too(sweep_spec) -> None:
    """iCE40 with multipliers; the same cells without them are another family."""
    path = sweep_spec()
    path.write_text(f"{path.read_text()}board: icebreaker\n")
    setup = set_up(load_spec(path))
    assert setup.evaluate is not None and setup.evaluate.choice.family == "ice40up"
    assert {limit.metric for limit in setup.sweep.goals.constraints} >= {"dsp", "ram_blocks"}

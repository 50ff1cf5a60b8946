"""Sweeps of a model for a board: what is around the accelerator takes its part of the device."""

import pytest
from tilewright.boards import load_board
from tilewright.dse.sweep_tasks import measure_one
from tilewright.hw.accelerator_resources import accelerator_structure
from tilewright.hw.lib.resources import counted_in, resources_of

from tilewright.catalog import load_spec
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
    more = {name: found[name] - getattr(bare, name) for name in counted_in("ecp5")}
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


@pytest.mark.parametrize("workload", ["", "workload: mlperf_tiny_ad\n  "])
def test_a_scratchpad_of_ultra_ram_has_its_limit(sweep_spec, workload: str) -> None:
    """With 32 MiB it takes no ordinary block: without a metric of its own it would fit."""
    path = sweep_spec(parameters="accelerator.scratchpad.capacity: [4KiB, 32MiB]")
    text = path.read_text().replace("sweep:\n  ", f"sweep:\n  {workload}")
    path.write_text(f"{text}board: zcu104\n")
    setup = set_up(load_spec(path))
    space = setup.sweep.space
    assert "large_ram_blocks" in setup.sweep.evaluation.metrics
    limits = {limit.metric: limit.maximum for limit in setup.sweep.goals.constraints}
    assert limits["large_ram_blocks"] == load_board("zcu104").device.large_ram_blocks
    designs = map(space.design, range(space.size))
    large = next(d for d in designs if d["accelerator.scratchpad.capacity"] == 32 << 20)
    found = measure_one(setup.sweep.evaluation, large)
    assert not isinstance(found, str), found
    assert found["large_ram_blocks"] > limits["large_ram_blocks"]

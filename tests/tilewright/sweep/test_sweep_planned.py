"""Sweeps of the spec's own model in blocks: planned exactly, streamed in closed form; mistakes."""

import numpy as np
import pytest
from sweep_crews import threads

from tilewright.catalog import load_spec
from tilewright.flow.sweep.run import SweepOptions, run_sweep
from tilewright.flow.sweep.set_up import set_up
from tilewright.spec import SpecError

PLANNED = "schedule: {objective: bytes, time_limit: 30s}"


@pytest.fixture
def model_spec(sweep_spec):
    """`model_spec(head=..., more=...)`: a spec whose workload is its model."""

    def make(*, head: str = "", **changes):
        path = sweep_spec(more="workload: model", **changes)
        path.write_text(path.read_text().replace("sweep:\n", f"{head}\nsweep:\n"))
        return load_spec(path)

    return make


def test_planned_designs_have_the_numbers_of_their_programs(model_spec, tmp_path) -> None:
    spec = model_spec(
        head=PLANNED,
        objectives="[bytes_off_chip, cycles]",
        parameters="accelerator.memory.address_bits: [12, 32]",
    )
    setup = set_up(spec)
    assert setup.evaluate is not None
    size = setup.sweep.space.size
    assert setup.sweep.evaluation.many is not None
    found = setup.sweep.evaluation.many(setup.sweep.space.columns(0, size))
    good = [n for n in range(size) if found["refused"][n] is None]
    assert 0 < len(good) < size
    for number in good:
        told = setup.evaluate(setup.sweep.space.design(number))
        assert told == {name: pytest.approx(found[name][number], rel=1e-12) for name in told}
        assert told["bytes_off_chip"] == found["bytes_off_chip"][number]
        assert told["cycles"] == found["cycles"][number]
    assert setup.sources["bytes_off_chip"].error == "exact"
    outcome = run_sweep(spec, tmp_path / "out", options=SweepOptions(), crew_maker=threads)
    assert outcome.ok
    assert outcome.file.columns["bytes_off_chip"] == tuple(found["bytes_off_chip"][good])
    assert outcome.file.failures


def test_streamed_the_bytes_are_those_of_the_program(model_spec) -> None:
    spec = model_spec(objectives="[bytes_off_chip, cycles]")
    setup = set_up(spec)
    assert setup.evaluate is None
    size = setup.sweep.space.size
    assert setup.sweep.evaluation.many is not None
    found = setup.sweep.evaluation.many(setup.sweep.space.columns(0, size))
    other = spec.sweep.model_copy(update={"workload": None})
    one = set_up(spec.model_copy(update={"sweep": other})).evaluate
    assert one is not None
    for number in (0, size - 1):
        told = one(setup.sweep.space.design(number))
        assert told["bytes_off_chip"] == found["bytes_off_chip"][number]
    assert np.isfinite(found["cycles"]).all()


def test_what_stands_in_the_way_is_told(model_spec) -> None:
    with pytest.raises(SpecError, match=r"sweep\.workload: knows no board's memory"):
        model_spec(head=f"{PLANNED}\nboard: ulx3s-85f")
    with pytest.raises(SpecError, match=r"accelerator\.program: has no effect"):
        model_spec(head=PLANNED, parameters="accelerator.program: [rom, ram]")

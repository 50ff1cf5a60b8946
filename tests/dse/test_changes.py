"""What is advised was tried: every change that a sentence names gives what it says."""

import re

import numpy as np
import pytest
from test_point_detail import design
from test_point_of_layers import SPEC, columns, detail
from tilewright.dse.block_estimate import block_evaluation
from tilewright.dse.changes import (
    CAPACITY,
    WORTH,
    Change,
    Trial,
    advice,
    changes_against,
    with_trials,
)
from tilewright.dse.energy.tables import TABLES
from tilewright.dse.point_detail import PointDetail, Tried
from tilewright.dse.point_of import detail_of
from tilewright.dse.workloads.read import library_workload

from tilewright.spec.numbers import parse_size_bytes

NAMED = re.compile(r"(accelerator[\w.]+): (\w+)[^,]*? gives -(\d+) %")


def tried_detail(model: str, name: str, again) -> PointDetail:
    graph, machine, plan, program = design(model, name)
    return detail_of(
        3, {}, graph=graph, machine=machine, plan=plan, program=program, trial=Trial(again=again)
    )


def test_nothing_untried_is_advised() -> None:
    """A larger scratchpad that changes nothing, or cannot be tried, is not in the sentence."""
    for again in (None, lambda changes: [None] * len(changes)):
        found = tried_detail("samples", "far", again)
        assert "scratchpad" not in found.sentence
        assert "batch" not in found.sentence
    cycles = found.cycles
    found = tried_detail("samples", "far", lambda changes: [cycles] * len(changes))
    assert CAPACITY in "".join(one.change for one in found.tried)
    assert "scratchpad" not in found.sentence
    found = tried_detail("samples", "far", lambda changes: [cycles // 2] * len(changes))
    assert f"{CAPACITY}: 64KiB gives -50 %" in found.sentence


@pytest.mark.parametrize("cause", ["ideal", "mapping", "memory", "fill", "control"])
@pytest.mark.parametrize("name", ["small", "rows", "near"])
def test_each_cause_has_something_to_try(cause: str, name: str) -> None:
    _, machine, _, _ = design("one", name)
    batch = Change(key="verify.batch", value=2, work=2.0)
    found = changes_against(cause, machine, batch)
    assert found
    assert all(change.text.startswith(("accelerator.", "verify.")) for change in found)


def test_more_samples_count_by_their_share() -> None:
    batch = Change(key="verify.batch", value=3, work=3.0)
    tried = with_trials([batch], (), lambda changes: [1500])
    assert [one.cycles for one in tried] == [500]
    assert advice(1000, tried) == (
        "Tried, one change at a time: verify.batch: 3 gives -50 % (for the same samples)."
    )


def test_the_best_value_of_each_key_is_told_once() -> None:
    known = [
        Tried(change="a.rows: 4", cycles=900, design=1),
        Tried(change="a.rows: 8", cycles=700, design=2),
        Tried(change="a.cols: 8", cycles=100, design=3, breaks="lut"),
        Tried(change="a.cols: 4", cycles=1000 - int(WORTH * 1000) + 1, design=4),
    ]
    assert advice(1000, known) == "Tried, one change at a time: a.rows: 8 gives -30 % (design 2)."
    assert advice(1000, known[2:]) == (
        "2 changes of one parameter were tried, and none within the constraints saves 2 % of them."
    )
    assert with_trials([Change(key="a.rows", value=8)], known, None)[0].design == 3
    assert advice(1000, ()) == "No change of a parameter was tried."


@pytest.mark.parametrize("dataflow", ["output_stationary", "weight_stationary"])
@pytest.mark.parametrize("way", ["near", "far"])
@pytest.mark.parametrize("name", ["mobilenet_v1", "mlperf_tiny_ad"])
def test_what_a_workload_is_advised_helps_as_told(name: str, way: str, dataflow: str) -> None:
    """The sweep's own evaluation of the design with the change says the same."""
    workload, of = library_workload(name), columns(dataflow, way)
    found = detail(workload, of)
    assert found.tried
    evaluation = block_evaluation(workload, SPEC, [TABLES["horowitz_45nm"]], family="ecp5").many
    sizes = {one.change: one.cycles for one in found.tried}
    for key, text, share in NAMED.findall(found.sentence):
        value = int(text) if text.isdigit() else parse_size_bytes(text)
        changed = {**of, key: np.array([value])}
        cycles = evaluation(changed)["cycles"][0]
        assert cycles == sizes[f"{key}: {text}"], key
        assert round(100 * (found.cycles - cycles) / found.cycles) == int(share) >= 2

"""The file of a sweep: what is written is read, and nothing else is."""

import json
from dataclasses import replace

import pytest
from tilewright.dataflow.serial import SerialError
from tilewright.dse.sweep_file import (
    Compared,
    Confirmation,
    ConstraintSummary,
    Coverage,
    MetricSource,
    ObjectiveSummary,
    SpaceSummary,
    SweepFile,
    SweptParameter,
    parse_sweep_file,
    sweep_file_text,
)
from tilewright.dse.sweep_tasks import Failed

FILE = SweepFile(
    name="digits",
    context={"tilewright": "0.1.0", "spec": "ab" * 32},
    was_interrupted=False,
    space=SpaceSummary(
        size=6,
        parameters=(
            SweptParameter(path="array.rows", values=(4, 8)),
            SweptParameter(path="array.dataflow", values=("output_stationary", None)),
            SweptParameter(path="share", values=(0.5, 1), is_derived=True, unit="B"),
        ),
    ),
    objectives=(ObjectiveSummary(metric="cycles", direction="min", unit="cycles"),),
    constraints=(
        ConstraintSummary(
            name="room", metric="lut", minimum=None, maximum=500.0, unit="LUT",
            num_ruled_out=2, num_ruled_out_alone=1,
        ),
    ),
    coverage=Coverage(kind="exact", num_evaluated=5, num_feasible=3, hypervolume=1.5, text="all"),
    metrics={
        "cycles": MetricSource(unit="cycles", provenance="the cost laws", error="exact"),
        "lut": MetricSource(unit="LUT", provenance="a fit", error=None),
    },
    columns={
        "index": (0, 2, 5),
        "array.rows": (4, 8, 8),
        "array.dataflow": ("output_stationary", None, "</script>\u2028"),
        "share": (0.5, 1, 1),
        "cycles": (100, 90, 80.5),
        "lut": (400, 300, 200),
    },
    front=(2, 5),
    num_left_out=2,
    notes=("one design failed",),
    failures=(Failed(start=1, stop=2, error="no"),),
    confirmations=(
        Confirmation(
            index=2, why="best", metrics={"cycles": Compared(estimated=90, measured=91)},
            is_equal=False, has_conflicts=False, error="one cycle more",
        ),
    ),
    base={"accelerator.memory.outstanding": 8, "accelerator.counters": True, "clock": "25MHz"},
)  # fmt: skip


def test_what_is_written_is_read() -> None:
    text = sweep_file_text(FILE)
    assert parse_sweep_file(text) == FILE
    assert sweep_file_text(parse_sweep_file(text)) == text
    assert json.loads(text)["format"] == "tilewright-sweep-1"


def test_whole_numbers_compared_are_whole() -> None:
    compared = Compared(estimated=12992, measured=12992.0)
    assert (type(compared.estimated), type(compared.measured)) == (int, int)
    assert type(Compared(estimated=1.5, measured=2).estimated) is float


def test_rows_are_found_by_the_number_of_a_design() -> None:
    assert [FILE.row_of(n) for n in (0, 2, 5)] == [0, 1, 2]
    for number in (1, 6):
        with pytest.raises(KeyError):
            FILE.row_of(number)


def test_numbers_that_json_does_not_know_are_refused() -> None:
    broken = replace(FILE, columns={**FILE.columns, "lut": (float("nan"), 1, 1)})
    with pytest.raises(ValueError, match="not JSON compliant"):
        sweep_file_text(broken)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "tilewright-sweep-2"}, "format: must be tilewright-sweep-1"),
        ({"name": 3}, r"sweep\.name: must be str"),
        ({"more": 1}, "unknown keys: 'more'"),
        ({"columns": [1]}, r"sweep\.columns: must be an object"),
        ({"columns": {"index": [[0]]}}, r"sweep\.columns\.index: must be a list of plain values"),
        ({"columns": {}}, "missing keys: index"),
        ({"columns": {"index": [0, 2, 5]}}, "must be index, the parameters and the metrics"),
        ({"front": [2, 3]}, r"sweep\.front: design 3 has no row"),
        ({"space": {"size": 6}}, r"sweep\.space: missing keys: parameters"),
    ],
)
def test_other_files_are_refused(change: dict[str, object], message: str) -> None:
    data = json.loads(sweep_file_text(FILE)) | change
    with pytest.raises(SerialError, match=message):
        parse_sweep_file(json.dumps(data))


@pytest.mark.parametrize("index", [[0, 0, 5], [5, 2, 0], [0, True, 5], [0, 2.0, 5]])
def test_designs_rise(index: list[object]) -> None:
    data = json.loads(sweep_file_text(FILE))
    data["columns"]["index"] = index
    with pytest.raises(SerialError, match="rising whole numbers"):
        parse_sweep_file(json.dumps(data))


def test_columns_have_equal_rows() -> None:
    data = json.loads(sweep_file_text(FILE))
    data["columns"]["lut"].pop()
    with pytest.raises(SerialError, match=r"columns\.lut: 2 rows, index 3"):
        parse_sweep_file(json.dumps(data))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"form'])
def test_what_is_no_sweep_is_refused(text: str) -> None:
    with pytest.raises(SerialError):
        parse_sweep_file(text)

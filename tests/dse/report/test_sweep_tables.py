"""What a report says for programs: sensitivity by hand, CSV, JSON, differences, traces."""

import csv
import dataclasses
import io
import itertools
import json
import math

import pytest
from report_fixtures import ENGINE, MAX_LUT, made_details, made_sweep
from tilewright.dse.report.diff import compare
from tilewright.dse.report.diff_page import diff_page
from tilewright.dse.report.page_data import page_data
from tilewright.dse.report.sensitivity import codes_of, effects
from tilewright.dse.report.tables import designs_csv, report_data
from tilewright.dse.report.trace import trace_of, trace_text
from tilewright.dse.sweep_file import SpaceSummary, SweepFile, SweptParameter
from tilewright.dse.timing.program import UNITS

SWEEP = made_sweep(400)


def swept(columns: dict, values: dict) -> SweepFile:
    """A sweep with these columns alone; metrics are `cycles` and `gain`."""
    num = len(columns["cycles"])
    metrics = dict.fromkeys(("cycles", "gain"), SWEEP.metrics["cycles"])
    return dataclasses.replace(
        SWEEP,
        space=SpaceSummary(
            size=num,
            parameters=tuple(SweptParameter(path=p, values=v) for p, v in values.items()),
        ),
        objectives=(dataclasses.replace(SWEEP.objectives[0], metric="cycles"),),
        constraints=(),
        metrics=metrics,
        columns={"index": tuple(range(num)), **columns},
        front=(0,),
        confirmations=(),
    )


def test_effects_by_hand() -> None:
    """cycles = 100 / a * (1, 2, 4 by b); gain = a - 2."""
    rows = list(itertools.product((1, 2, 4), ("x", "y", "z")))
    file = swept(
        {
            "a": tuple(a for a, _ in rows),
            "b": tuple(b for _, b in rows),
            "cycles": tuple(100 / a * {"x": 1, "y": 2, "z": 4}[b] for a, b in rows),
            "gain": tuple(a - 2 for a, _ in rows),
        },
        {"a": (1, 2, 4), "b": ("x", "y", "z")},
    )
    found = {(e.parameter, e.metric): e for e in effects(file, codes_of(file))}
    a, b, gain = found["a", "cycles"], found["b", "cycles"], found["a", "gain"]
    assert [(s.start, s.end, s.num_pairs) for s in a.steps] == [(1, 2, 3), (2, 4, 3)]
    assert [s.mean for s in a.steps] == pytest.approx([0.5, 0.5])
    assert (a.total, b.total) == pytest.approx((0.25, 4.0))
    assert a.is_factor and not gain.is_factor
    assert [s.mean for s in gain.steps] == pytest.approx([1.0, 2.0])
    assert gain.total == pytest.approx(3.0)
    assert found["b", "gain"].total == 0.0
    assert a.size == pytest.approx(math.log(4))


def test_effects_of_pairs_only() -> None:
    """A design without a partner counts for nothing; low and high are those of single pairs."""
    file = swept(
        {"a": (1, 2, 1, 2, 1), "b": (1, 1, 2, 2, 3), "cycles": (8, 4, 8, 1, 7), "gain": (1,) * 5},
        {"a": (1, 2), "b": (1, 2, 3)},
    )
    step = next(e for e in effects(file, codes_of(file)) if e.parameter == "a").steps[0]
    assert (step.low, step.high, step.num_pairs) == pytest.approx((1 / 8, 1 / 2, 2))
    assert step.mean == pytest.approx(1 / 4)


def test_effects_where_a_parameter_is_left_out() -> None:
    file = swept(
        {
            "flow": ("os", "ws", "ws"),
            "depth": (None, 128, 512),
            "cycles": (10, 10, 40),
            "gain": (1, 1, 1),
        },
        {"flow": ("os", "ws"), "depth": (128, 512, None)},
    )
    found = {(e.parameter, e.metric): e for e in effects(file, codes_of(file))}
    assert found["flow", "cycles"].ignored == ("depth",)
    assert found["flow", "cycles"].total == pytest.approx(2.0)
    assert found["depth", "cycles"].total == pytest.approx(4.0)


def test_effects_of_a_sample() -> None:
    """No two designs differ in `a` alone: means of all with either value."""
    a = (1, 1, 2, 2)
    file = swept(
        {"a": a, "b": (1, 2, 3, 4), "cycles": (4, 16, 1, 4), "gain": (1,) * 4},
        {"a": (1, 2), "b": (1, 2, 3, 4)},
    )
    assert all(effect.parameter != "a" for effect in effects(file, codes_of(file)))
    found = effects(dataclasses.replace(file, num_left_out=9), codes_of(file))
    effect = next(e for e in found if (e.parameter, e.metric) == ("a", "cycles"))
    assert effect.total == pytest.approx(1 / 4)
    assert effect.ignored == ("b",)


def test_values_without_designs_are_no_steps() -> None:
    """The space has more values of `a` than the designs: the step leads over them."""
    columns = {"a": (1, 4), "b": ("x", "x"), "cycles": (100, 25), "gain": (0, 1)}
    file = swept(columns, {"a": (0, 1, 2, 4, 9), "b": ("x", "y")})
    found = {e.metric: e for e in effects(file, codes_of(file)) if e.parameter == "a"}
    assert [(s.start, s.end, s.num_pairs) for s in found["cycles"].steps] == [(1, 4, 1)]
    assert found["cycles"].total == pytest.approx(0.25)


@pytest.mark.parametrize(("num_values", "shown"), [(9, tuple(range(9))), (5000, (1, 4))])
def test_a_page_has_the_values_of_the_space_unless_they_are_too_many(num_values, shown) -> None:
    columns = {"a": (4, 1), "cycles": (100, 25), "gain": (0, 1)}
    file = swept(columns, {"a": tuple(range(num_values))})
    told = page_data(file, codes_of(file), {})["parameters"][0]
    assert tuple(told["values"]) == shown
    assert [told["values"][code] for code in told["codes"]] == [4, 1]


def test_csv() -> None:
    rows = list(csv.reader(io.StringIO(designs_csv(SWEEP))))
    assert rows[0][:4] == ["index", "is_on_front", "feasible", f"{ENGINE}.rows"]
    feasible = ["true" if lut <= MAX_LUT else "false" for lut in SWEEP.columns["lut"]]
    assert [row[2] for row in rows[1:]] == feasible
    assert set(feasible) == {"true", "false"}
    assert len(rows) == 401
    assert sum(row[1] == "1" for row in rows[1:]) == len(SWEEP.front)
    place = rows[0].index("cycles")
    assert tuple(int(row[place]) for row in rows[1:]) == SWEEP.columns["cycles"]


def test_csv_without_constraints() -> None:
    rows = list(csv.reader(io.StringIO(designs_csv(dataclasses.replace(SWEEP, constraints=())))))
    assert rows[0][:3] == ["index", "is_on_front", f"{ENGINE}.rows"]


def test_csv_holds_no_formula(hostile_sweep: SweepFile) -> None:
    text = designs_csv(hostile_sweep)
    rows = list(csv.reader(io.StringIO(text, newline="")))
    place = rows[0].index("text")
    for row, meant in zip(rows[1:], hostile_sweep.columns["text"], strict=True):
        assert row[place].removeprefix("'") == meant.removeprefix("'")
        assert not row[place].startswith(("=", "+", "-", "@"))


def test_json() -> None:
    details = made_details(SWEEP, 1)
    found = effects(SWEEP, codes_of(SWEEP))
    data = json.loads(json.dumps(report_data(SWEEP, details, found), allow_nan=False))
    assert [point["index"] for point in data["front"]] == list(SWEEP.front)
    first = data["front"][0]
    assert sum(first["waterfall"].values()) == details[first["index"]].cycles
    assert first["metrics"]["lut"] == SWEEP.columns["lut"][SWEEP.front[0]]
    assert {e["parameter"] for e in data["sensitivity"]} >= {f"{ENGINE}.cols"}


def test_no_difference() -> None:
    diff = compare(SWEEP, SWEEP)
    assert diff.count("same") == 400 and not diff.entered and not diff.left and not diff.versions
    assert diff.volumes is not None and diff.volumes[0] == diff.volumes[1] > 0
    assert diff.only_designs == (0, 0)


def test_difference() -> None:
    """The second sweep: one design better, one worse, one both; the front loses its first."""
    a, b, c = 5, 6, 7
    columns = {name: list(column) for name, column in SWEEP.columns.items()}
    columns["latency_us"][a] /= 2
    columns["lut"][b] *= 2
    columns["latency_us"][c] /= 4
    columns["lut"][c] *= 2
    second = dataclasses.replace(
        SWEEP,
        context={**SWEEP.context, "tilewright": "0.2.0"},
        columns={name: tuple(column) for name, column in columns.items()},
        front=(*SWEEP.front[1:],),
    )
    diff = compare(SWEEP, second)
    kinds = {change.first: change.kind for change in diff.changes if change.kind != "same"}
    assert kinds == {a: "better", b: "worse", c: "both"}
    assert (diff.left, diff.entered, diff.stayed) == ((SWEEP.front[0],), (), len(SWEEP.front) - 1)
    assert diff.versions == (("tilewright", "0.1.0", "0.2.0"),)
    change = next(change for change in diff.changes if change.first == a)
    assert change.size == pytest.approx(math.log(2))


def test_difference_of_other_spaces() -> None:
    """A parameter and an objective of one sweep alone; designs that are not unique do not match."""
    path = f"{ENGINE}.dataflow"
    rest = [p for p in SWEEP.space.parameters if p.path != path]
    keep = [i for i, flow in enumerate(SWEEP.columns[path]) if flow == "output_stationary"]
    second = dataclasses.replace(
        SWEEP,
        space=SpaceSummary(size=len(keep), parameters=tuple(rest)),
        objectives=SWEEP.objectives[:2],
        columns={
            name: tuple(column[i] for i in keep)
            for name, column in SWEEP.columns.items()
            if name != path
        },
        front=(),
        confirmations=(),
    )
    diff = compare(SWEEP, second)
    assert diff.only_parameters == ((path,), ())
    assert diff.only_objectives == (("energy_uj",), ())
    assert diff.volumes is None
    alone = [change.first for change in diff.changes]
    assert all(SWEEP.columns[path][index] == "output_stationary" for index in alone)
    assert diff.only_designs == (400 - len(alone), len(keep) - len(alone))


def test_trace() -> None:
    detail = next(iter(made_details(SWEEP, 1).values()))
    trace = json.loads(trace_text(detail))
    assert trace == json.loads(json.dumps(trace_of(detail)))
    assert "args" in trace["otherData"]["note"] and "overlap" in trace["otherData"]["note"]
    names = {
        e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"
    }
    assert list(names.values()) == list(UNITS)
    work = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    assert len(work) == len(detail.spans)
    assert max(event["ts"] + event["dur"] for event in work) == detail.cycles
    for thread, unit in names.items():
        mine = [event for event in work if event["tid"] == thread]
        assert {event["cat"] for event in mine} == {unit}
        assert all(event["dur"] >= 1 and isinstance(event["ts"], int) for event in mine)
        for one, other in itertools.pairwise(mine):
            assert one["ts"] + one["dur"] <= other["ts"]
    assert all(event["ph"] in "XM" and event["pid"] == 1 for event in trace["traceEvents"])


def test_difference_of_values_is_told() -> None:
    """A parameter of both with other values: a sentence, for its designs are in one alone."""
    path = SWEEP.space.parameters[0].path
    fewer = dataclasses.replace(SWEEP.space.parameters[0], values=(2, 4, 5))
    space = dataclasses.replace(SWEEP.space, parameters=(fewer, *SWEEP.space.parameters[1:]))
    second = dataclasses.replace(SWEEP, space=space)
    diff = compare(SWEEP, second)
    assert compare(SWEEP, SWEEP).other_values == ()
    assert diff.other_values == (
        f"{path} takes other values: the first alone 8, 16, 32, the second alone 5",
    )
    assert diff.other_values[0] in diff_page(diff, SWEEP, second)

"""Differences of sweeps: what was asked that is not the same, and why designs left a front."""

import dataclasses

from report_fixtures import ENGINE, made_sweep
from tilewright.dse.report.diff import compare
from tilewright.dse.report.diff_fronts import why_text
from tilewright.dse.report.diff_page import VOLUMES, diff_page
from tilewright.dse.sweep_file import SweepFile

OUTSTANDING = "accelerator.memory.outstanding"
BASE = {OUTSTANDING: 8, "accelerator.counters": True}
SWEEP = dataclasses.replace(made_sweep(200), base=BASE)
ROWS = f"{ENGINE}.rows"


def without_rows(file: SweepFile, least: int) -> SweepFile:
    """The designs of arrays with fewer rows alone."""
    keep = [i for i, rows in enumerate(file.columns[ROWS]) if rows < least]
    of_rows, *others = file.space.parameters
    fewer = dataclasses.replace(of_rows, values=tuple(v for v in of_rows.values if v < least))
    return dataclasses.replace(
        file,
        space=dataclasses.replace(file.space, size=len(keep), parameters=(fewer, *others)),
        columns={name: tuple(column[i] for i in keep) for name, column in file.columns.items()},
        front=tuple(index for index in file.front if index in set(keep)),
        confirmations=(),
    )


def test_constraints_keys_and_coverage_are_told() -> None:
    one = dataclasses.replace(SWEEP.constraints[0], maximum=20_000)
    coverage = dataclasses.replace(
        SWEEP.coverage, kind="search", num_evaluated=0, text="random, seed 1: of 200 designs none"
    )
    second = dataclasses.replace(
        SWEEP,
        constraints=(one,),
        base={**BASE, OUTSTANDING: 2},
        coverage=coverage,
        was_interrupted=True,
        context={**SWEEP.context, "workload": "resnet50", "spec": "22" * 32, "laws": "7"},
        objectives=SWEEP.objectives[:2],
    )
    diff = compare(SWEEP, second)
    assert diff.asked == (
        ("evaluated", "200 of 200: the whole space", "0 of 200: random, seed 1, interrupted"),
        ("objective energy_uj", "as small as can be", "none"),
        ("constraint lut", "lut <= 40,000 LUT", "lut <= 20,000 LUT"),
        ("workload", "none", "resnet50"),
    )
    assert diff.keys == ((OUTSTANDING, "8", "2"),)
    assert diff.versions == (("laws", "none", "7"),)
    page = diff_page(diff, SWEEP, second)
    for words in (OUTSTANDING, "constraint lut", "interrupted", "resnet50"):
        assert words in page


def test_nothing_is_asked_twice_the_same() -> None:
    diff = compare(SWEEP, SWEEP)
    assert (diff.asked, diff.keys, diff.entered_by, diff.left_by) == ((), (), {}, {})


def test_a_spec_without_its_keys_is_told_by_its_hash() -> None:
    old = dataclasses.replace(SWEEP, base={}, context={**SWEEP.context, "spec": "22" * 32})
    diff = compare(old, SWEEP)
    assert diff.keys == ()
    assert [name for name, _, _ in diff.versions] == ["spec"]


def test_a_key_that_one_sweep_varies() -> None:
    second = dataclasses.replace(SWEEP, base={**BASE, ROWS: 8})
    assert compare(SWEEP, second).keys == ((ROWS, "swept", "8"),)


def test_why_designs_left_the_front() -> None:
    second = without_rows(SWEEP, 16)
    gone = tuple(i for i in SWEEP.front if i not in second.front)
    kept = second.front
    assert gone and len(kept) > 3
    diff = compare(SWEEP, second)
    assert diff.left_by == {"outside": gone}
    assert f"{len(gone)} not in the space of the second" in diff_page(diff, SWEEP, second)

    beaten, failing, lost = kept[:3]
    columns = {name: list(column) for name, column in second.columns.items()}
    columns["lut"][second.row_of(failing)] = 50_000
    row = second.row_of(lost)
    for column in columns.values():
        del column[row]
    third = dataclasses.replace(
        second, columns={n: tuple(c) for n, c in columns.items()}, front=kept[3:]
    )
    diff = compare(second, third)
    assert diff.left_by == {"no_numbers": (lost,), "infeasible": (failing,), "beaten": (beaten,)}
    assert why_text(diff.left_by, "second") == (
        "1 without numbers in the second, 1 failing a constraint in the second, "
        "1 beaten in the second"
    )
    assert compare(third, second).entered_by == diff.left_by
    coverage = dataclasses.replace(third.coverage, kind="search")
    searched = dataclasses.replace(third, coverage=coverage)
    assert compare(second, searched).left_by["unevaluated"] == (lost,)
    sampled = dataclasses.replace(third, num_left_out=5)
    assert compare(second, sampled).left_by["unlisted"] == (lost,)


def test_whose_reference_bounds_the_hypervolume() -> None:
    assert VOLUMES == "hypervolume of both, by one reference point"
    assert VOLUMES in diff_page(compare(SWEEP, SWEEP), SWEEP, SWEEP)

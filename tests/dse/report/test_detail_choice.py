"""Which designs have details: the best and those printed always; and the sentence that says so."""

from dataclasses import replace
from itertools import pairwise

import pytest
from report_fixtures import made_sweep
from tilewright.dse.detail_choice import (
    MAX_DETAILS,
    best_of_each,
    detailed_designs,
    front_order,
    kept_text,
    printed_designs,
)
from tilewright.dse.sweep_file import SweepFile

SWEEP = made_sweep(1000)
FEW = replace(SWEEP, front=SWEEP.front[:7], confirmations=SWEEP.confirmations[:2])


def value(file: SweepFile, metric: str, index: int) -> float:
    return file.columns[metric][file.row_of(index)]


def test_the_best_of_each_objective_and_those_printed_have_details() -> None:
    chosen = detailed_designs(SWEEP)
    assert len(chosen) == len(set(chosen)) == MAX_DETAILS < len(SWEEP.front)
    for objective in SWEEP.objectives:
        least = min(value(SWEEP, objective.metric, index) for index in SWEEP.front)
        assert any(value(SWEEP, objective.metric, index) == least for index in chosen)
    assert set(chosen) <= set(SWEEP.front)
    assert {*printed_designs(SWEEP), *(one.index for one in SWEEP.confirmations)} < set(chosen)
    assert chosen[: len(best_of_each(SWEEP))] == best_of_each(SWEEP)


def test_the_rest_lies_evenly_along_the_front() -> None:
    order = front_order(SWEEP)
    places = sorted(order.index(index) for index in detailed_designs(SWEEP))
    gaps = [after - before for before, after in pairwise(places)]
    assert max(gaps) <= 2 * len(order) / MAX_DETAILS + 1


def test_of_equal_designs_the_first_of_the_front_is_the_best() -> None:
    columns = {**SWEEP.columns, "lut": (7,) * len(SWEEP.columns["index"])}
    assert best_of_each(replace(SWEEP, columns=columns))[0] == front_order(SWEEP)[0]
    objectives = (replace(SWEEP.objectives[1], direction="max"),)
    alike = replace(SWEEP, columns=columns, objectives=objectives)
    assert best_of_each(alike) == [SWEEP.front[0]]
    assert front_order(alike) == list(SWEEP.front)


def test_simulated_designs_have_details_however_many_they_are() -> None:
    one = SWEEP.confirmations[0]
    many = tuple(replace(one, index=index) for index in SWEEP.columns["index"][:120])
    chosen = detailed_designs(replace(SWEEP, confirmations=many))
    assert {one.index for one in many} <= set(chosen)
    assert {*best_of_each(SWEEP), *printed_designs(SWEEP)} <= set(chosen)


def test_after_an_interruption_the_best_have_details() -> None:
    assert detailed_designs(replace(SWEEP, was_interrupted=True)) == best_of_each(SWEEP)
    assert detailed_designs(replace(SWEEP, was_interrupted=True, front=())) == []


@pytest.mark.parametrize(
    ("file", "known", "told"),
    [
        (
            SWEEP,
            detailed_designs(SWEEP),
            f"for 50 of the {len(SWEEP.front)} designs of the front, the best of each objective "
            "among them, and for simulated ones",
        ),
        (FEW, FEW.front, "for all 7 designs of the front and for simulated ones"),
        (replace(FEW, front=FEW.front[:1]), FEW.front, "for the design of the front and"),
        (FEW, FEW.front[2:], "for 5 of the 7 designs of the front"),
        (replace(FEW, was_interrupted=True), (), "for no design: the sweep was interrupted"),
        (
            replace(SWEEP, was_interrupted=True, confirmations=()),
            best_of_each(SWEEP),
            "designs of the front, the best of each objective among them: the sweep was",
        ),
        (replace(FEW, front=(), confirmations=()), (), "for no design"),
    ],
)
def test_the_sentence_says_what_is_kept(file: SweepFile, known, told: str) -> None:
    text = kept_text(file, set(known))
    assert told in text
    assert ("interrupted" in text) == file.was_interrupted

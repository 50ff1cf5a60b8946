"""The sentence that says what was evaluated: right numbers, right grammar, no needless words."""

from dataclasses import replace

import pytest
import sweep_functions as functions
from tilewright.dse.space_domains import Listed, Parameter
from tilewright.dse.space_goals import empty_tally
from tilewright.dse.sweep_collect import Findings, sweep_file_of
from tilewright.dse.sweep_file import MetricSource
from tilewright.dse.sweep_result import Part, result_of
from tilewright.dse.sweep_tasks import Failed


def found(size: int, numbers: int, failed: int, *, before: int = 0, how: str = ""):
    """The file of a sweep of `size` designs, of which some have numbers."""
    sweep = functions.sweep_of()
    only = Parameter(path="only", domain=Listed(values=tuple(range(size))))
    space = replace(sweep.space, parameters=(only,), known_paths=())
    sweep = replace(sweep, space=space, goals=replace(sweep.goals, constraints=()))
    tally = replace(empty_tally(sweep.goals), designs=numbers + before)
    lost = (Failed(start=0, stop=failed, error="no"),) if failed else ()
    source = MetricSource(unit="", provenance="", error=None)
    return sweep_file_of(
        Findings(
            name="x", sweep=sweep, kept={}, num_listed_of=numbers, how=how, unit=lambda _: "",
            result=result_of(sweep.goals, [Part(tally=tally, failed=lost)], space_size=size),
            sources=dict.fromkeys(sweep.evaluation.metrics, source),
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (found(2, 2, 0), "exact: all 2 designs of the space were enumerated; no other"),
        (found(1, 1, 0), "exact: the one design of the space was enumerated; there is no other"),
        (found(9, 7, 2), "were enumerated (7 have numbers, 2 failed, each with its reason); no"),
        (found(9, 1, 1, before=7), "(1 has numbers, 1 failed, with its reason, 7 were ruled out"),
        (found(3, 0, 3), "no design has numbers: all 3 designs of the space failed, each with"),
        (found(1, 0, 1), "no design has numbers: the one design of the space failed, with its"),
        (found(9, 1, 0, how="search"), "search: of 9 designs 1 has numbers; nothing is said"),
        (found(9, 0, 2, how="search"), "search: of 9 designs none has numbers, 2 failed, each"),
    ],
)
def test_what_was_evaluated(file, told: str) -> None:
    assert told in file.coverage.text


def test_failures_are_counted() -> None:
    file = found(9, 7, 2)
    assert (file.coverage.num_evaluated, file.coverage.num_failed) == (7, 2)
    assert found(3, 0, 3).notes[0] == "no design has numbers"
    assert found(9, 8, 0).notes[0].startswith("1 design of the space was not evaluated: ")

"""Our own sampler and designs that fail: it learns where, and nothing changes where none does."""

import numpy as np
import pytest
import sweep_functions as functions
from tilewright.dse.ledger import MemoryLedger
from tilewright.dse.search.failures import FailureModel
from tilewright.dse.search.model import ModelSampler
from tilewright.dse.search.run import model_sampler, search
from tilewright.dse.search.sampler import Answer
from tilewright.dse.space import Space
from tilewright.dse.space_domains import Parameter, Range
from tilewright.dse.sweep_crew import Crew

SIDES, FIRST, GUIDED, BATCH = 8, 16, 20, 4


def space_of() -> Space:
    """512 designs; `c` changes hardly anything."""
    return Space(
        parameters=tuple(Parameter(path=p, domain=Range(start=1, stop=SIDES)) for p in "abc")
    )


def answer(space: Space, index: int) -> Answer:
    """Small `a` with large `b`, a corner of 48 designs on the front, fails."""
    a, b, c = (space.design(index)[path] for path in "abc")
    if a <= 2 and b >= 6:
        return Answer(index=index, costs=None)
    return Answer(index=index, costs=(512 / (a * b) + 0.01 * c, a * b + 2 * a + 0.01 * c))


def proposals(seed: int) -> list[int]:
    """All that is proposed, in order."""
    space = space_of()
    sampler = ModelSampler(space=space, seed=seed, first=FIRST)
    found: list[int] = []
    while len(found) < FIRST + GUIDED:
        asked = sampler.ask(BATCH)
        sampler.tell([answer(space, index) for index in asked])
        found += asked
    return found


def test_a_corner_that_fails_is_left() -> None:
    """Of two searches less than a third of the guided proposals fail, not three fifths."""
    space, seeds = space_of(), (0, 3)
    found = [proposals(seed)[FIRST:] for seed in seeds]
    failed = [answer(space, index).costs is None for some in found for index in some]
    assert 0 < sum(failed) <= len(failed) // 3


@pytest.mark.parametrize("fails", [False, True])
def test_only_failures_have_a_model(fails: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a constraint on a parameter rules out is no failure."""
    told: list[int] = []

    def chances(model, failed, good, where):
        told.append(len(failed))
        return np.ones(len(where))

    monkeypatch.setattr(FailureModel, "chances", chances)
    sweep = functions.sweep_of(functions.raises if fails else functions.one)
    sampler = model_sampler(sweep, seed=1)
    sampler.tell([Answer(index=199, costs=None)])  # 4096 PEs: ruled out
    result = search(sweep, sampler, MemoryLedger(), Crew(start=functions.Here), budget=24)
    assert bool(told) == bool(result.failed) == fails
    assert all(count <= result.num_failed for count in told)

"""Samplers: nothing twice, everything in the end, the same again after an interruption."""

import importlib.util
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import sweep_functions as functions
from tilewright.dse.ledger import MemoryLedger
from tilewright.dse.pareto import front_indices, hypervolume
from tilewright.dse.search.model import ModelSampler
from tilewright.dse.search.neighbours import neighbours_of
from tilewright.dse.search.optuna_sampler import OptunaSampler
from tilewright.dse.search.run import model_sampler, search
from tilewright.dse.search.sampler import Answer, GridSampler, RandomSampler, random_index
from tilewright.dse.space import Space
from tilewright.dse.space_domains import Listed, Parameter, Powers, Range, When
from tilewright.dse.space_goals import Goals, Objective
from tilewright.dse.sweep import sweep_blocks
from tilewright.dse.sweep_crew import Crew

HAS_OPTUNA = importlib.util.find_spec("optuna") is not None
NEEDS_OPTUNA = pytest.mark.skipif(not HAS_OPTUNA, reason="Optuna is not installed")
PORTS = 16
SIZE = 25 * PORTS


def conditional_space() -> Space:
    return Space(
        parameters=(
            Parameter(path="kind", domain=Listed(values=("a", "b", "c"))),
            Parameter(
                path="depth", domain=Powers(start=1, stop=8),
                when=When(path="kind", among=("b",)), otherwise=3,
            ),
            Parameter(
                path="deeper", domain=Range(start=1, stop=3),
                when=When(path="depth", among=(3, 8)),
            ),
            Parameter(path="is_on", domain=Listed(values=(True, False))),
        )
    )  # fmt: skip


def samplers(space: Space, seed: int = 0):
    yield "random", RandomSampler(space, seed=seed)
    yield "grid", GridSampler(space, count=space.size)
    yield "model", ModelSampler(space=space, seed=seed, first=8)
    if HAS_OPTUNA:
        for method in ("tpe", "nsga2", "random", "qmc"):
            yield method, OptunaSampler(space, num_objectives=2, method=method, seed=seed)


NAMES = [name for name, _ in samplers(conditional_space())]


def answer(index: int) -> Answer:
    if index % 7 == 3:
        return Answer(index=index, costs=None)
    costs = (float(index % 5), float((index * 7) % 11))
    return Answer(index=index, costs=costs, excesses=(float(index % 3 - 1),))


@pytest.mark.parametrize("which", range(len(NAMES)), ids=NAMES)
def test_every_design_is_proposed_once(which: int) -> None:
    """Also where designs fail and constraints kill; 24 designs under two conditions."""
    space = conditional_space()
    assert space.size == 24
    _, sampler = list(samplers(space))[which]
    seen: list[int] = []
    while asked := sampler.ask(5):
        seen += asked
        sampler.tell([answer(index) for index in asked])
    assert sorted(seen) == list(range(24))


@pytest.mark.parametrize("which", range(len(NAMES)), ids=NAMES)
def test_a_search_that_is_resumed_proposes_the_same(which: int) -> None:
    """The ledger of a part of the budget answers; the result is that of one go."""
    sweep = functions.sweep_of(functions.raises, ports=PORTS)
    whole, resumed = MemoryLedger(), MemoryLedger()
    results = []
    for ledger, budgets in ((whole, (40,)), (resumed, (24, 40))):
        for budget in budgets:
            sampler = list(samplers(sweep.space, seed=3))[which][1]
            crew = Crew(start=lambda: ThreadPoolExecutor(2), in_flight=4)
            results.append(search(sweep, sampler, ledger, crew, budget=budget, batch=8))
    assert results[0] == results[-1]
    assert whole.records == resumed.records
    assert len(whole.records) == 40


def test_the_search_covers_almost_all_of_the_front() -> None:
    """An eighth of 400 designs for 99 % of the volume; random designs are far from it."""
    sweep = functions.sweep_of(ports=PORTS)
    crew = Crew(start=lambda: ThreadPoolExecutor(1), in_flight=4)
    exact = sweep_blocks(sweep, MemoryLedger(), crew)
    shares = {}
    for name, sampler in (
        ("model", ModelSampler(space=sweep.space, seed=1)),
        ("random", RandomSampler(sweep.space, seed=1)),
    ):
        found = search(sweep, sampler, MemoryLedger(), crew, budget=SIZE // 8)
        costs = np.array([[p.metrics["cycles"], p.metrics["area"]] for p in found.front])
        shares[name] = hypervolume(np.log(costs), np.log(np.array(exact.reference))) / volume(exact)
        assert not found.is_exact
    assert shares["model"] > 0.99
    assert shares["random"] < 0.97


@pytest.mark.parametrize("method", ["model", "random"])
def test_what_a_parameter_rules_out_is_not_evaluated(method: str, tmp_path, monkeypatch) -> None:
    """8 of 200 designs have more PEs than allowed; the budget counts the others."""
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    sweep = functions.sweep_of(functions.counts_calls)
    is_model = method == "model"
    sampler = model_sampler(sweep) if is_model else RandomSampler(sweep.space, seed=0)
    crew = Crew(start=lambda: ThreadPoolExecutor(1), in_flight=4)
    result = search(sweep, sampler, MemoryLedger(), crew, budget=60 if is_model else 300)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) == (60 if is_model else 192)
    assert not [call for call in calls if call.startswith("64 64 ")]
    if is_model:
        assert sampler.is_allowed(sweep.space.indices(range(200))).sum() == 192
    else:
        assert result.is_exact


@pytest.mark.parametrize("seed", range(6))
def test_where_few_designs_are_allowed_none_is_proposed_twice(seed: int) -> None:
    """14 of 36: the last batches are filled up with others."""
    space = Space(parameters=tuple(Parameter(path=p, domain=Range(start=1, stop=6)) for p in "ab"))
    sampler = ModelSampler(space=space, seed=seed, first=8, is_allowed=lambda some: some < 14)
    seen: list[int] = []
    while asked := sampler.ask(4):
        seen += asked
        costs = {index: (1.0 + index % 6, 1.0 + index // 6) for index in asked if index < 14}
        sampler.tell([Answer(index=index, costs=costs.get(index)) for index in asked])
    assert sorted(seen) == list(range(36))


def volume(result) -> float:
    costs = np.array([[p.metrics["cycles"], p.metrics["area"]] for p in result.front])
    return hypervolume(np.log(costs), np.log(np.array(result.reference)))


def test_a_space_that_cannot_be_listed_is_searched_by_its_front() -> None:
    """10^12 designs whose front is one corner: its neighbours lead there."""
    paths = [f"p{i}" for i in range(12)]
    space = Space(parameters=tuple(Parameter(path=p, domain=Range(start=0, stop=9)) for p in paths))
    sampler = ModelSampler(space=space, seed=0)
    best = []
    for _ in range(6):
        asked = sampler.ask(8)
        answers = []
        for index in asked:
            digits = [space.design(index)[path] for path in paths]
            costs = (1.0 + sum(digits), 2.0 + sum(d * d for d in digits))
            answers.append(Answer(index=index, costs=costs))
        sampler.tell(answers)
        best.append(min(a.costs[0] for a in answers))
    assert min(best[:2]) > 25
    assert min(best) < 12, best


def test_one_objective_leads_to_the_best_design() -> None:
    goals = Goals(objectives=(Objective(metric="cycles"),))
    sweep = functions.sweep_of(ports=PORTS, goals=goals)
    crew = Crew(start=lambda: ThreadPoolExecutor(1), in_flight=4)
    found = search(sweep, model_sampler(sweep, seed=2), MemoryLedger(), crew, budget=40)
    exact = sweep_blocks(sweep, MemoryLedger(), crew)
    assert found.best == exact.best


def test_a_search_of_all_designs_is_exact() -> None:
    sweep = functions.sweep_of(ports=2)
    crew = Crew(start=lambda: ThreadPoolExecutor(1), in_flight=4)
    found = search(sweep, model_sampler(sweep, seed=2), MemoryLedger(), crew, budget=50)
    assert found.front == sweep_blocks(sweep, MemoryLedger(), crew).front
    assert found.is_exact


def test_neighbours_differ_in_one_parameter() -> None:
    space = conditional_space()
    for number in range(space.size):
        one = space.design(number)
        found = neighbours_of(space, [number])
        assert number not in found
        assert len(found) == len(set(found))
        for other in found:
            two = space.design(other)
            changed = {path for path in one if one[path] != two[path]}
            assert changed <= {"kind", "depth", "deeper"} or changed == {"is_on"}
    assert len(neighbours_of(space, [0])) > 3


def test_a_grid_reaches_both_ends() -> None:
    space = functions.space_of()
    assert GridSampler(space, count=5).ask(9) == [0, 49, 99, 149, 199]
    assert GridSampler(space, count=1).ask(9) == [0]
    assert len(GridSampler(space, count=999).ask(999)) == 200


def test_random_numbers_of_any_size() -> None:
    rng = np.random.default_rng(0)
    large = [random_index(rng, 10**40) for _ in range(200)]
    assert 0 <= min(large) < 10**39 < 9 * 10**39 < max(large) < 10**40


def test_front_of_answers_is_exact_once_all_is_known() -> None:
    sweep = functions.sweep_of()
    crew = Crew(start=lambda: ThreadPoolExecutor(1))
    sampler = GridSampler(sweep.space, count=200)
    result = search(sweep, sampler, MemoryLedger(), crew, budget=500, batch=50)
    exact = sweep_blocks(sweep, MemoryLedger(), crew)
    assert result.is_exact
    assert (result.front, result.hypervolume) == (exact.front, exact.hypervolume)
    costs = np.array([[p.metrics["cycles"], p.metrics["area"]] for p in exact.front])
    assert len(front_indices(costs)) == len(costs)

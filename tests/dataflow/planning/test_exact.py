"""The exact search against a plain one that knows none of its rules, and on cases by hand."""

from __future__ import annotations

import heapq
import itertools

import pytest
from tilewright.dataflow.planning.checker import check_plan
from tilewright.dataflow.planning.exact import cuts, fewest_bytes
from tilewright.dataflow.planning.planner import least_budget_without_moves, make_plan
from tilewright.dataflow.planning.problem import Item, Problem, Step, bits


def plain_fewest(problem: Problem) -> int:
    """Dijkstra over single actions: load one tensor, drop one, store one, run one operator."""
    sizes = [item.size for item in problem.items]
    sources = {i for i, maker in enumerate(problem.maker) if maker is None}
    results = {i for i, readers in enumerate(problem.readers) if not readers}
    start = (frozenset(), frozenset(), frozenset(sources), frozenset())
    queue, best, ticket = [(0, 0, start)], {start: 0}, 0
    while queue:
        cost, _, state = heapq.heappop(queue)
        if best[state] != cost:
            continue
        done, here, memory, seen = state
        if len(done) == len(problem.steps):
            return cost
        room = problem.budget - sum(sizes[i] for i in here)
        following = [(0, (done, here - {i}, memory, seen)) for i in here]
        for item in memory - here:
            if sizes[item] <= room:
                price = 0 if item in sources and item not in seen else sizes[item]
                following.append((price, (done, here | {item}, memory, seen | {item})))
        following += [(sizes[i], (done, here, memory | {i}, seen)) for i in here - memory - results]
        for index, step in enumerate(problem.steps):
            new = sum(sizes[i] for i in step.writes)
            old = 0 if step.overwrites is None else sizes[step.overwrites]
            if index not in done and set(step.reads) <= here and new - old <= room:
                after = (here | set(step.writes)) - results
                if step.overwrites is not None:
                    after = after - {step.overwrites}
                following.append((0, (done | {index}, after, memory, seen)))
        for more, state_after in following:
            if cost + more < best.get(state_after, 1 << 60):
                best[state_after] = cost + more
                ticket += 1
                heapq.heappush(queue, (cost + more, ticket, state_after))
    raise AssertionError("no order")


@pytest.mark.parametrize("block", range(6))
def test_equals_a_plain_search(make_problem, block):
    moved = 0
    for seed in range(20 * block, 20 * block + 20):
        problem = make_problem(seed, operators=5 + seed % 3)
        found = fewest_bytes(problem)
        expected = plain_fewest(problem)
        assert (found.bytes, found.lower_bound) == (expected, expected), f"random_problem({seed})"
        moved += expected > 0
    assert moved >= 3, "too few problems have to move anything"


@pytest.mark.parametrize("seed", range(40))
def test_plans_of_larger_graphs_are_accepted_by_the_checker(make_problem, seed):
    problem = make_problem(1000 + seed, operators=16)
    plan = make_plan(problem, seconds=10)
    traffic = check_plan(problem, plan)
    assert plan.certificate is not None
    assert traffic.moved_beyond == plan.certificate.bytes, f"random_problem({1000 + seed})"
    assert (traffic.compulsory_read, traffic.compulsory_written) == problem.compulsory_bytes
    assert plan.certificate.lower_bound <= plan.certificate.bytes


def chain(*sizes: int, budget: int) -> Problem:
    """Operator i turns tensor i - 1 into tensor i; tensor 0 is made of nothing."""
    items = tuple(Item(name=f"t{i}", size=size) for i, size in enumerate(sizes))
    steps = tuple(
        Step(name=f"op{i}", reads=(i - 1,) if i else (), writes=(i,)) for i in range(len(sizes))
    )
    return Problem(name="chain", items=items, steps=steps, budget=budget)


def test_a_chain_moves_nothing_at_its_least_budget():
    found = fewest_bytes(chain(3, 5, 2, 7, 1, budget=9))
    assert (found.bytes, found.is_proven) == (0, True)


def test_a_skip_connection_is_spilled_once_and_reloaded_once():
    # t0 -> a -> b -> sum(t0, b): 6 + 4 while a runs needs more than 8.
    items = (Item(name="t0", size=3), Item(name="a", size=4), Item(name="b", size=4),
             Item(name="y", size=1))  # fmt: skip
    steps = (
        Step(name="make", reads=(), writes=(0,)),
        Step(name="a", reads=(0,), writes=(1,)),
        Step(name="b", reads=(1,), writes=(2,)),
        Step(name="sum", reads=(0, 2), writes=(3,)),
    )
    problem = Problem(name="skip", items=items, steps=steps, budget=8)
    found = fewest_bytes(problem)
    assert found.bytes == 2 * 3
    plan = make_plan(problem)
    assert [(store.item, store.after) for store in plan.stores] == [(0, 1), (3, 3)]
    assert [(r.item, r.first, r.last, r.is_loaded) for r in plan.residences] == [
        (0, 0, 1, False),
        (1, 1, 2, False),
        (2, 2, 3, False),
        (0, 3, 3, True),
        (3, 3, 3, False),
    ]
    assert fewest_bytes(problem.with_budget(11)).bytes == 0
    assert least_budget_without_moves(problem) == 11


def test_a_tensor_from_memory_is_reloaded_but_never_stored():
    # w is read by the first and the last operator, and does not fit beside those between.
    items = tuple(
        Item(name=name, size=size) for name, size in [("w", 5), ("a", 1), ("b", 6), ("y", 1)]
    )
    steps = (
        Step(name="first", reads=(0,), writes=(1,)),
        Step(name="middle", reads=(1,), writes=(2,)),
        Step(name="last", reads=(0, 2), writes=(3,)),
    )
    whole = Problem(name="weights", items=items, steps=steps, budget=12)
    assert fewest_bytes(whole).bytes == 0
    narrow = Problem(
        name="narrow",
        items=(*items, Item(name="c", size=1)),
        steps=(*steps[:2], Step(name="shrink", reads=(2,), writes=(4,)),
               Step(name="last", reads=(0, 4), writes=(3,))),
        budget=8,
    )  # fmt: skip
    found = fewest_bytes(narrow)
    assert (found.bytes, found.lower_bound) == (5, 5)
    assert check_plan(narrow, make_plan(narrow)).spilled == 0


def test_cuts_are_where_one_result_is_all_that_lives():
    problem = chain(1, 1, 1, budget=2)
    assert [bits(mask) for mask in cuts(problem)] == [[0], [0, 1], [0, 1, 2]]


def test_parts_add_up():
    """Two skip connections in a row cost as much as each alone, added."""
    sizes = {"x": 3, "a": 4, "b": 4, "y": 3, "c": 5, "d": 4, "z": 1}
    names = list(sizes)
    items = tuple(Item(name=name, size=size) for name, size in sizes.items())
    reads = {"x": "", "a": "x", "b": "a", "y": "xb", "c": "y", "d": "c", "z": "yd"}
    steps = tuple(
        Step(name=n, reads=tuple(names.index(c) for c in r), writes=(names.index(n),))
        for n, r in reads.items()
    )
    problem = Problem(name="two", items=items, steps=steps, budget=10)
    assert fewest_bytes(problem).bytes == plain_fewest(problem) == 2 * 3 + 2 * 3


@pytest.mark.parametrize(
    ("reads", "writes", "words"),
    [
        ([(), (0,)], [(0,), (0,)], "named|twice"),
        ([(1,), (0,)], [(0,), (1,)], "before it is made"),
        ([(), ()], [(0,), ()], "makes no tensor"),
        ([(), (5,)], [(0,), (1,)], "does not exist"),
    ],
)
def test_graphs_that_are_none(reads, writes, words):
    items = (Item(name="a", size=1), Item(name="b", size=1))
    steps = tuple(
        Step(name=f"op{i}", reads=r, writes=w)
        for i, (r, w) in enumerate(zip(reads, writes, strict=True))
    )
    with pytest.raises(ValueError, match=words):
        Problem(name="bad", items=items, steps=steps, budget=9)


def test_a_budget_that_is_too_small_says_what_is_enough():
    with pytest.raises(ValueError, match=r"operator op3 needs 9 bytes \(t2 2, t3 7\).* works is 9"):
        chain(3, 5, 2, 7, 1, budget=8)


def test_least_sets_are_least(make_problem):
    from tilewright.dataflow.planning.states import Moves

    problem = make_problem(5, operators=8)
    moves = Moves(problem)
    everything = range(len(problem.items))
    for excess in (1, 4, 9, 15):
        found = set(moves.least_sets((1 << len(problem.items)) - 1, excess))
        expected = set()
        for count in everything:
            for chosen in itertools.combinations(everything, count):
                weight = sum(problem.items[i].size for i in chosen)
                if weight >= excess and all(
                    weight - problem.items[i].size < excess for i in chosen
                ):
                    expected.add(sum(1 << i for i in chosen))
        assert found == expected

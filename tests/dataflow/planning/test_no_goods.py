"""Choices that do not pack are excluded one by one: the first that packs is the best of all."""

from __future__ import annotations

import itertools

import pytest
from tilewright.dataflow.placement.packing import Packing
from tilewright.dataflow.planning.checker import check_plan
from tilewright.dataflow.planning.memory_plan import plan_of_moves
from tilewright.dataflow.planning.no_goods import best_that_packs
from tilewright.dataflow.planning.replacement import bytes_of, excess_of, gaps_of, moves_of


def held(plan):
    """Bytes x positions of all residences: what a choice keeps on chip, falling with each drop."""
    return sum(r.last - r.first + 1 for r in plan.residences)


def packer_up_to(most):
    """Stands for a packing search that finds places for plans that hold little, and refutes all
    others; a plan that keeps more than a refuted one is refuted, too, as with real places.
    """

    def pack(problem, plan):
        del problem
        if held(plan) > most:
            return None, Packing(offsets=None, is_refuted=True, method="planted")
        return plan, Packing(offsets=(), is_refuted=False, method="planted")

    return pack


def plain_least(problem, order, most):
    """Every set of gaps."""
    gaps = [gap for gap in gaps_of(problem, order) if gap.after > gap.before + 1]
    least = None
    for count in range(len(gaps) + 1):
        for dropped in itertools.combinations(gaps, count):
            kept = [gap for gap in gaps_of(problem, order) if gap not in dropped]
            if max(excess_of(problem, order, kept)) > 0:
                continue
            if held(plan_of_moves(problem, moves_of(order, dropped))) > most:
                continue
            total = bytes_of(problem, dropped)
            least = total if least is None else min(least, total)
    return least


@pytest.mark.parametrize("seed", range(24))
def test_equals_all_sets_of_gaps(make_problem, seed):
    problem = make_problem(500 + seed, operators=7)
    order = list(range(len(problem.steps)))
    everything = held(plan_of_moves(problem, moves_of(order, ())))
    spanning = [gap for gap in gaps_of(problem, order) if gap.after > gap.before + 1]
    nothing = held(plan_of_moves(problem, moves_of(order, spanning)))
    for most in {everything, (everything + nothing) // 2, nothing}:
        plan, bound = best_that_packs(problem, order, seconds=20, packer=packer_up_to(most))
        words = f"random_problem({500 + seed}), {most} of {nothing}..{everything}"
        assert plan is not None, words
        assert held(plan) <= most, words
        moves = [store for store in plan.stores if problem.readers[store.item]]
        reloads = [r for r in plan.residences if r.is_loaded]
        first = {r.item for r in reloads if problem.maker[r.item] is None}
        total = sum(problem.items[s.item].size for s in moves)
        total += sum(problem.items[r.item].size for r in reloads)
        total -= sum(problem.items[item].size for item in first)
        assert total == bound == plain_least(problem, order, most), words


def test_nothing_packs(make_problem):
    problem = make_problem(501, operators=7)
    plan, _ = best_that_packs(problem, list(range(7)), seconds=20, packer=packer_up_to(0))
    assert plan is None


def test_with_real_addresses(make_problem):
    problem = make_problem(502, operators=9, slack=0.1)
    plan, bound = best_that_packs(problem, list(range(9)), seconds=20)
    assert plan is not None
    assert check_plan(problem, plan).moved_beyond == bound

"""Every rule of the checker has a fault that it, and no other rule, finds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tilewright.dataflow.planning.checker import Rejected, check_plan
from tilewright.dataflow.planning.memory_plan import MemoryPlan, Residence, Store
from tilewright.dataflow.planning.problem import Item, Problem, Step

SKIP, A, B, Y, W = range(5)


def example() -> tuple[Problem, MemoryPlan]:
    """skip -> a -> b -> y = sum(skip, b), in place on b, with weights w for a; skip leaves."""
    sizes = {"skip": 4, "a": 4, "b": 4, "y": 4, "w": 2}
    problem = Problem(
        name="example",
        items=tuple(Item(name=name, size=size) for name, size in sizes.items()),
        steps=(
            Step(name="make", reads=(), writes=(SKIP,)),
            Step(name="left", reads=(SKIP, W), writes=(A,)),
            Step(name="right", reads=(A,), writes=(B,)),
            Step(name="sum", reads=(SKIP, B), writes=(Y,), overwrites=B),
        ),
        budget=10,
    )
    residences = (
        Residence(item=SKIP, first=0, last=1, is_loaded=False, offset=0),
        Residence(item=W, first=1, last=1, is_loaded=True, offset=8),
        Residence(item=A, first=1, last=2, is_loaded=False, offset=4),
        Residence(item=B, first=2, last=3, is_loaded=False, offset=0),
        Residence(item=SKIP, first=3, last=3, is_loaded=True, offset=4),
        Residence(item=Y, first=3, last=3, is_loaded=False, offset=0),
    )
    stores = (Store(item=SKIP, after=1), Store(item=Y, after=3))
    return problem, MemoryPlan(order=(0, 1, 2, 3), residences=residences, stores=stores)


def changed(plan: MemoryPlan, place: int, **changes: object) -> MemoryPlan:
    residences = list(plan.residences)
    residences[place] = replace(residences[place], **changes)
    return replace(plan, residences=tuple(residences))


def without(plan: MemoryPlan, place: int) -> MemoryPlan:
    return replace(plan, residences=plan.residences[:place] + plan.residences[place + 1 :])


def with_one(plan: MemoryPlan, **what: object) -> MemoryPlan:
    return replace(plan, residences=(*plan.residences, Residence(**what)))


def test_the_example_is_accepted_and_counted():
    problem, plan = example()
    traffic = check_plan(problem, plan, alignment=2)
    assert (traffic.compulsory_read, traffic.compulsory_written) == (2, 4)
    assert (traffic.spilled, traffic.reloaded, traffic.moved_beyond) == (4, 4, 8)


FAULTS = {
    "an operator twice": (lambda p: replace(p, order=(0, 1, 2, 2)), "every operator once"),
    "an operator missing": (lambda p: replace(p, order=(0, 1, 2)), "every operator once"),
    "too early": (lambda p: replace(p, order=(0, 2, 1, 3)), "nothing makes it there"),
    "no such tensor": (lambda p: changed(p, 1, item=9), "there is no tensor 9"),
    "stored tensor unknown": (
        lambda p: replace(p, stores=(*p.stores, Store(item=-1, after=2))), "there is no tensor -1",
    ),
    "after the end": (lambda p: changed(p, 5, last=4), "outside the order"),
    "no address": (lambda p: changed(p, 2, offset=None), "tensor a has no address"),
    "above the budget": (lambda p: changed(p, 1, offset=10), "tensor w ends at 12, the budget"),
    "below zero": (lambda p: changed(p, 2, offset=-2), "the budget is 10"),
    "not aligned": (lambda p: changed(p, 2, offset=5), "tensor a at 5 is not aligned to 2"),
    "stored too late": (
        lambda p: replace(p, stores=(*p.stores, Store(item=Y, after=4))), "after the end",
    ),
    "an input missing": (lambda p: without(p, 1), "left runs without tensor w"),
    "an output missing": (lambda p: without(p, 2), "left runs without tensor a"),
    "leaves too early": (lambda p: changed(p, 0, last=0), "left runs without tensor skip"),
    "twice on chip": (
        lambda p: with_one(p, item=SKIP, first=1, last=1, is_loaded=True, offset=4),
        "skip lies on chip twice at position 1",
    ),
    "loaded, not in memory": (
        lambda p: replace(p, stores=p.stores[1:]), "loaded at position 3, memory has no copy",
    ),
    "loaded before it is made": (
        lambda p: with_one(p, item=B, first=0, last=0, is_loaded=True, offset=4),
        "tensor b is loaded at position 0, memory has no copy",
    ),
    "made by nothing": (lambda p: changed(p, 4, is_loaded=False), "skip appears at position 3"),
    "weights made by nothing": (lambda p: changed(p, 1, is_loaded=False), "tensor w appears"),
    "two in one place": (lambda p: changed(p, 2, offset=2), "share bytes at position 1"),
    "partly in one place": (lambda p: changed(p, 1, offset=6), "tensor a and tensor w share"),
    "not in the place that it overwrites": (
        lambda p: changed(p, 5, offset=6), "tensor y must take the place of tensor b",
    ),
    "stored while away": (
        lambda p: replace(p, stores=(*p.stores, Store(item=A, after=3))),
        "tensor a is stored while it is not on chip",
    ),
    "result never stored": (lambda p: replace(p, stores=p.stores[:1]), "y is a result"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name):
    problem, plan = example()
    break_it, words = FAULTS[name]
    with pytest.raises(Rejected, match=words):
        check_plan(problem, break_it(plan), alignment=2)


def test_what_is_overwritten_must_die_there():
    problem, plan = example()
    longer = Problem(
        name="longer",
        items=(*problem.items, Item(name="z", size=2)),
        steps=(*problem.steps, Step(name="end", reads=(Y,), writes=(5,))),
        budget=10,
    )
    residences = (
        *plan.residences[:5],
        Residence(item=Y, first=3, last=4, is_loaded=False, offset=0),
        Residence(item=5, first=4, last=4, is_loaded=False, offset=8),
    )
    good = replace(
        plan,
        order=(0, 1, 2, 3, 4),
        residences=residences,
        stores=(plan.stores[0], Store(item=5, after=4)),
    )
    assert check_plan(longer, good).moved_beyond == 8
    with pytest.raises(Rejected, match="tensor y must take the place of tensor b"):
        check_plan(longer, changed(good, 3, last=4))

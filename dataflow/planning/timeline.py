"""`Timeline`: when each operator and each transfer of a plan starts and ends, in cycles.

The model: one compute unit runs the operators in the plan's order; one memory port moves one tensor
at a time. A tensor's bytes are taken from the start of its load, or of its operator, to the end of
its last use or of its store, whichever is later. Both ends are half-open: what ends at a cycle
leaves its place to what starts at it. An overwritten tensor hands its bytes over when the operator
that overwrites it starts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from ..checks import at_least
from .memory_plan import MemoryPlan
from .problem import Problem

MADE_UP_BYTES_PER_CYCLE = 8

Cycles = Callable[[Problem, int], int]
"""Cycles of an operator of a problem, given by its index."""


def cycles_by_bytes(problem: Problem, step: int) -> int:
    """Of a made-up machine: the bytes of the operator's inputs and outputs / 8, rounded up."""
    one = problem.steps[step]
    total = sum(problem.items[item].size for item in (*one.reads, *one.writes))
    return -(-total // MADE_UP_BYTES_PER_CYCLE)


@dataclass(frozen=True, kw_only=True)
class TimeMachine:
    """Speed of the memory port, and the law of the operators' cycles.

    A transfer of n bytes keeps the port for `latency_cycles + ceil(n / bytes_per_cycle)` cycles.
    """

    bytes_per_cycle: int = 8
    latency_cycles: int = 0
    cycles: Cycles = cycles_by_bytes

    def __post_init__(self) -> None:
        at_least("bytes_per_cycle", self.bytes_per_cycle, 1)
        at_least("latency_cycles", self.latency_cycles, 0)

    def transfer_cycles(self, size: int) -> int:
        return self.latency_cycles + -(-size // self.bytes_per_cycle)

    def all_cycles(self, problem: Problem) -> tuple[int, ...]:
        """Cycles of every operator.

        Raises:
            ValueError: if the law gives less than one cycle, or no integer.
        """
        found = tuple(self.cycles(problem, step) for step in range(len(problem.steps)))
        for step, cycles in zip(problem.steps, found, strict=True):
            at_least(f"cycles of operator {step.name}", cycles, 1)
        return found


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """The load of a residence (its index in the plan), or its store, in cycles `[start, end)`."""

    residence: int
    is_store: bool
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Operators by their position in the plan's order, transfers by their start."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]
    transfers: tuple[Transfer, ...]

    @property
    def makespan(self) -> int:
        """Cycles from the first load to the last store."""
        return max((*self.ends, *(transfer.end for transfer in self.transfers)), default=0)


@dataclass(frozen=True)
class Jobs:
    """What a plan leaves to be timed: durations, and who waits for whom, addresses aside.

    Transfers are numbered: loads in the order of the operators that need them, then stores.
    """

    problem: Problem
    plan: MemoryPlan
    machine: TimeMachine

    @cached_property
    def op_cycles(self) -> tuple[int, ...]:
        """By position."""
        cycles = self.machine.all_cycles(self.problem)
        return tuple(cycles[step] for step in self.plan.order)

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Bytes of each residence."""
        return tuple(self.problem.items[r.item].size for r in self.plan.residences)

    @cached_property
    def loads(self) -> tuple[int, ...]:
        """Residences that are loaded, by the position that needs them."""
        plan = self.plan
        found = [index for index, r in enumerate(plan.residences) if r.is_loaded]
        return tuple(sorted(found, key=lambda i: (plan.residences[i].first, i)))

    @cached_property
    def stores(self) -> tuple[int, ...]:
        """Residences that are stored, in the plan's order of stores."""
        spans: dict[int, list[int]] = {}
        for index, r in enumerate(self.plan.residences):
            spans.setdefault(r.item, []).append(index)
        found = []
        for store in self.plan.stores:
            for index in spans[store.item]:
                if self.plan.residences[index].first <= store.after:
                    held = index
            found.append(held)
        return tuple(found)

    @cached_property
    def transfer_residences(self) -> tuple[int, ...]:
        return (*self.loads, *self.stores)

    @cached_property
    def transfer_cycles(self) -> tuple[int, ...]:
        return tuple(self.machine.transfer_cycles(self.sizes[r]) for r in self.transfer_residences)

    @cached_property
    def copies(self) -> tuple[int | None, ...]:
        """For each load the store (by its number) that it reads; None: memory always had it."""
        at = {self.plan.residences[r].item: n for n, r in enumerate(self.stores, len(self.loads))}
        sources = self.problem.maker
        return tuple(
            None if sources[item] is None else at[item]
            for item in (self.plan.residences[r].item for r in self.loads)
        )

    @cached_property
    def overwritten(self) -> frozenset[int]:
        """Residences whose last operator overwrites them."""
        steps, order = self.problem.steps, self.plan.order
        return frozenset(
            index
            for index, r in enumerate(self.plan.residences)
            if steps[order[r.last]].overwrites == r.item
        )

    @property
    def serial_cycles(self) -> int:
        """All cycles one after the other: no schedule without idle cycles takes longer."""
        return sum(self.op_cycles) + sum(self.transfer_cycles)

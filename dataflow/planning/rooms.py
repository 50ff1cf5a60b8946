"""Room on chip while a plan is timed, in two kinds.

`Addresses`: the plan's addresses hold; a place is free when all earlier residences that share a
byte with it have ended. `Capacity`: only sums count, and addresses are found afterwards for the
times that came out (`time_search`).
"""

from __future__ import annotations

from typing import Protocol

from .timeline import Jobs


class Room(Protocol):
    """Who may come when; `position` is the next operator that has not started."""

    def fits_load(self, residence: int, position: int) -> bool: ...

    def load(self, residence: int, position: int) -> None: ...

    def fits_operator(self, position: int) -> bool: ...

    def operate(self, position: int) -> None: ...

    def leave(self, residence: int) -> None: ...


class Capacity:
    """At most `budget` bytes at a time, `early` when a tensor comes before its operator is next.

    Less than the budget for what is early leaves holes, with which packing has it easier.
    """

    def __init__(self, jobs: Jobs, early: int) -> None:
        plan = jobs.plan
        self.jobs, self.budget, self.early, self.used = jobs, jobs.problem.budget, early, 0
        self.booked = plan.loads_by_position(
            jobs.problem
        )  # bytes at each position, those early too
        self.first = [r.first for r in plan.residences]
        self.growth = [0] * len(plan.order)
        for index, r in enumerate(plan.residences):
            if not r.is_loaded:
                self.growth[r.first] += jobs.sizes[index]
        self.handed: list[list[int]] = [[] for _ in plan.order]
        for index in jobs.overwritten:
            self.handed[plan.residences[index].last].append(index)

    def fits_load(self, residence: int, position: int) -> bool:
        between = self.booked[position : self.first[residence]]
        left = (self.early if between else self.budget) - self.jobs.sizes[residence]
        return self.used <= left and (not between or max(between) <= left)

    def load(self, residence: int, position: int) -> None:
        size = self.jobs.sizes[residence]
        self.used += size
        for place in range(position, self.first[residence]):
            self.booked[place] += size

    def fits_operator(self, position: int) -> bool:
        handed = sum(self.jobs.sizes[index] for index in self.handed[position])
        return self.used + self.growth[position] - handed <= self.budget

    def operate(self, position: int) -> None:
        self.used += self.growth[position]

    def leave(self, residence: int) -> None:
        self.used -= self.jobs.sizes[residence]


class Addresses:
    """At the plan's addresses, in the plan's order."""

    def __init__(self, jobs: Jobs) -> None:
        residences = jobs.plan.residences
        self.made: list[list[int]] = [[] for _ in jobs.plan.order]
        for index, r in enumerate(residences):
            if not r.is_loaded:
                self.made[r.first].append(index)
        self.waits_for = earlier_on_same_bytes(jobs)
        self.followers: list[list[int]] = [[] for _ in residences]
        for index, earlier in enumerate(self.waits_for):
            for other in earlier:
                self.followers[other].append(index)
        self.missing = [len(earlier) for earlier in self.waits_for]

    def fits_load(self, residence: int, position: int) -> bool:
        return not self.missing[residence]

    def load(self, residence: int, position: int) -> None:
        pass

    def fits_operator(self, position: int) -> bool:
        return not any(self.missing[index] for index in self.made[position])

    def operate(self, position: int) -> None:
        pass

    def leave(self, residence: int) -> None:
        for follower in self.followers[residence]:
            self.missing[follower] -= 1


def earlier_on_same_bytes(jobs: Jobs) -> list[list[int]]:
    """For each residence those that share a byte with it and end before it comes.

    A tensor overwritten by the one that comes is no such: it hands its bytes over.
    """
    residences, sizes = jobs.plan.residences, jobs.sizes
    lows = [r.offset or 0 for r in residences]
    spans = [(low, low + size) for low, size in zip(lows, sizes, strict=True)]
    found: list[list[int]] = []
    for index, r in enumerate(residences):
        low, high = spans[index]
        found.append(
            [
                other
                for other, before in enumerate(residences)
                if before.last < r.first and spans[other][0] < high and low < spans[other][1]
            ]
        )
    return found

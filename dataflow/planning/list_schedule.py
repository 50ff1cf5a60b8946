"""Times for a plan by simulation: whenever the port is free, the most urgent transfer that may
start does.

A tensor comes early only if no operator before its own lacks room by it (`rooms`), and a store can
go as soon as its tensor is there, so the simulation never gets stuck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .rooms import Room
from .timeline import Jobs, Timeline, Transfer

WINDOW = 16
NEVER = 1 << 62


@dataclass(frozen=True)
class Rule:
    """By transfer: its urgency (the least goes first), and the position before whose operator it
    must not start (operators before that one have started).
    """

    urgency: Sequence[float]
    release: Sequence[int]


class _Run:
    """One simulation."""

    def __init__(self, jobs: Jobs, rule: Rule, room: Room) -> None:
        self.jobs, self.rule, self.room = jobs, rule, room
        residences, num_loads = jobs.plan.residences, len(jobs.loads)
        self.first_of = [residences[r].first for r in jobs.loads]
        count = len(jobs.plan.order)
        self.missing_loads = [0] * count
        for first in self.first_of:
            self.missing_loads[first] += 1
        self.loads = sorted(range(num_loads), key=lambda n: (rule.urgency[n], n))
        self.stores: list[int] = []
        self.store_of = {r: n for n, r in enumerate(jobs.stores, num_loads)}
        self.wakes: list[list[int]] = [[] for _ in residences]
        self.closing: list[list[int]] = [[] for _ in range(count)]
        for index, r in enumerate(residences):
            self.closing[r.last].append(index)
        self.made: list[list[int]] = [[] for _ in range(count)]
        for index, r in enumerate(residences):
            if not r.is_loaded and index in self.store_of:
                self.made[r.first].append(self.store_of[index])
        self.ends_at = [NEVER] * len(jobs.transfer_residences)
        self.op_start: list[int] = []
        self.used_up: set[int] = set()
        self.now, self.op_end, self.port_end = 0, NEVER, NEVER
        self.position, self.moving = 0, -1

    def run(self) -> Timeline:
        jobs = self.jobs
        count, transfers = len(jobs.plan.order), []
        while True:
            if self.op_end == NEVER and self._may_operate():
                self._operate()
            if self.port_end == NEVER:
                number = self._choose()
                if number is not None:
                    self._move(number)
                    transfers.append(number)
            if self.op_end == NEVER and self.port_end == NEVER:
                break
            self.now = min(self.op_end, self.port_end)
            self._finish()
        assert self.position == count and len(transfers) == len(self.ends_at), "never stuck"
        cycles, numbers = jobs.transfer_cycles, jobs.transfer_residences
        moves = tuple(
            Transfer(
                residence=numbers[n],
                is_store=n >= len(jobs.loads),
                start=self.ends_at[n] - cycles[n],
                end=self.ends_at[n],
            )
            for n in transfers
        )
        ends = tuple(s + c for s, c in zip(self.op_start, jobs.op_cycles, strict=True))
        return Timeline(starts=tuple(self.op_start), ends=ends, transfers=moves)

    def _may_operate(self) -> bool:
        at = self.position
        if at == len(self.jobs.plan.order) or self.missing_loads[at]:
            return False
        for index in self.closing[at]:
            if index in self.jobs.overwritten and self._is_stored_later(index):
                return False
        return self.room.fits_operator(at)

    def _is_stored_later(self, residence: int) -> bool:
        number = self.store_of.get(residence)
        return number is not None and self.ends_at[number] > self.now

    def _operate(self) -> None:
        at = self.position
        self.room.operate(at)
        for index in self.closing[at]:
            if index in self.jobs.overwritten:
                self.room.leave(index)
        self.op_start.append(self.now)
        self.op_end = self.now + self.jobs.op_cycles[at]
        self.position += 1

    def _choose(self) -> int | None:
        """The most urgent transfer that may start now."""
        best, urgency = None, self.rule.urgency
        for number in self.stores:
            if self.rule.release[number] <= self.position and (
                best is None or urgency[number] < urgency[best]
            ):
                best = number
        seen = 0
        for number in self.loads:
            if best is not None and urgency[number] >= urgency[best]:
                break
            seen += 1
            if seen > WINDOW and self.first_of[number] != self.position:
                continue
            if self._may_load(number):
                return number
        if best is None and self.stores and self._waits_for_store():
            best = min(self.stores, key=lambda n: urgency[n])
        return best

    def _waits_for_store(self) -> bool:
        """Whether nothing else is under way: then a store goes before its release."""
        return self.op_end == NEVER

    def _may_load(self, number: int) -> bool:
        jobs = self.jobs
        first = self.first_of[number]
        if first != self.position and self.rule.release[number] > self.position:
            return False
        copy = jobs.copies[number]
        if copy is not None and self.ends_at[copy] > self.now:
            return False
        return self.room.fits_load(jobs.loads[number], self.position)

    def _move(self, number: int) -> None:
        num_loads = len(self.jobs.loads)
        if number < num_loads:
            self.loads.remove(number)
            self.room.load(self.jobs.loads[number], self.position)
        else:
            self.stores.remove(number)
        self.port_end = self.now + self.jobs.transfer_cycles[number]
        self.ends_at[number] = self.port_end
        self.moving = number

    def _finish(self) -> None:
        """What ends now."""
        jobs = self.jobs
        if self.port_end == self.now:
            number, self.port_end = self.moving, NEVER
            residence = jobs.transfer_residences[number]
            if number < len(jobs.loads):
                self.missing_loads[self.first_of[number]] -= 1
                if residence in self.store_of:
                    self.stores.append(self.store_of[residence])
            elif residence in self.used_up:
                self.room.leave(residence)
        if self.op_end == self.now:
            at, self.op_end = self.position - 1, NEVER
            self.stores += self.made[at]
            for index in self.closing[at]:
                if index in jobs.overwritten:
                    continue
                if self._is_stored_later(index):
                    self.used_up.add(index)
                else:
                    self.room.leave(index)


def simulate(jobs: Jobs, rule: Rule, room: Room) -> Timeline:
    """The times that the rule leads to; the room is used up."""
    return _Run(jobs, rule, room).run()


def due_rule(jobs: Jobs, ahead: int, store_lead: float) -> Rule:
    """Loads by the position that needs them, while at most `ahead` operators before it are still to
    end; stores as if due `store_lead` positions after their tensor came (less than nothing: first).
    """
    plan = jobs.plan
    firsts = [plan.residences[r].first for r in jobs.loads]
    stores = [plan.residences[r] for r in jobs.stores]
    urgency = [float(first) for first in firsts]
    urgency += [r.first + store_lead for r in stores]
    release = [max(0, first - ahead + 1) for first in firsts] + [0] * len(stores)
    return Rule(urgency, release)

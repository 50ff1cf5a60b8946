"""The judge of timelines: plays every start and end in the order of cycles, believes no scheduler.

It shares no code with what makes timelines; the plan's own rules are `checker.check_plan`'s.
"""

from __future__ import annotations

from .memory_plan import MemoryPlan, Residence
from .problem import Problem
from .timeline import Timeline, TimeMachine, Transfer


class WrongTimeline(ValueError):
    """The timeline breaks a rule; the text says which one, and when."""


def check_timeline(
    problem: Problem, plan: MemoryPlan, machine: TimeMachine, timeline: Timeline
) -> int:
    """The makespan, after every rule was seen to hold.

    Raises:
        WrongTimeline: if an operator or transfer is missing, too short or too long, overlaps
            another one on its unit, runs before its data exist, if two tensors share a byte at one
            moment, or one lies outside the budget.
    """
    judge = _Judge(problem, plan, machine, timeline)
    judge.check_compute()
    judge.check_port()
    judge.check_loads()
    judge.check_stores()
    judge.check_operands()
    judge.check_bytes()
    ends = [*timeline.ends, *(transfer.end for transfer in timeline.transfers)]
    return max(ends, default=0)


class _Judge:
    def __init__(
        self, problem: Problem, plan: MemoryPlan, machine: TimeMachine, timeline: Timeline
    ) -> None:
        self.problem, self.plan, self.machine, self.timeline = problem, plan, machine, timeline
        self.load_of: dict[int, Transfer] = {}
        self.stores_of: dict[int, list[Transfer]] = {}

    def _name(self, residence: Residence) -> str:
        return f"tensor {self.problem.items[residence.item].name}"

    def check_compute(self) -> None:
        """Operators in order, each as long as the machine says."""
        line, order = self.timeline, self.plan.order
        if not len(line.starts) == len(line.ends) == len(order) == len(self.problem.steps):
            raise WrongTimeline("the timeline must have every operator once")
        now = 0
        for start, end, step in zip(line.starts, line.ends, order, strict=True):
            name = self.problem.steps[step].name
            if start < now:
                raise WrongTimeline(f"operator {name} starts at {start}, before cycle {now}")
            if end - start != self.machine.cycles(self.problem, step):
                raise WrongTimeline(f"operator {name} takes {end - start} cycles")
            now = end

    def check_port(self) -> None:
        """One transfer at a time, each as long as its bytes take, each of a residence."""
        now = 0
        for move in sorted(self.timeline.transfers, key=lambda t: (t.start, t.end)):
            if not 0 <= move.residence < len(self.plan.residences):
                raise WrongTimeline(f"there is no residence {move.residence}")
            residence = self.plan.residences[move.residence]
            if move.start < now:
                raise WrongTimeline(f"two transfers use the port at {move.start}")
            size = self.problem.items[residence.item].size
            beats = (size + self.machine.bytes_per_cycle - 1) // self.machine.bytes_per_cycle
            if move.end - move.start != beats + self.machine.latency_cycles:
                raise WrongTimeline(f"{self._name(residence)} moves in {move.end - move.start}")
            now = move.end
            if move.is_store:
                self.stores_of.setdefault(move.residence, []).append(move)
            elif move.residence in self.load_of:
                raise WrongTimeline(f"{self._name(residence)} is loaded twice")
            else:
                self.load_of[move.residence] = move

    def check_loads(self) -> None:
        """What the plan loads is loaded, once memory has it, before it is used."""
        made = {item for step in self.problem.steps for item in step.writes}
        for index, residence in enumerate(self.plan.residences):
            load = self.load_of.get(index)
            if (load is not None) != residence.is_loaded:
                raise WrongTimeline(f"{self._name(residence)}: load and plan differ")
            if load is None:
                continue
            if load.end > self.timeline.starts[residence.first]:
                raise WrongTimeline(f"{self._name(residence)} is used before its load ends")
            if residence.item in made and not any(
                store.end <= load.start
                for other, stores in self.stores_of.items()
                for store in stores
                if self.plan.residences[other].item == residence.item
            ):
                raise WrongTimeline(f"{self._name(residence)} is loaded before memory has it")

    def check_stores(self) -> None:
        """What the plan stores is stored, after it was made, and nothing else."""
        planned: list[int] = []
        for store in self.plan.stores:
            planned += [
                index
                for index, r in enumerate(self.plan.residences)
                if r.item == store.item and r.first <= store.after <= r.last
            ]
        done = [index for index, stores in self.stores_of.items() for _ in stores]
        if sorted(planned) != sorted(done):
            raise WrongTimeline("the stores are not those of the plan")
        for index, stores in self.stores_of.items():
            residence = self.plan.residences[index]
            valid = self.timeline.ends[residence.first]
            if residence.is_loaded:
                valid = self.load_of[index].end
            if any(store.start < valid for store in stores):
                raise WrongTimeline(f"{self._name(residence)} is stored before it is there")

    def check_operands(self) -> None:
        """Each operand lies on chip at its operator's position."""
        count = len(self.plan.order)
        here: list[set[int]] = [set() for _ in range(count)]
        for residence in self.plan.residences:
            for position in range(residence.first, residence.last + 1):
                here[position].add(residence.item)
        for position, step in enumerate(self.plan.order):
            one = self.problem.steps[step]
            if not here[position].issuperset((*one.reads, *one.writes)):
                raise WrongTimeline(f"operator {one.name} runs without an operand")

    def _span(self, index: int) -> tuple[int, int]:
        residence = self.plan.residences[index]
        load = self.load_of.get(index)
        start = self.timeline.starts[residence.first] if load is None else load.start
        last_step = self.problem.steps[self.plan.order[residence.last]]
        stores = [store.end for store in self.stores_of.get(index, [])]
        if last_step.overwrites == residence.item:
            end = self.timeline.starts[residence.last]
            if any(stored > end for stored in stores):
                raise WrongTimeline(f"{self._name(residence)} is overwritten before it is stored")
            return start, end
        return start, max([self.timeline.ends[residence.last], *stores])

    def check_bytes(self) -> None:
        """No byte of the scratchpad belongs to two tensors at one moment."""
        events: list[tuple[int, int, int]] = []
        for index in range(len(self.plan.residences)):
            start, end = self._span(index)
            events += [(start, 1, index), (end, 0, index)]  # ends before starts
        here: dict[int, tuple[int, int]] = {}
        for now, is_start, index in sorted(events):
            residence = self.plan.residences[index]
            if not is_start:
                here.pop(index)
                continue
            low = residence.offset
            if low is None:
                raise WrongTimeline(f"{self._name(residence)} has no address")
            high = low + self.problem.items[residence.item].size
            if low < 0 or high > self.problem.budget:
                raise WrongTimeline(f"{self._name(residence)} lies outside the budget")
            for other, (bottom, top) in here.items():
                if low < top and bottom < high:
                    names = f"{self._name(residence)} and {self._name(self.plan.residences[other])}"
                    raise WrongTimeline(f"{names} share bytes at cycle {now}")
            here[index] = low, high

"""Lower bounds of the makespan that hold for every plan of a problem, whatever its order.

Each is a sum of work that nothing can overlap:

* compute: all operators, the first one's loads, the store of the last one's result;
* port: all compulsory bytes and the fewest bytes beyond them;
* operator: before an operator starts, all that it depends on was loaded and computed; after it
  ends, all that depends on it is computed and stored;
* parts: between two cuts (`exact.cuts`) both the compute and the bytes that a part spills and
  reloads at least lie within it, so the larger of the two adds up over the parts;
* hidden: a first load or last store can only hide behind an operator that leaves room for its
  tensor and need not come after (before) it. The most cycles that hide so are a largest flow from
  transfers to operators; what does not hide adds to the compute.
"""

from __future__ import annotations

from dataclasses import dataclass

from ortools.graph.python import max_flow

from .exact import Found, cuts
from .problem import Problem, bits, mask_of
from .states import Moves
from .timeline import TimeMachine


@dataclass(frozen=True, kw_only=True)
class TimeBounds:
    """Cycles."""

    compute: int
    port: int
    operator: int
    parts: int
    hidden: int

    @property
    def best(self) -> int:
        return max(self.compute, self.port, self.operator, self.parts, self.hidden)


def time_bounds(problem: Problem, machine: TimeMachine, found: Found | None = None) -> TimeBounds:
    """All bounds; without `found`, bytes beyond the compulsory ones count as none."""
    facts = _Facts(problem, machine)
    compute = facts.head + sum(facts.cycles) + facts.tail
    beyond = 0 if found is None else found.lower_bound
    everything = (1 << len(problem.steps)) - 1
    port = (
        facts.loads(everything) + facts.stores(everything) + -(-beyond // machine.bytes_per_cycle)
    )
    if not facts.loads(everything):
        port += facts.least_first  # nothing to move before the first operator has ended
    parts = compute if found is None else facts.head + facts.parts(found) + facts.tail
    return TimeBounds(
        compute=compute,
        port=port,
        operator=facts.operator(),
        parts=parts,
        hidden=sum(facts.cycles) + facts.exposed(),
    )


class _Facts:
    def __init__(self, problem: Problem, machine: TimeMachine) -> None:
        self.problem, self.machine = problem, machine
        self.cycles = machine.all_cycles(problem)
        size = [machine.transfer_cycles(item.size) for item in problem.items]
        self.load_cycles = size
        sources = {item for item, maker in enumerate(problem.maker) if maker is None}
        self.sources = [sources.intersection(step.reads) for step in problem.steps]
        self.results = [
            sum(size[item] for item in step.writes if not problem.readers[item])
            for step in problem.steps
        ]
        first = [i for i, before in enumerate(problem.ancestors) if not before]
        last = [i for i, after in enumerate(problem.descendants) if not after]
        self.head = min((self.loads(1 << i) for i in first), default=0)
        self.tail = min((self.results[i] for i in last), default=0)
        self.least_first = min((self.cycles[i] for i in first), default=0)

    def loads(self, steps: int) -> int:
        """Cycles of the first loads that a mask of operators waits for."""
        items: set[int] = set().union(*(self.sources[i] for i in bits(steps)))
        return sum(self.load_cycles[item] for item in items)

    def stores(self, steps: int) -> int:
        return sum(self.results[i] for i in bits(steps))

    def compute(self, steps: int) -> int:
        return sum(self.cycles[i] for i in bits(steps))

    def operator(self) -> int:
        """The largest over operators of what must come before, itself, and what must follow."""
        best = 0
        for step, cycles in enumerate(self.cycles):
            before, after = self.problem.ancestors[step], self.problem.descendants[step]
            start = max(self.loads(before | 1 << step), self.compute(before) + self._head(before))
            tail = min(
                (self.results[i] for i in bits(after) if not self.problem.descendants[i]),
                default=0,
            )
            end = max(self.stores(after | 1 << step), self.compute(after) + tail)
            best = max(best, start + cycles + end)
        return best

    def _head(self, before: int) -> int:
        ancestors = self.problem.ancestors
        return min((self.loads(1 << i) for i in bits(before) if not ancestors[i]), default=0)

    def exposed(self) -> int:
        """The least cycles of compulsory transfers during which no operator can run."""
        flow, total = max_flow.SimpleMaxFlow(), 0
        source, sink, count = 0, 1, len(self.cycles)
        for step, cycles in enumerate(self.cycles):
            flow.add_arc_with_capacity(2 + step, sink, cycles)
        everything = (1 << count) - 1
        for item, maker in enumerate(self.problem.maker):
            readers = self.problem.readers[item]
            if maker is None and readers:
                never = mask_of(readers)
                for reader in readers:
                    never |= self.problem.descendants[reader]
            elif maker is not None and not readers:
                never = self.problem.ancestors[maker] | 1 << maker
            else:
                continue
            node, cycles = 2 + count + item, self.load_cycles[item]
            flow.add_arc_with_capacity(source, node, cycles)
            total += cycles
            for step in bits(everything & ~never):
                if self.problem.need(step) + self.problem.items[item].size <= self.problem.budget:
                    flow.add_arc_with_capacity(node, 2 + step, cycles)
        if not total:
            return 0
        status = flow.solve(source, sink)
        # An overflow makes no bound: then everything may hide.
        return total - int(flow.optimal_flow()) if status == flow.OPTIMAL else 0

    def parts(self, found: Found) -> int:
        """Compute of each part, or its least bytes where they take longer; summed.

        Bytes of a part are those of the search, which are least in each part if they are in all.
        """
        moves = Moves(self.problem)
        targets = cuts(self.problem)
        state, total, moved, done = moves.start, 0, 0, 0
        place = 0
        for move in found.moves:
            moved += moves.eviction_bytes(move.evicted, state.clean)
            state = moves.after(state, move.step, move.evicted)
            while place < len(targets) and not targets[place] & ~state.done:
                beyond = moved if found.is_proven else 0
                forced = -(-beyond // self.machine.bytes_per_cycle)
                total += max(self.compute(targets[place] & ~done), forced)
                moved, done, place = 0, targets[place], place + 1
        return total

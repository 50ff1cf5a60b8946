"""From a problem to a checked plan with a certificate: order, replacement, addresses.

1. The fewest bytes whatever the addresses (`exact`): its bound holds for every plan. Where the
   search was cut short, the gap ILP chooses again what leaves at the order it found.
2. Addresses for that (`addresses`). Where they exist and the bytes are proven, the whole plan is.
3. Where there are none, or none in time, several ways give a plan each, the best is taken:
   addresses one position after the other, which always ends (`online`); other choices at the same
   order, with those excluded that do not pack (`no_goods`); replacement and addresses together
   (`joint`); and orders for smaller budgets, whose plans pack more easily. What the bound leaves
   open is the gap.

Every plan is replayed by `checker` before it counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from .addresses import with_addresses
from .checker import check_plan
from .exact import LONG_PART, Found, fewest_bytes
from .joint import solve_joint
from .memory_plan import Certificate, MemoryPlan, plan_of_moves
from .no_goods import best_that_packs
from .online import Rule, check_alignment, place_online
from .problem import Problem
from .replacement import gap_ilp, moves_of
from .solvers import SolverFailed, version
from .states import Move

SHRINK_STEPS = 12
INTERRUPTED_SECONDS = 1.0
ORDER_SHARE, ILP_SHARE, PACK_SHARE, JOINT_SHARE = 0.65, 0.1, 0.15, 0.5
NO_GOODS_SHARE = 0.3
LAST_SHARE = 0.2  # of the time: what the larger graphs' last steps may take
ROOM_SHARES = (0.98, 0.96, 0.94, 0.92, 0.9, 0.87, 0.84)

Progress = Callable[[str, int | None, int], None]
"""Called with what is being done, the best bytes so far (None: none yet) and the lower bound."""


def _silent(stage: str, best: int | None, bound: int) -> None:
    del stage, best, bound


def make_plan(
    problem: Problem,
    *,
    seconds: float = 60.0,
    alignment: int = 1,
    seed: int = 1,
    progress: Progress = _silent,
) -> MemoryPlan:
    """The plan with the fewest bytes moved beyond the compulsory ones that was found, checked.

    There always is one; an interrupt (Ctrl-C) after the first answer gives the best so far.

    Raises:
        ValueError: if the operators' tensors do not fit when each is rounded up to `alignment`.
    """
    check_alignment(problem, alignment)
    work = _Work(problem, seconds, alignment, seed, progress)
    work.run()
    assert work.best is not None, "addresses are found one position after the other at least"
    certificate = Certificate(
        bytes=work.bytes,
        lower_bound=min(work.lower_bound, work.bytes),
        method=", ".join(dict.fromkeys(work.methods)),
        seconds=time.monotonic() - work.started,
        solvers=tuple(dict.fromkeys(work.solvers)),
    )
    progress("done", work.bytes, certificate.lower_bound)
    return replace(work.best, certificate=certificate)


@dataclass
class _Work:
    """The best checked plan so far, and what may still become of it."""

    problem: Problem
    seconds: float
    alignment: int
    seed: int
    progress: Progress
    best: MemoryPlan | None = None
    bytes: int = 1 << 62
    lower_bound: int = 0
    methods: list[str] = field(default_factory=list)
    solvers: list[str] = field(default_factory=list)
    moves: tuple[Move, ...] = ()

    def __post_init__(self) -> None:
        self.started = time.monotonic()
        self.solvers.append(version("numba"))

    @property
    def left(self) -> float:
        return self.seconds - (time.monotonic() - self.started)

    @property
    def is_open(self) -> bool:
        return self.bytes > self.lower_bound and self.left > 0

    def run(self) -> None:
        share = self.seconds * ORDER_SHARE
        found = fewest_bytes(self.problem, seconds=share, progress=self.progress)
        self.lower_bound, self.moves = found.lower_bound, found.moves
        self.methods.append(found.method)
        if "HiGHS" in found.method:
            self.solvers.append(version("highspy"))
        if "interrupted" in found.method:  # a short look for addresses, then an end
            self.seconds = time.monotonic() - self.started + INTERRUPTED_SECONDS
        try:
            if "interrupted" not in found.method:
                self._choose_again(found)
            self._pack(self.problem, self.moves)
            if self.best is None and "interrupted" not in found.method:
                self._online(self.moves)
                self._without_refuted()
                self._with_holes()
                self._jointly()
                self._smaller_budgets()
        except KeyboardInterrupt:
            self.methods.append("interrupted")
        if self.best is None:
            self._online(self.moves)

    def take(self, plan: MemoryPlan, method: str) -> None:
        """Keep a plan if the checker accepts it and it is better."""
        moved = check_plan(self.problem, plan, self.alignment).moved_beyond
        if moved < self.bytes:
            self.best, self.bytes = plan, moved
            self.methods.append(method)
            self.progress(method, moved, self.lower_bound)

    def _choose_again(self, found: Found) -> None:
        """The gap ILP at an order that is not proven."""
        if found.is_proven:
            return
        order = [move.step for move in found.moves]
        replaced = gap_ilp(self.problem, order, max(0.1, self.seconds * ILP_SHARE))
        if replaced.bytes < found.bytes:
            self.moves = moves_of(order, replaced.dropped)
            self.methods.append(replaced.method)
            self.solvers += replaced.solvers

    def _pack(self, solved: Problem, moves: tuple[Move, ...]) -> None:
        self.progress("addresses", None, self.lower_bound)
        plan, packing = with_addresses(
            self.problem,
            plan_of_moves(solved, moves),
            alignment=self.alignment,
            seconds=max(0.1, min(self.seconds, self.left) * PACK_SHARE),
            seed=self.seed,
        )
        if plan is not None:
            self.take(plan, f"packed by {packing.method}")

    def _online(self, moves: tuple[Move, ...]) -> None:
        rules: tuple[Rule, ...] = ("tightest", "two ends", "by end")
        for rule in rules:
            plan = place_online(self.problem, moves, self.alignment, rule)
            self.take(plan, f"placed online ({rule})")

    def _without_refuted(self) -> None:
        """At the same order, the fewest bytes of what packs."""
        order = [move.step for move in self.moves]
        if not self.is_open or len(order) > LONG_PART:
            return
        try:
            plan, _ = best_that_packs(
                self.problem,
                order,
                seconds=self.left * NO_GOODS_SHARE,
                alignment=self.alignment,
                seed=self.seed,
            )
        except SolverFailed as error:
            self.methods.append(f"no gap ILP ({error})")
            return
        self.solvers.append(version("highspy"))
        if plan is not None:
            self.take(plan, "gap ILP with no-goods")

    def _with_holes(self) -> None:
        """At the same order, with less on chip than there is room for."""
        order = [move.step for move in self.moves]
        for share in ROOM_SHARES:
            if not self.is_open or self.left < LAST_SHARE * self.seconds:
                return
            room = int(self.problem.budget * share)
            replaced = gap_ilp(self.problem, order, self.left * ILP_SHARE, room)
            if replaced.bytes < self.bytes:
                self.solvers += replaced.solvers
                moves = moves_of(order, replaced.dropped)
                if len(order) <= LONG_PART:
                    self._pack(self.problem, moves)
                self._online(moves)

    def _jointly(self) -> None:
        if not self.is_open:
            return
        try:
            joint = solve_joint(
                self.problem,
                [move.step for move in self.moves],
                seconds=self.left * JOINT_SHARE,
                alignment=self.alignment,
                least=self.lower_bound,
                below=self.bytes,
                seed=self.seed,
            )
        except SolverFailed as error:
            self.methods.append(f"no joint model ({error})")
            return
        self.solvers += joint.solvers
        if joint.plan is not None:
            self.take(joint.plan, "joint CP-SAT at this order")

    def _smaller_budgets(self) -> None:
        """Orders found for budgets falling to the least, which leave room for holes."""
        least, spare = self.problem.least_budget, self.problem.budget - self.problem.least_budget
        for step in reversed(range(SHRINK_STEPS)):
            if not self.is_open or spare == 0:
                return
            tight = self.problem.with_budget(least + spare * step // SHRINK_STEPS)
            found = fewest_bytes(tight, seconds=self.left / 4, progress=self.progress)
            if found.bytes >= self.bytes:
                if found.is_proven:
                    return  # smaller budgets move no less
                continue
            self._pack(tight, found.moves)
            self._online(found.moves)


def least_budget_without_moves(problem: Problem, seconds: float = 60.0) -> int:
    """The smallest budget at which nothing is spilled: the least peak over all orders (M_P).

    A bisection over budgets, each solved by the exact search.
    """
    low = problem.least_budget - 1
    high = plan_of_moves(
        problem, fewest_bytes(problem.with_budget(1 << 62), seconds=seconds).moves
    ).peak(problem)
    while high - low > 1:
        middle = (low + high) // 2
        found = fewest_bytes(problem.with_budget(middle), seconds=seconds, bound=1)
        if found.bytes == 0:
            high = min(middle, plan_of_moves(problem, found.moves).peak(problem))
        else:
            low = middle
    return high

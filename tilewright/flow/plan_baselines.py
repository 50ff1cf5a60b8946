"""Simpler ways to plan, for comparison: orders, replacements and placements by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from tilewright.commands.contract import Progress
from tilewright.dataflow.planning.baselines import Baseline, baselines
from tilewright.dataflow.planning.problem import Problem
from tilewright.errors import UsageError
from tilewright.spec.diagnostics import printable, suggestion

ALL: Final = "all"
SHORT: Final = {
    "default": "default",
    "memory-greedy": "memory-greedy",
    "minimum-peak": "minimum-peak",
    "belady": "Belady",
    "ilp": "ILP",
    "capacity": "capacity only",
    "greedy": "greedy by size",
    "online": "online best fit",
}
"""What a user types, and what the planner calls it; each word is of one kind only."""

KINDS: Final = (
    ("default", "memory-greedy", "minimum-peak"),
    ("Belady", "ILP"),
    ("capacity only", "greedy by size", "online best fit"),
)
MOST_SECONDS: Final = 10.0

Compare = Callable[[Problem, float, Progress], Iterator[Baseline]]


def combinations(names: Sequence[str]) -> set[tuple[str, ...]]:
    """Orders, replacements and placements that names such as `default/ilp` stand for: what a name
    leaves open stands for all.

    Raises:
        UsageError: if a word is unknown, or two words of a name are of one kind.
    """
    wanted: set[tuple[str, ...]] = set()
    for name in names:
        words = [] if name == ALL else name.lower().split("/")
        choices = [list(kind) for kind in KINDS]
        for word in words:
            if word not in SHORT:
                help = suggestion(word, [*SHORT, ALL], "baseline")
                raise UsageError(f"plan: --baseline {printable(name)}: what is it?", help=help)
            place = next(p for p, kind in enumerate(KINDS) if SHORT[word] in kind)
            if len(choices[place]) == 1:
                raise UsageError(f"plan: --baseline {printable(name)}: two of one kind")
            choices[place] = [SHORT[word]]
        wanted |= {(a, b, c) for a in choices[0] for b in choices[1] for c in choices[2]}
    return wanted


def compare(names: Sequence[str]) -> Compare:
    """What runs the baselines of these names, one after the other."""
    wanted = combinations(names)

    def run(problem: Problem, seconds: float, progress: Progress) -> Iterator[Baseline]:
        left = set(wanted)
        if not left:
            return
        progress("plan: baselines")
        for found in baselines(problem, min(seconds, MOST_SECONDS)):
            key = (found.order, found.replacement, found.placement)
            if key in left:
                left.remove(key)
                progress(f"plan: {'/'.join(key)}: {found.bytes:,} bytes")
                yield found
            if not left:
                return

    return run

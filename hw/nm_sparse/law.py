"""The law of `cost` as a recurrence over steps. Pure. Times are cycles."""

from collections.abc import Iterator, Sequence

from ..systolic import cost as systolic_cost
from ..systolic.law import BEFORE, WordSource, cycles_with_sources
from . import cost
from .mapping import GroupLoops
from .params import NMSparseParams


def kernel_cycles(params: NMSparseParams, commands: Sequence[GroupLoops]) -> int:
    """Cycles from the first command's transfer to the last output word, both included.

    Commands, operands and parameters are offered from the cycle of the first command on without a
    pause, and every output word is taken at once.
    """
    weights = WordSource(params, systolic_cost.b_block_words(params))
    return cycles_with_sources(params, commands, _GroupSource(params, commands), weights)


class _GroupSource:
    """Activation words offered without a pause to the banks of the rows."""

    def __init__(self, params: NMSparseParams, commands: Sequence[GroupLoops]) -> None:
        self.params = params
        self.is_first = _first_steps(commands)
        self.last_word = -1
        self.group_starts: list[int] = []  # steps with which groups begin

    def next_block(self, starts: Sequence[int]) -> int:
        """Transfer of the last word that the next step needs, given the starts so far."""
        if not next(self.is_first):
            return BEFORE
        group = len(self.group_starts) - self.params.edge_groups
        freed = BEFORE
        if group >= 0:
            start = starts[self.group_starts[group]]
            freed = start + cost.group_room_cycles(self.params) - 1
        self.last_word = max(self.last_word, freed) + self.params.group_words
        self.group_starts.append(len(starts))
        return self.last_word


def _first_steps(commands: Sequence[GroupLoops]) -> Iterator[bool]:
    """Whether each step is the first of its group."""
    for loops in commands:
        pattern = [True] + [False] * (loops.kept - 1)
        for _ in range(loops.groups * loops.tiles):
            yield from pattern

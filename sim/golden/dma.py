"""What a DMA command means: its runs in order, as plain loops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product


@dataclass(frozen=True, kw_only=True)
class Run:
    """`num_words` contiguous words at word addresses `memory` and `local`.

    `start_level`: the highest level whose body begins with this run; `end_level` likewise ends.
    """

    memory: int
    local: int
    num_words: int
    start_level: int
    end_level: int

    def waits(self, level: int) -> bool:
        """Whether a wait at `level` happens before this run."""
        return level <= self.start_level

    def signals(self, level: int) -> bool:
        """Whether a signal at `level` happens after this run."""
        return level <= self.end_level


def _leading(flags: list[bool]) -> int:
    return next((place for place, flag in enumerate(flags) if not flag), len(flags))


def runs(command: Mapping[str, int], num_loops: int) -> Iterator[Run]:
    """The runs of an encoded command's fields, loop 0 innermost."""
    bounds = [command[f"last_{d}"] + 1 for d in range(num_loops)]
    memory, local = command["memory_base"], command["local_base"]
    for outer_first in product(*(range(bound) for bound in reversed(bounds))):
        counters = outer_first[::-1]
        ends = [counter == bound - 1 for counter, bound in zip(counters, bounds, strict=True)]
        yield Run(
            memory=memory,
            local=local,
            num_words=command["run_last"] + 1,
            start_level=_leading([counter == 0 for counter in counters]),
            end_level=_leading(ends),
        )
        advancing = _leading(ends)
        if advancing < num_loops:
            memory += command[f"memory_jump_{advancing}"]
            local += command[f"local_jump_{advancing}"]

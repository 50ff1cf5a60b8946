"""Cases of any kernel: the same work without stalls, timed, and under every standard stall."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tilewright.sim.regress import Case, Job, Port
from tilewright.sim.vectors import STANDARD_STALLS, StallPattern

LIMIT_CYCLES = 1_000_000
SLOW = StallPattern(kind="one_in_four")


@dataclass(frozen=True, kw_only=True)
class Work:
    """What one case plays and expects: words per port, and the cycles of the cost law.

    `cycles`: first transfer of any input to last of any output, both counted, without stalls; None:
    the law gives none (nothing comes out).
    """

    name: str
    inputs: Mapping[str, Sequence[int]]
    expected: Mapping[str, Sequence[int]]
    cycles: int | None


def standard_job(
    module: str,
    ports: tuple[Port, ...],
    draw: Callable[[np.random.Generator], Work],
    *,
    samples: int,
    seed: int,
    first: Sequence[Work] = (),
) -> Job:
    """`first` and then `samples` works of `draw`, timed; then each standard stall on every port,
    and slow outputs alone.
    """
    rng = np.random.default_rng(seed)
    timed = [*first, *(draw(rng) for _ in range(samples))]
    cases = [case_of(f"{index}_{work.name}", work) for index, work in enumerate(timed)]
    streams = [port.name for port in ports if port.direction != "pulse"]
    for pattern in STANDARD_STALLS[1:]:
        work = draw(rng)
        stalls = {
            name: StallPattern(kind=pattern.kind, seed=pattern.seed + index)
            for index, name in enumerate(streams)
        }
        cases.append(case_of(f"stalled_{pattern.kind}_{work.name}", work, stalls))
    outputs = [port.name for port in ports if port.direction == "out"]
    work = draw(rng)
    cases.append(case_of(f"slow_output_{work.name}", work, dict.fromkeys(outputs, SLOW)))
    return Job(module=module, ports=ports, cases=tuple(cases), seed=seed)


def case_of(
    name: str,
    work: Work,
    stalls: Mapping[str, StallPattern] | None = None,
    limit_cycles: int = LIMIT_CYCLES,
) -> Case:
    """A case of this work; its cycles are checked where nothing stalls."""
    return Case(
        name=name,
        inputs=work.inputs,
        expected=work.expected,
        stalls=stalls or {},
        expected_cycles=None if stalls else work.cycles,
        limit_cycles=limit_cycles,
    )

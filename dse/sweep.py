"""Sweeps: designs to records to a result, on any executor, resumed from any ledger.

Two ways to cover a space. `sweep_blocks` evaluates all of it, in blocks of columns: a record per
block, with the block's front and counts, so that ten million designs leave a small ledger.
`sweep_designs` evaluates single designs that cost seconds each, a record per design. What the
ledger has is not evaluated again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .ledger import Ledger, content_key
from .space import BLOCK_DESIGNS, Design, Space
from .space_goals import Goals, Tally
from .sweep_crew import Crew, Outcome, Task
from .sweep_progress import Meter, Report
from .sweep_records import (
    block_record,
    design_record,
    known_answer,
    known_part,
    part_of_block,
    part_of_design,
)
from .sweep_result import Part, Parts, SweepResult, part_of, result_of
from .sweep_tasks import Evaluation, measure_block, measure_one, with_paths

EXACT_DESIGNS = 10_000_000
"""Spaces up to this size are enumerated: their fronts are exact."""


Kept = dict[int, Mapping[str, float]]
"""Metrics of designs by their numbers."""

Answers = dict[int, dict[str, float] | str]
"""The same, or why a design has none."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """A space, what is looked for in it, how it is measured, and what else the numbers depend on
    (`context`: versions, the hash of the spec around the swept keys).

    Raises:
        SpaceError: goals name what is not measured.
    """

    space: Space
    goals: Goals
    evaluation: Evaluation
    context: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        first = self.space.columns(0, 1)  # a column has the same kind in every block
        numbers = [path for path, column in first.items() if column.dtype.kind in "if"]
        self.goals.check(self.evaluation.metrics, numbers)

    @cached_property
    def _base(self) -> dict[str, Any]:
        evaluation = [self.evaluation.name, *self.evaluation.metrics]
        return {"context": dict(self.context), "evaluation": evaluation}

    @cached_property
    def _whole(self) -> str:
        parts = {"space": self.space.to_json(), "goals": self.goals.to_json()}
        return content_key({**self._base, **parts})

    def design_key(self, design: Design) -> str:
        """The address of a design: its values, the evaluation, the context."""
        values = {path: value for path, value in design.items() if value is not None}
        return content_key({**self._base, "design": values})

    def block_key(self, start: int, stop: int) -> str:
        """The address of a block: it depends on the whole space, and on the goals."""
        return content_key({"sweep": self._whole, "block": [start, stop]})


def sweep_blocks(
    sweep: Sweep,
    ledger: Ledger,
    crew: Crew,
    *,
    report: Report | None = None,
    block_designs: int = BLOCK_DESIGNS,
    retries_failed: bool = False,
    covered: list[tuple[int, int]] | None = None,
) -> SweepResult:
    """Every design of the space, in blocks; the result is exact unless it was interrupted.
    `retries_failed`: blocks in which designs failed before are evaluated again. `covered` takes the
    blocks that are done.

    Raises:
        ValueError: the space has more than `EXACT_DESIGNS` designs.
    """
    if (size := sweep.space.size) > EXACT_DESIGNS:
        raise ValueError(
            f"a space is enumerated up to {EXACT_DESIGNS:,} designs, this one has {size:,}"
        )
    blocks = dict(enumerate(sweep.space.blocks(block_designs)))
    keys = {n: sweep.block_key(*block) for n, block in blocks.items()}
    meter = Meter(total=size, report=report)
    parts = Parts(sweep.goals)

    def add(found: Mapping[int, Part]) -> None:
        for number, part in found.items():
            parts.add(part)
            meter.done += blocks[number][1] - blocks[number][0]
            if covered is not None:
                covered.append(blocks[number])

    def keep(outcomes: Sequence[Outcome]) -> None:
        found = {o.task.number: part_of_block(sweep, blocks[o.task.number], o) for o in outcomes}
        ledger.append([block_record(keys[n], blocks[n], part) for n, part in found.items()])
        add(found)

    was_interrupted = True
    with suppress(KeyboardInterrupt):
        known = {n: part for n in blocks if (part := known_part(ledger, keys[n], retries_failed))}
        add(known)
        meter.resumed = meter.done
        left = (Task(number=n, arguments=(sweep, *blocks[n])) for n in blocks if n not in known)
        was_interrupted = _drive(crew, evaluate_block, left, keep, meter, parts)
    return result_of(sweep.goals, parts.all, space_size=size, was_interrupted=was_interrupted)


def evaluate_block(sweep: Sweep, start: int, stop: int) -> Part:
    """The part of the designs [start, stop); runs in a worker."""
    indices, metrics, failed = measure_block(sweep.evaluation, sweep.space, start, stop)
    columns = with_paths(sweep.space, sweep.goals, indices, metrics)
    return part_of(sweep.goals, indices, columns, failed)


def sweep_designs(
    sweep: Sweep,
    indices: Iterable[int],
    ledger: Ledger,
    crew: Crew,
    *,
    report: Report | None = None,
    retries_failed: bool = False,
    kept: Kept | None = None,
) -> SweepResult:
    """The designs of `indices`, one task each. `retries_failed`: also those that failed before.
    `kept` takes the metrics of every design.
    """
    parts = Parts(sweep.goals)
    evaluations = None
    with suppress(KeyboardInterrupt):
        numbers = without_ruled_out(sweep, list(dict.fromkeys(indices)), parts)
        meter = Meter(total=len(numbers), report=report)
        evaluations = evaluate_designs(
            sweep, numbers, ledger, crew,
            parts=parts, meter=meter, retries_failed=retries_failed, kept=kept,
        )  # fmt: skip
    return result_of(
        sweep.goals,
        parts.all,
        space_size=sweep.space.size,
        was_interrupted=evaluations is None,
    )


def without_ruled_out(sweep: Sweep, numbers: Sequence[int], parts: Parts) -> list[int]:
    """The designs that no constraint on a parameter rules out before they are evaluated; the
    others are added to `parts`, with those constraints alone.
    """
    before = sweep.goals.before(sweep.evaluation.metrics)
    if not before.constraints or not numbers:
        return list(numbers)
    indices = sweep.space.indices(numbers)
    columns = sweep.space.columns_at(indices)
    is_good: NDArray[np.bool_] = np.all(before.excesses(columns) <= 0, axis=1)
    bad = {path: column[~is_good] for path, column in columns.items()}
    parts.add(Part(tally=Tally.of(before, bad, indices[~is_good])))
    return [number for number, good in zip(numbers, is_good, strict=True) if good]


def evaluate_designs(
    sweep: Sweep,
    numbers: Sequence[int],
    ledger: Ledger,
    crew: Crew,
    *,
    parts: Parts,
    meter: Meter,
    retries_failed: bool = False,
    kept: Kept | None = None,
) -> Answers | None:
    """By design its metrics, or why there are none; None after Ctrl-C, which may also come through
    as such. Adds them to `kept`, if they are numbers, and then to `parts`: whatever is on a front
    has its metrics kept.
    """
    designs = {number: sweep.space.design(number) for number in numbers}
    keys = {number: sweep.design_key(design) for number, design in designs.items()}
    asked = {number: known_answer(ledger, key, retries_failed) for number, key in keys.items()}
    known: Answers = {number: answer for number, answer in asked.items() if answer is not None}
    found: Answers = {}

    def add(answers: Answers) -> None:
        found.update(answers)
        for number, answer in answers.items():
            if kept is not None and not isinstance(answer, str):
                kept[number] = answer
            parts.add(part_of_design(sweep, number, answer))
        meter.done += len(answers)

    def keep(outcomes: Sequence[Outcome]) -> None:
        answers = {o.task.number: o.lost if o.lost is not None else o.value for o in outcomes}
        ledger.append([design_record(keys[n], designs[n], a) for n, a in answers.items()])
        add(answers)

    add(known)
    meter.resumed += len(known)
    tasks = (
        Task(number=number, arguments=(sweep.evaluation, designs[number]))
        for number in numbers
        if number not in found
    )
    was_interrupted = _drive(crew, measure_one, list(tasks), keep, meter, parts)
    return None if was_interrupted else {number: found[number] for number in numbers}


def _drive(
    crew: Crew,
    function: Callable[..., Any],
    tasks: Iterable[Task],
    keep: Callable[[Sequence[Outcome]], None],
    meter: Meter,
    parts: Parts,
) -> bool:
    """Run all tasks and keep their outcomes; whether Ctrl-C ended it early."""
    was_interrupted = False
    try:
        with closing(crew.run(function, tasks)) as outcomes:  # its workers end with the loop
            for some in outcomes:
                if some:
                    keep(some)
                _tell(meter, parts, crew, is_last=False)
    except KeyboardInterrupt:
        was_interrupted = True
    _tell(meter, parts, crew, is_last=True)
    return was_interrupted


def _tell(meter: Meter, parts: Parts, crew: Crew, *, is_last: bool) -> None:
    if meter.is_due(is_last=is_last):
        whole = parts.whole()
        meter.tell(
            failed=whole.num_failed,
            feasible=whole.tally.feasible,
            front=len(whole.front),
            deaths=crew.deaths,
            best=parts.goals.values(whole.best or ()),
        )

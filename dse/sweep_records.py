"""Records of a ledger, and the parts of a sweep's result that they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .ledger import DONE, FAILED, Ledger, Record
from .space import Design
from .sweep_crew import Outcome
from .sweep_result import Part, joined, part_from_json, part_of, part_to_json
from .sweep_tasks import Failed, with_paths

if TYPE_CHECKING:
    from .sweep import Sweep


def known_part(ledger: Ledger, key: str, retries_failed: bool) -> Part | None:
    """What is recorded of a block; None: it is to be evaluated."""
    record = ledger.get(key)
    is_known = record is not None and (record.is_done or not retries_failed)
    return part_from_json(record.body["part"]) if record and is_known else None


def part_of_block(sweep: Sweep, block: tuple[int, int], outcome: Outcome) -> Part:
    """What a worker made of a block, or that it was lost."""
    found: Part | None = outcome.value
    return found or _lost_part(sweep, *block, str(outcome.lost))


def _lost_part(sweep: Sweep, start: int, stop: int, error: str) -> Part:
    failed = (Failed(start=start, stop=stop, error=error),)
    return joined(sweep.goals, [Part(tally=joined(sweep.goals, []).tally, failed=failed)])


def block_record(key: str, block: tuple[int, int], part: Part) -> Record:
    """A block in which a design failed may be tried again, and recorded again."""
    start, stop = block
    status = FAILED if part.failed else DONE
    body = {"status": status, "kind": "block", "start": start, "stop": stop,
            "part": part_to_json(part)}  # fmt: skip
    return Record(key=key, body=body)


def known_answer(ledger: Ledger, key: str, retries_failed: bool) -> dict[str, float] | str | None:
    """The recorded metrics of a design, or why it has none; None: it is to be evaluated."""
    record = ledger.get(key)
    if record is None or (retries_failed and not record.is_done):
        return None
    answer: dict[str, float] | str = record.body["metrics" if record.is_done else "error"]
    return answer


def design_record(key: str, design: Design, answer: dict[str, float] | str) -> Record:
    """A design with its metrics, or why it has none."""
    body: dict[str, Any] = {"kind": "design", "design": dict(design)}
    if isinstance(answer, str):
        return Record(key=key, body={**body, "status": FAILED, "error": answer})
    return Record(key=key, body={**body, "status": DONE, "metrics": answer})


def part_of_design(sweep: Sweep, number: int, answer: dict[str, float] | str) -> Part:
    """The part of one design."""
    if isinstance(answer, str):
        return _lost_part(sweep, number, number + 1, answer)
    indices = sweep.space.indices([number])
    metrics = {name: np.array([value]) for name, value in answer.items()}
    return part_of(sweep.goals, indices, with_paths(sweep.space, sweep.goals, indices, metrics))

"""What a run on a board gave, against the golden model and the cost laws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilewright.boards import Board
from tilewright.boards.link.host import Statistics
from tilewright.boards.top.cost import MEMORY_LATENCY
from tilewright.build.accelerator_run import MemoryTiming
from tilewright.dse.estimate import estimate
from tilewright.sim.golden.run import run as run_golden

from .board_driver import Start
from .board_report import format_time
from .design import Design
from .results import VERIFICATION, Result
from .work import machine_with

__all__ = ["BoardRun", "board_verdict"]

SHOWN_MISMATCHES = 5


@dataclass(frozen=True, kw_only=True)
class BoardRun:
    """All starts; seconds to load weights and program, and in all; what happened on the link."""

    starts: tuple[Start, ...]
    load_seconds: float
    total_seconds: float
    statistics: Statistics

    def outputs(self, design: Design) -> dict[str, NDArray[Any]]:
        """Every output tensor, samples in order."""
        names = [tensor.name for tensor in design.graph.outputs]
        return {n: np.concatenate([start.outputs[n] for start in self.starts]) for n in names}


def board_verdict(
    design: Design,
    board: Board,
    batches: Sequence[Mapping[str, NDArray[Any]]],
    run: BoardRun,
    *,
    count: int,
    where: str,
) -> Result:
    """Every value against the golden model, every cycle against the estimate for this memory."""
    mismatches, values, examples = _compare(design, batches, run.outputs(design), count)
    estimated = board_cycles(design)
    cycles = [start.cycles for start in run.starts]
    difference = sum(cycles) - estimated * len(cycles)
    seconds = max(cycles) / board.clock.frequency_hz
    rows = [
        ("board", f"{board.title}, {where}"),
        ("samples run", f"{count} in {len(cycles)} start(s), {values:,} values compared"),
        ("mismatches, golden", f"{mismatches:,} (NumPy integers)"),
        *(("mismatch", text) for text in examples),
        ("cycles measured", f"{_range(cycles)} per start, {format_time(seconds)} on the board"),
        ("cycles estimated", f"{estimated:,}, difference {difference:,}"),
        ("time", f"{run.load_seconds:.2f} s to load, {run.total_seconds:.2f} s in all"),
        ("link", _link_words(run.statistics)),
    ]
    data = {
        "board": board.name,
        "samples": count,
        "values": values,
        "golden_mismatches": mismatches,
        "cycles": cycles,
        "estimated_cycles": estimated,
        "difference": difference,
        "load_seconds": run.load_seconds,
        "total_seconds": run.total_seconds,
        "link": asdict(run.statistics),
    }
    # Each start by itself: one too slow and one too fast would make no difference in the sum.
    is_right = not mismatches and values > 0 and all(found == estimated for found in cycles)
    title = f"{design.name}: run on {board.name}{VERIFICATION}"
    return Result(title=title, ok=is_right, rows=rows, data=data)


def board_cycles(design: Design) -> int:
    """Cycles of one start with the board's own memory, by the cost laws."""
    timing = MemoryTiming(
        latency_cycles=MEMORY_LATENCY,
        outstanding_bursts=design.machine.memory.outstanding_bursts,
    )
    return estimate(design.program, machine_with(design.machine, timing)).cycles


def _range(cycles: Sequence[int]) -> str:
    least, most = min(cycles), max(cycles)
    return f"{most:,}" if least == most else f"{least:,} to {most:,}"


def _link_words(statistics: Statistics) -> str:
    return (
        f"{statistics.requests:,} requests, {statistics.repeats:,} repeated, "
        f"{statistics.bad_frames:,} damaged answers; {statistics.sent_bytes:,} bytes sent, "
        f"{statistics.received_bytes:,} received"
    )


def _compare(
    design: Design,
    batches: Sequence[Mapping[str, NDArray[Any]]],
    outputs: Mapping[str, NDArray[Any]],
    count: int,
) -> tuple[int, int, list[str]]:
    """Values that differ from the golden model, values compared, the first few in words."""
    golden = [run_golden(design.graph, dict(batch)) for batch in batches]
    mismatches = values = 0
    examples: list[str] = []
    for name, got in outputs.items():
        expected = np.concatenate([run[name] for run in golden])[:count]
        wrong = got[:count] != expected
        values += expected.size
        mismatches += int(wrong.sum())
        for index in np.argwhere(wrong)[: SHOWN_MISMATCHES - len(examples)]:
            place = tuple(int(i) for i in index)
            examples.append(f"{name}{list(place)}: expected {expected[place]}, got {got[place]}")
    return mismatches, values, examples

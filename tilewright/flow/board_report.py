"""What a spec's board and clock add to a report: seconds beside cycles, and whose memory it is."""

from __future__ import annotations

from typing import Any

from tilewright.board_of_spec import board_of, clock_of, memory_words
from tilewright.spec import AcceleratorSpec, Spec
from tilewright.spec.numbers import format_frequency

__all__ = ["board_data", "board_rows", "format_time"]

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))


def format_time(seconds: float) -> str:
    """Three digits and a unit from ns to s: 0.00052 -> `520 us`."""
    for factor, unit in _UNITS:
        if seconds >= factor:
            return f"{seconds / factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def board_rows(spec: Spec, cycles: int, samples: int = 1) -> list[tuple[str, str]]:
    """Rows for people; none without a clock. `cycles` are those of one start on `samples`."""
    clock_hz = clock_of(spec)
    if clock_hz is None:
        return []
    seconds = cycles / clock_hz
    each = f", {format_time(seconds / samples)} per sample" if samples > 1 else ""
    rows = [
        ("clock", f"{format_frequency(clock_hz)}, {_clock_words(spec)}"),
        ("time estimated", f"{format_time(seconds)} per start{each}"),
    ]
    if isinstance(spec, AcceleratorSpec) and spec.board is not None:
        rows.append(("memory", memory_words(spec)))
    return rows


def board_data(spec: Spec, cycles: int) -> dict[str, Any]:
    """The same for programs; empty without a clock."""
    clock_hz = clock_of(spec)
    if clock_hz is None:
        return {}
    data: dict[str, Any] = {"clock_hz": clock_hz, "estimated_seconds": cycles / clock_hz}
    if spec.board is not None:
        data["board"] = spec.board
        if isinstance(spec, AcceleratorSpec):
            data["memory"] = memory_words(spec)
    return data


def _clock_words(spec: Spec) -> str:
    if spec.clock_hz is not None:
        return "as the spec says"
    board = board_of(spec)
    name = board.name if board is not None else ""
    return f"the oscillator of {name}" if board and board.clock.pin else f"taken for {name}"

"""The schedule of a design as a trace for ui.perfetto.dev or chrome://tracing.

Chrome's JSON trace format ("Trace Event Format"): metadata events name a process and its threads,
complete events (`X`) have a start and a duration in microseconds. One thread for each unit; a cycle
is a microsecond. Events of a thread must not overlap, but a unit begins a command's first address
before the last beat of the command before: there an event begins where that one ends, and `args`
has the true cycles.
"""

from __future__ import annotations

import json
from typing import Any, Final

from ..point_detail import PointDetail
from ..timing.program import UNITS

PROCESS = 1
NOTE: Final = (
    "where slices of one track would overlap, ts is moved to the end of the slice before; args "
    "have the true cycles"
)


def trace_of(detail: PointDetail) -> dict[str, Any]:
    """The trace as plain data."""
    events: list[dict[str, Any]] = [
        _named("process_name", 0, name=f"design {detail.index}, 1 us = 1 cycle")
    ]
    for thread, unit in enumerate(UNITS, start=1):
        events.append(_named("thread_name", thread, name=unit))
        events.append(_named("thread_sort_index", thread, sort_index=thread))
        events += _events(detail, unit, thread)
    settings = {path: str(value) for path, value in detail.settings.items()}
    return {
        "displayTimeUnit": "ms",
        "otherData": {"cycles": str(detail.cycles), **settings, "note": NOTE},
        "traceEvents": events,
    }


def trace_text(detail: PointDetail) -> str:
    """The trace as a file's text, an event a line."""
    trace = trace_of(detail)
    lines = ",\n".join(json.dumps(event) for event in trace.pop("traceEvents"))
    return f'{json.dumps(trace)[:-1]}, "traceEvents": [\n{lines}\n]}}\n'


def _named(kind: str, thread: int, **values: Any) -> dict[str, Any]:
    return {"name": kind, "ph": "M", "pid": PROCESS, "tid": thread, "args": values}


def _events(detail: PointDetail, unit: str, thread: int) -> list[dict[str, Any]]:
    found = []
    free = 0
    for span in detail.spans:
        if span.unit != unit:
            continue
        start = max(span.start, free)
        free = max(free, span.end)
        found.append(
            {
                "name": span.layer,
                "cat": unit,
                "ph": "X",
                "ts": start,
                "dur": max(0, span.end - start),
                "pid": PROCESS,
                "tid": thread,
                "args": {"first cycle": span.start, "end": span.end},
            }
        )
    return found

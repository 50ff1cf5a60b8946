"""Failures of designs, counted by kind: the same rule, whatever numbers it names. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from .sweep_tasks import Failed

MOST_KINDS = 12
_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)*(?:[KMGT]i?B|B|[kMG]?Hz|m?s)?\b")


@dataclass(frozen=True, kw_only=True)
class FailureKind:
    """`count` designs that failed for one reason; the first of them, and its text."""

    count: int
    first: int
    error: str

    def line(self) -> str:
        """For people."""
        designs = "1 design" if self.count == 1 else f"{self.count:,} designs"
        return f"{designs} failed; the first, {self.first:,}: {self.error}"


def kinds_of(failures: Iterable[Failed]) -> list[FailureKind]:
    """The kinds, most designs first. Texts that differ in numbers only are one kind."""
    found: dict[str, FailureKind] = {}
    for failed in failures:
        size = failed.stop - failed.start
        kind = _NUMBER.sub("#", failed.error)
        before = found.get(kind, FailureKind(count=0, first=failed.start, error=failed.error))
        found[kind] = replace(before, count=before.count + size)
    return sorted(found.values(), key=lambda kind: (-kind.count, kind.first))


def failure_lines(failures: Sequence[Failed]) -> list[str]:
    """A line per kind; beyond the largest, one for all others."""
    kinds = kinds_of(failures)
    lines = [kind.line() for kind in kinds[:MOST_KINDS]]
    rest = kinds[MOST_KINDS:]
    if rest:
        count = sum(kind.count for kind in rest)
        lines.append(f"{count:,} designs failed for {len(rest)} other reasons")
    return lines


def joined_ranges(failures: Iterable[Failed]) -> list[Failed]:
    """Neighbours with the same text as one range; in the order of the designs."""
    ranges: list[Failed] = []
    for failed in sorted(failures, key=lambda failed: failed.start):
        last = ranges[-1] if ranges else None
        if last is not None and last.stop == failed.start and last.error == failed.error:
            ranges[-1] = replace(last, stop=failed.stop)
        else:
            ranges.append(failed)
    return ranges

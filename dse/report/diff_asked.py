"""What two sweeps were asked that is not the same: goals, keys of the spec, coverage. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ..sweep_file import SweepFile
from ..sweep_result import bounds_text

Asked = tuple[tuple[str, str, str], ...]
"""By name the text of the first and of the second sweep."""
NONE: Final = "none"
CONTEXT: Final = ("workload", "model", "board", "energy", "family", "area")
"""What of the context says what was asked, not which version answered."""
DIRECTIONS: Final = {"min": "as small as can be", "max": "as large as can be"}


def asked_apart(first: SweepFile, second: SweepFile) -> Asked:
    """Goals, coverage and context that differ."""
    return apart(dict(_asked(first)), dict(_asked(second)))


def keys_apart(first: SweepFile, second: SweepFile) -> Asked:
    """Keys of the specs around the parameters that differ; none where a file does not have them."""
    if not first.base or not second.base:
        return ()
    told = []
    for file in (first, second):
        swept = {one.path: "swept" for one in file.space.parameters if not one.is_derived}
        told.append(swept | {path: str(value) for path, value in file.base.items()})
    return apart(*told)


def apart(one: Mapping[str, str], other: Mapping[str, str]) -> Asked:
    """Names whose texts are not the same."""
    names = [*one, *(name for name in other if name not in one)]
    pairs = ((name, one.get(name, NONE), other.get(name, NONE)) for name in names)
    return tuple(pair for pair in pairs if pair[1] != pair[2])


def _asked(file: SweepFile) -> Iterator[tuple[str, str]]:
    coverage = file.coverage
    is_whole = coverage.kind == "exact"
    way = "the whole space" if is_whole else coverage.text.partition(":")[0]
    stopped = ", interrupted" if file.was_interrupted and "interrupted" not in way else ""
    yield "evaluated", f"{coverage.num_evaluated:,} of {file.space.size:,}: {way}{stopped}"
    for goal in file.objectives:
        yield f"objective {goal.metric}", DIRECTIONS[goal.direction]
    for one in file.constraints:
        bounds = bounds_text(one.minimum, one.metric, one.maximum)
        yield f"constraint {one.name}", f"{bounds} {one.unit}".rstrip()
    for name in CONTEXT:
        if name in file.context:
            yield name, file.context[name]

"""Families of a sweep's devices: of its boards, and what is not known of which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from tilewright.board_of_spec import board_of, model_family
from tilewright.boards import Board
from tilewright.dse.block_resources import has_clock
from tilewright.dse.space_goals import NOT_MEASURED
from tilewright.hw.lib.resources import COUNTED
from tilewright.hw.lib.structure import FAMILIES
from tilewright.spec import AcceleratorSpec, SpecError
from tilewright.spec.sections.base import Conflict
from tilewright.spec.sweep import SweepSection

BOARD: Final = "board"
DEFAULT_FAMILY: Final = "ecp5"
WRITE_CLOCK: Final = "write `clock:`"


def families_of(spec: AcceleratorSpec, section: SweepSection) -> tuple[str, ...]:
    """The families that resources are estimated for: the section's, else of its boards."""
    if section.family is not None:
        return (section.family,)
    boards = [_board(spec, name) for name in _board_names(spec, section)]
    found = [model_family(board.device) for board in boards if board is not None]
    return tuple(dict.fromkeys(found)) or (DEFAULT_FAMILY,)


def no_clock(families: Iterable[str]) -> str | None:
    """That some of the families have no estimate of the clock; None: all have."""
    lacking = [family for family in families if not has_clock(family)]
    told = " and ".join(lacking)
    return f"there is no estimate of the clock for {told}" if lacking else None


def with_reasons(families: Sequence[str], conflicts: Iterable[Conflict]) -> list[Conflict]:
    """The conflicts; where a goal names what the families do not have, with what would help."""
    return [
        replace(conflict, help=_reason(conflict.value or "", families) or conflict.help)
        if conflict.rule == NOT_MEASURED
        else conflict
        for conflict in conflicts
    ]


def _reason(metric: str, families: Sequence[str]) -> str | None:
    unknown = [family for family in families if family not in FAMILIES]
    if metric in COUNTED and unknown:
        rule = f"no resources of {' and '.join(unknown)} are known"
        return f"{rule}: write `family:`, {', '.join(FAMILIES)}"
    why = no_clock(families)
    if why is None or metric not in ("latency_us", "clock_mhz"):
        return None
    return f"{why}: {WRITE_CLOCK}" if metric == "latency_us" else why


def _board_names(spec: AcceleratorSpec, section: SweepSection) -> Iterator[str | None]:
    """Of every design; what a link names is not followed."""
    swept = section.parameters.get(BOARD)
    if swept is None or (swept.when is not None and swept.otherwise is None):
        yield spec.board
    if swept is not None:
        for value in (*(swept.values or ()), swept.otherwise):
            yield value if isinstance(value, str) else None


def _board(spec: AcceleratorSpec, name: str | None) -> Board | None:
    """None: there is none, or its table is wrong, which is told elsewhere."""
    try:
        return None if name is None else board_of(spec.model_copy(update={"board": name}))
    except (SpecError, KeyError):
        return None

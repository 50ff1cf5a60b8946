"""The picture of a memory plan: lifetimes as boxes in time and address, transfers in lanes below.

Boxes are placed in columns, a column per position of the order; the width of a column is one CSS
variable, which a slider changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from tilewright.dataflow.planning.memory_plan import Residence
from tilewright.dataflow.planning.planned import Planned
from tilewright.dse.report.text import shown

MAP_PIXELS: Final = 460
WIDE_PIXELS: Final = 1240
MOST_COLUMN_PIXELS: Final = 72.0
LEAST_COLUMN_PIXELS: Final = 2.4
CROWD: Final = 1000
"""More positions than this are drawn narrower at first."""

RULER_PIXELS: Final = 44
MAX_OPERANDS: Final = 12
TICKS: Final = 8


class Transfer(NamedTuple):
    """A tensor that is read or written at a position; `kind` is its colour."""

    position: int
    kind: str
    item: int


class View:
    """What the picture asks of a plan."""

    def __init__(self, planned: Planned) -> None:
        self.planned = planned
        self.items, self.steps = planned.problem.items, planned.problem.steps
        self.order, self.residences = planned.plan.order, planned.plan.residences
        self.first: dict[int, int] = {}
        self.last: dict[int, int] = {}
        for residence in self.residences:
            self.first.setdefault(residence.item, residence.first)
            self.last[residence.item] = max(residence.last, self.last.get(residence.item, 0))
        self.stored = {(store.item, store.after) for store in planned.plan.stores}

    def step_name(self, position: int) -> str:
        return shown(self.steps[self.order[position]].name)

    def kind(self, residence: Residence) -> str:
        """How a tensor came, and whether it will be away: the box's colour."""
        if not residence.is_loaded:
            return "leaves" if self.last[residence.item] > residence.last else "made"
        is_first = (
            self.planned.problem.maker[residence.item] is None
            and self.first[residence.item] == residence.first
        )
        return "first" if is_first else "back"

    def loads(self) -> list[Transfer]:
        return [Transfer(r.first, self.kind(r), r.item) for r in self.residences if r.is_loaded]

    def stores(self) -> list[Transfer]:
        readers = self.planned.problem.readers
        return [
            Transfer(store.after, "leaves" if readers[store.item] else "result", store.item)
            for store in self.planned.plan.stores
        ]

    def absences(self) -> Iterator[tuple[Residence, Residence]]:
        """Residences of one tensor, before and after it was away."""
        seen: dict[int, Residence] = {}
        for residence in self.residences:
            before = seen.get(residence.item)
            if before is not None:
                yield before, residence
            seen[residence.item] = residence

    def title(self, residence: Residence) -> str:
        """What hovering over a box tells."""
        item, offset = self.items[residence.item], residence.offset or 0
        came, left = self.step_name(residence.first), self.step_name(residence.last)
        end = f"last used by {left}"
        if self.last[residence.item] > residence.last:
            is_stored = (residence.item, residence.last) in self.stored
            end = f"{'spilled' if is_stored else 'dropped (memory has it)'} after {left}"
        lines = [
            f"{shown(item.name)}: {item.size:,} bytes",
            f"address {offset:,} to {offset + item.size - 1:,}",
            f"positions {residence.first} to {residence.last}",
            f"loaded before {came}" if residence.is_loaded else f"made by {came}",
            end,
        ]
        return "\n".join(lines)

    def operands(self, index: int) -> str:
        step = self.steps[index]
        return f"reads {self._names(step.reads)}\nmakes {self._names(step.writes)}"

    def _names(self, places: Sequence[int]) -> str:
        names = [shown(self.items[item].name) for item in places[:MAX_OPERANDS]]
        more = [f"{len(places) - MAX_OPERANDS} more"] if len(places) > MAX_OPERANDS else []
        return ", ".join([*names, *more]) or "nothing"


def column_pixels(columns: int) -> float:
    """A column's width at first: what fits a screen, but no less than a box needs to be seen."""
    least = LEAST_COLUMN_PIXELS if columns <= CROWD else 1.0
    return round(max(least, min(MOST_COLUMN_PIXELS, WIDE_PIXELS / columns)), 2)


def picture(view: View, width: float) -> Iterator[str]:
    """Axis, boxes and lanes, in one scrolling frame."""
    columns, budget = len(view.order), view.planned.problem.budget
    yield f'<div class="frame" style="--w:{width}px;--columns:{columns};--map:{MAP_PIXELS}px">'
    yield '<div class="axis"><div class="map">'
    for value in _ticks(budget):
        top = MAP_PIXELS * (1 - value / budget)
        yield f'<span style="top:{top:.1f}px">{value:,}</span>'
    yield "</div>"
    for name in ("on chip", "reads", "operator", "writes", "position"):
        tall = " ops" if name == "operator" else ""
        yield f'<div class="lane name{tall}">{name}</div>'
    yield '</div><div class="scroll"><div class="map grid">'
    yield from _boxes(view)
    yield '</div><div class="lane">'
    yield from _occupancy(view.planned)
    yield "</div>"
    yield from _transfers(view, view.loads(), "before")
    yield from _operators(view)
    yield from _transfers(view, view.stores(), "after")
    yield '<div class="lane">'
    for position in range(0, columns, _every(columns, width)):
        yield f'<span class="tick" style="--a:{position}">{position}</span>'
    yield "</div></div></div>"


def _every(columns: int, width: float) -> int:
    """Positions between two numbers of the ruler: 1, 2 or 5 times a power of ten."""
    least = RULER_PIXELS / width
    steps = (factor * int("1" + "0" * zeros) for zeros in range(9) for factor in (1, 2, 5))
    step = next(step for step in steps if step >= least)
    return min(step, max(1, columns))


def _ticks(budget: int) -> list[int]:
    """Round addresses (multiples of a power of two) and the budget itself."""
    step = 1
    while budget // step > TICKS:
        step *= 2
    inner = [value for value in range(0, budget, step) if budget - value > step * 0.4]
    return [*inner, budget]


def _boxes(view: View) -> Iterator[str]:
    scale = MAP_PIXELS / view.planned.problem.budget
    for residence in view.residences:
        item = view.items[residence.item]
        bottom, high = (residence.offset or 0) * scale, max(1.0, item.size * scale)
        place = f"--a:{residence.first};--n:{residence.last - residence.first + 1}"
        yield (
            f'<div class="box {view.kind(residence)} s{residence.item % 3}" '
            f'title="{view.title(residence)}" '
            f'style="{place};bottom:{bottom:.2f}px;height:{high:.2f}px">'
            f"<span>{shown(item.name)}</span></div>"
        )


def _occupancy(planned: Planned) -> Iterator[str]:
    """Bytes on chip at each position, as runs of equal height."""
    budget = planned.problem.budget
    loads = planned.plan.loads_by_position(planned.problem)
    start = 0
    for position in range(1, len(loads) + 1):
        if position == len(loads) or loads[position] != loads[start]:
            share = 100 * loads[start] / budget
            yield (
                f'<div class="bar" title="{loads[start]:,} bytes, {share:.1f} % of the budget" '
                f'style="--a:{start};--n:{position - start};height:{share:.1f}%"></div>'
            )
            start = position


def _transfers(view: View, transfers: Sequence[Transfer], verb: str) -> Iterator[str]:
    """One mark for all that moves at a position; spills and reloads win over compulsory ones."""
    at: dict[int, list[Transfer]] = {}
    for transfer in transfers:
        at.setdefault(transfer.position, []).append(transfer)
    yield '<div class="lane">'
    for position, moved in sorted(at.items()):
        kinds = {transfer.kind for transfer in moved}
        kind = next(k for k in ("leaves", "back", "first", "result") if k in kinds)
        tensors = [view.items[transfer.item] for transfer in moved]
        names = "\n".join(f"{shown(t.name)} {t.size:,}" for t in tensors[:MAX_OPERANDS])
        total = sum(tensor.size for tensor in tensors)
        title = f"{verb} {view.step_name(position)}: {total:,} bytes\n{names}"
        yield f'<div class="mark {kind}" title="{title}" style="--a:{position};--n:1"></div>'
    yield "</div>"


def _operators(view: View) -> Iterator[str]:
    yield '<div class="lane ops">'
    for position, index in enumerate(view.order):
        name = view.step_name(position)
        yield (
            f'<div class="op s{position % 2}" title="{position}: {name}\n{view.operands(index)}" '
            f'style="--a:{position};--n:1"><span>{name}</span></div>'
        )
    yield "</div>"

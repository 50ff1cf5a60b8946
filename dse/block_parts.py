"""Resources and area of all designs of a block: each distinct part of an accelerator asked once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tilewright.dataflow.machine import Machine
from tilewright.hw.lib.cell_area import CELLS, cell_amounts
from tilewright.hw.lib.structure import Structure

from . import block_resources
from .block_columns import Indices, Kinds, kinds_of
from .block_layout import Layout
from .block_resources import Around, Known, Pad, Values

_AREAS: Known[tuple[float, int]] = {}


@dataclass(frozen=True, kw_only=True)
class AreaModel:
    """A cell library, um2 of a bit of the memories that stay memories, and who says so."""

    library: str
    memory_um2_per_bit: float
    memory_source: str


@dataclass(frozen=True, kw_only=True)
class PartKinds:
    """The distinct scratchpads and surroundings of a block's designs; `layout` has the engines."""

    layout: Layout
    pads: Kinds
    pad_keys: list[Pad]
    others: Kinds
    other_keys: list[Around]

    def machine_of(self, kinds: Kinds) -> Callable[[int], Machine]:
        """A machine that has a part, by the part's number."""
        return lambda number: self.layout.machine(int(kinds.first[number]))


def part_kinds(layout: Layout) -> PartKinds:
    """The parts that there are."""
    banks, words = layout.scratchpad("banks"), layout.words_per_bank
    columns = _whole(
        lanes=layout.engine("lanes"),
        cols=layout.engine("cols"),
        scratchpad_address_bits=np.ceil(np.log2(banks)) + np.log2(words),
        port_bytes=layout.port_bytes,
        outstanding=layout.memory("outstanding"),
        address_bits=layout.memory("address_bits"),
    )
    rows = len(banks)
    pad = {name: columns[name] for name in ("lanes", "cols")}
    pad |= _whole(banks=banks, words_per_bank=words)
    pads = kinds_of(list(pad.values()), rows)
    others = kinds_of([*columns.values(), layout.machines.option_of], rows)
    return PartKinds(
        layout=layout,
        pads=pads,
        pad_keys=[Pad(**{n: int(c[row]) for n, c in pad.items()}) for row in pads.first],
        others=others,
        other_keys=[
            Around(**{name: int(column[row]) for name, column in columns.items()},
                   options=layout.machines.options[layout.machines.option_of[row]])
            for row in others.first
        ],
    )  # fmt: skip


def resources_of_parts(found: PartKinds, family: str) -> dict[str, Values]:
    """As `block_resources.whole`."""
    pads, others, layout = found.pads, found.others, found.layout
    scratchpads = block_resources.scratchpads(found.pad_keys, found.machine_of(pads), family)
    around = block_resources.around(found.other_keys, found.machine_of(others), family)
    parts = (
        (block_resources.engines(layout.kernels, family), layout.machines.engine_of),
        (scratchpads, pads.of),
        (around, others.of),
    )
    return block_resources.whole(parts, family)


def areas_of_parts(found: PartKinds, model: AreaModel) -> Values:
    """um2 of designs, memories in them."""
    layout, of_pad = found.layout, found.machine_of(found.pads)
    of_other, keys = found.machine_of(found.others), found.other_keys
    kernels = layout.kernels

    def engine(number: int) -> Structure:
        return block_resources.engine_structure(kernels[number], CELLS)

    def scratchpad(number: int) -> Structure:
        return block_resources.scratchpad_structure(of_pad(number), CELLS)

    def around(number: int) -> Structure:
        return block_resources.around_structure(keys[number], of_other(number), CELLS)

    def areas(told: list[tuple[float, int]], of: Indices) -> Values:
        um2 = [cells + bits * model.memory_um2_per_bit for cells, bits in told]
        return np.array(um2, np.float64)[of]

    def asked(keys: list[object], make: Callable[[int], Structure]) -> list[tuple[float, int]]:
        return block_resources.known(
            _AREAS, keys, model.library, lambda number: cell_amounts(make(number), model.library)
        )

    return (
        areas(asked([*kernels], engine), layout.machines.engine_of)
        + areas(asked([*found.pad_keys], scratchpad), found.pads.of)
        + areas(asked([*keys], around), found.others.of)
    )


def _whole(**columns: Values) -> dict[str, NDArray[np.int64]]:
    return {name: column.astype(np.int64) for name, column in columns.items()}

"""Resources of all designs of a block: each distinct part of an accelerator asked once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from tilewright.dataflow.machine import Machine

from . import block_resources
from .block_columns import Kinds, kinds_of
from .block_layout import Layout
from .block_resources import Around, Pad, Values


def resources_of_layout(layout: Layout, family: str) -> dict[str, Values]:
    """As `block_resources.whole`."""
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
    pad_keys = [Pad(**{n: int(column[row]) for n, column in pad.items()}) for row in pads.first]
    others = kinds_of([*columns.values(), layout.machines.option_of], rows)
    keys = [
        Around(**{name: int(column[row]) for name, column in columns.items()},
               options=layout.machines.options[layout.machines.option_of[row]])
        for row in others.first
    ]  # fmt: skip

    def of(kinds: Kinds) -> Callable[[int], Machine]:
        return lambda number: layout.machine(int(kinds.first[number]))

    parts = (
        (block_resources.engines(layout.kernels, family), layout.machines.engine_of),
        (block_resources.scratchpads(pad_keys, of(pads), family), pads.of),
        (block_resources.around(keys, of(others), family), others.of),
    )
    return block_resources.whole(parts, family)


def _whole(**columns: Values) -> dict[str, NDArray[np.int64]]:
    return {name: column.astype(np.int64) for name, column in columns.items()}

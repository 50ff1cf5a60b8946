"""Resources of all designs of a block: each distinct part of an accelerator asked once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import block_resources
from .block_columns import kinds_of
from .block_layout import Layout
from .block_resources import Around, Values


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
    pads = kinds_of([columns["lanes"], columns["cols"], *_whole(b=banks, w=words).values()], rows)
    others = kinds_of([*columns.values(), layout.machines.option_of], rows)
    keys = [
        Around(**{name: int(column[row]) for name, column in columns.items()},
               options=layout.machines.options[layout.machines.option_of[row]])
        for row in others.first
    ]  # fmt: skip
    scratchpads = [layout.machine(int(design)) for design in pads.first]
    parts = (
        (block_resources.engines(layout.kernels, family), layout.machines.engine_of),
        (block_resources.scratchpads(scratchpads, family), pads.of),
        (block_resources.around(keys, lambda n: layout.machine(int(others.first[n])), family),
         others.of),
    )  # fmt: skip
    return block_resources.whole(parts, family)


def _whole(**columns: Values) -> dict[str, NDArray[np.int64]]:
    return {name: column.astype(np.int64) for name, column in columns.items()}

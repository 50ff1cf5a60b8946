"""When the last panel of a command starts its last tile: closed form of the parameter ring. Pure.

The laws of both dataflows ask the same of it. With E(p) the start of the last block (pass) of panel
p's last tile (packet) and w(p) the transfer of the last parameter word of panel p,

    E(p) = max(E(p - 1) + panel, w(p) + tail)
    w(p) = max(w(p - 1) + words,
               E(p - 1 - whole) + release - 1 + words      if rest > 0,
               E(p - whole) + release - 1 + words of a panel's sets from number `rest` on)

where `param_sets = whole * subpanels + rest`: the first `rest` sets of a panel take room that an
earlier panel frees. E of the last panel is the longest path through these edges. A path steps along
E (`panel` a panel) or w (`words`), the longer of both wherever it may, and gains `lap` for every
`whole` panels by which it goes from E to w and back. The edge over `whole + 1` panels never pays:
it is longer by `rest` sets, and the panel that it takes more is worth a panel's sets at least.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .params import SystolicParams

Counts = NDArray[Any]
"""Whole numbers, integers or floats, one for each product; all broadcast against each other."""

FIRST_WORD = -1
"""Transfer of the word before the first one: a ring of `words` words is full at `words - 1`."""


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What the laws say of kernels, one entry for each: see the functions of these names in `cost`
    and `cost_ws`. `words_per_set` is 0 where there are no parameters.
    """

    rows: Counts
    cols: Counts
    lanes: Counts
    param_sets: Counts
    words_per_set: Counts
    release_cycles: Counts
    first_output_cycles: Counts

    def at(self, index: Any) -> Self:
        """The entries at an index as NumPy's arrays take it."""
        return type(self)(**{f.name: getattr(self, f.name)[index] for f in fields(self)})


def common_costs(kernels: Sequence[SystolicParams]) -> dict[str, Counts]:
    """The fields that are parameters themselves."""
    return {
        "rows": counts(p.rows for p in kernels),
        "cols": counts(p.cols for p in kernels),
        "lanes": counts(p.lanes for p in kernels),
        "param_sets": counts(p.param_sets for p in kernels),
        "words_per_set": counts(p.words_per_set if p.has_parameters else 0 for p in kernels),
    }


def counts(values: Iterable[int]) -> Counts:
    """Whole numbers as an array."""
    return np.fromiter(values, np.int64)


def last_tile_start(
    costs: Costs,
    *,
    operands: Counts,
    tail: Counts,
    panel: Counts,
    subpanels: Counts,
    panels: Counts,
) -> Counts:
    """Start of the last block of the last panel's last tile.

    `operands`: E(0) if parameters never held it up; `tail`: from the last parameter word to E;
    `panel`: from panel to panel when nothing is missing.
    """
    words = subpanels * costs.words_per_set
    whole, rest = np.divmod(costs.param_sets, subpanels)
    lap = costs.release_cycles - 1 + (subpanels - rest) * costs.words_per_set + tail
    more = panels - 1
    step = np.maximum(panel, words)
    gain = lap - whole * step
    laps = more // whole
    # From the first operands on: along E alone, or by way of w at least once.
    around = np.where(laps >= 1, more * step + np.where(gain > 0, laps * gain, gain), more * panel)
    by_operands = operands + np.maximum(more * panel, around)
    by_words = FIRST_WORD + words + tail + more * step + laps * np.maximum(gain, 0)
    return np.where(
        costs.words_per_set > 0, np.maximum(by_operands, by_words), operands + more * panel
    )

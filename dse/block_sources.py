"""Where the numbers of the vectorised estimate come from, and how far off they may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Error of cycles against the exact estimate of `runs` compiled programs."""

    mean_percent: float
    worst_percent: float
    runs: int


LAYERS: Final = Measured(mean_percent=0.2, worst_percent=2.0, runs=38)
CHAINS: Final = Measured(mean_percent=2.4, worst_percent=23.0, runs=117)
"""Layers of networks, and chains of small matmuls, on seeded machines: what
`python benchmarks/exploration.py --only estimate` measures, which falls short where it is more."""

EXACT_FOR_PROGRAM: Final = "exact for the streaming schedule of the same layers"
CYCLES_ERROR: Final = (
    f"{LAYERS.mean_percent:g} % mean, {LAYERS.worst_percent:g} % worst of {LAYERS.runs} layers of "
    f"networks; {CHAINS.mean_percent:g} % mean, {CHAINS.worst_percent:g} % worst of {CHAINS.runs} "
    "small programs, where fill and drain count"
)

SOURCES: Final[Mapping[str, tuple[str, str | None]]] = {
    "cycles": (
        "the array's cost law in closed form, or the memory port's words where they take longer, "
        "and the fill and drain of each layer",
        CYCLES_ERROR,
    ),
    "bytes_off_chip": (
        "words that the streaming schedule moves for the layers as matrix products",
        EXACT_FOR_PROGRAM,
    ),
    "utilisation": ("useful multiply-accumulates over cycles times PEs", CYCLES_ERROR),
}
"""By metric provenance and error. Energy counts what the streaming schedule moves, exactly;
resources are those of the programmable accelerator (`program: ram`)."""

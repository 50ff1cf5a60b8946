"""Where the numbers of the vectorised estimate come from, and how far off they may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ERROR_RUNS: Final = 116
ERROR_MEAN_PERCENT: Final = 2.3
ERROR_WORST_PERCENT: Final = 22.0
"""Of cycles against the exact estimate of compiled programs: seeded machines and chains of matmuls
of `python benchmarks/exploration.py --only estimate`, which falls short where it is more."""

EXACT_FOR_PROGRAM: Final = "exact for the streaming schedule of the same layers"
CYCLES_ERROR: Final = (
    f"{ERROR_MEAN_PERCENT} % mean, {ERROR_WORST_PERCENT:.0f} % worst of {ERROR_RUNS} compiled "
    "programs, most of them below 20,000 cycles"
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
    "latency_us": ("cycles over the spec's clock, else over clock_mhz", CYCLES_ERROR),
}
"""By metric provenance and error. Energy counts what the streaming schedule moves, exactly;
resources are those of the programmable accelerator (`program: ram`)."""

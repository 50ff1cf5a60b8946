"""What the Gemmini of the published measurements is made of.

H. Genc et al., Gemmini, DAC 2021; its default configuration in ucb-bar/gemmini,
`GemminiConfigs.defaultConfig`, and the caches of the measured system from the name of its FPGA
image in charleshong3/firesim-dosa (an L2 of Chipyard's default size, an LLC of 4 MiB, DDR3).
"""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024


@dataclass(frozen=True, kw_only=True)
class GemminiMachine:
    """A square weight-stationary array of `side` x `side` PEs with its memories.

    Rows of scratchpad and accumulator have `side` values. `request_bytes` is the most that one DMA
    request moves, and a line of the caches; one row of a tile is one request or more.
    """

    side: int = 16
    scratchpad_rows: int = 256 * KIB // 16
    accumulator_rows: int = 64 * KIB // 64
    request_bytes: int = 64
    least_rows: int = 4
    l2_bytes: int = 512 * KIB
    llc_bytes: int = 4096 * KIB


@dataclass(frozen=True, kw_only=True)
class GemminiTimes:
    """The four times that no document states, in cycles.

    `request`: one DMA request that hits the L2 (64 bytes on a bus of 16 take 4 or more). `llc`,
    `dram`: what a line costs more that comes from there. `candidate`: the host's time for one
    candidate of the search for a tiling, which the measurements include.
    """

    request: float
    llc: float
    dram: float
    candidate: float

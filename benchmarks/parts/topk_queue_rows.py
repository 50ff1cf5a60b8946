"""Rows of the engines that keep sorted results: LUTs of a queue's entry and of a wide filter, and
simulated cycles of one packet of 1,024 keys beside the law's.

Peers: a queue entry and 81 lanes with the best 10 as FANNS (Jiang et al. 2023) builds them, one
insertion per two cycles. Its entry holds a key of 32 bits and a payload of 32 bits, and so does
ours: an index of 32 bits. Keys are uniform random from SEED, and for the worst case ascending.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from tilewright.hw.topk.kernel import TopKKernel
from tilewright.hw.topk.mapping import packet_of
from tilewright.hw.topk.params import TopKParams
from tilewright.hw.topk.queue_entry import QueueEntry
from tilewright.hw.topk.queue_params import EntryParams
from tilewright.sim.regress import Job

from parts.area import area_of
from tilewright.build.kernel_run import simulate_kernels
from tilewright.build.verilog import emit
from tilewright.flow.case_parts import case_of
from tilewright.flow.topk_cases import keys_of, ports, work_of
from tilewright.spec.numbers import NumberFormat

Row = dict[str, Any]

SEED = 37
NUM_KEYS = 1024
K = 64
LANES = {"shift_queue": 1, "filtered_queue": 16, "bitonic_merge": 16}
ENTRY_GOALS = {"lut_goal": 90, "ff_goal": 66, "peer": 183, "ff_peer": 217}
FILTER_GOALS = {"lut_goal": 15_000, "peer": 142_000}


def rows() -> list[Row]:
    """All rows."""
    return [entry_row(), filter_row(), *cycle_rows()]


def entry_row() -> Row:
    """One entry of a queue, 64 bits."""
    params = EntryParams(key_bits=32, payload_bits=32)
    area = area_of(emit(QueueEntry(params), "queue_entry"), "queue_entry")
    return {"case": "queue_entry_64bit", "lut": area.lut, "ff": area.ff, **ENTRY_GOALS}


def filter_row() -> Row:
    """81 lanes of keys of 32 bits with indices of 32 bits, the best 10: the whole kernel."""
    lanes = 81
    params = TopKParams(
        engine="filtered_queue",
        lanes=lanes,
        key=NumberFormat(32),
        k_max=10,
        max_words=(1 << 32) // lanes,
    )
    area = area_of(emit(TopKKernel(params), "filtered"), "filtered")
    return {"case": "filtered_81_top10", "lut": area.lut, "ff": area.ff, **FILTER_GOALS}


def params_of(engine: str) -> TopKParams:
    """The kernel whose cycles are measured."""
    lanes = LANES[engine]
    return TopKParams(
        engine=engine,  # type: ignore[arg-type]
        lanes=lanes,
        key=NumberFormat(16),
        k_max=K,
        max_words=NUM_KEYS // lanes,
    )


def cycle_rows() -> list[Row]:
    """One packet of NUM_KEYS keys, the K largest, in each engine: measured and by the law."""
    kernels, names = [], []
    for engine in LANES:
        params = params_of(engine)
        works = []
        for kind in ("random", "sorted"):
            keys = keys_of(params, kind, NUM_KEYS, np.random.default_rng(SEED))
            works.append(work_of(params, kind, [packet_of(params, keys, K)]))
        cases = tuple(case_of(work.name, work) for work in works)
        module = f"topk_{engine}"
        job = Job(module=module, ports=ports(params), cases=cases, seed=SEED)
        kernels.append((emit(TopKKernel(params), module), job))
        names.append([(f"n{NUM_KEYS}_k{K}_{work.name}", work.cycles) for work in works])
    with tempfile.TemporaryDirectory(prefix="tilewright-topk-") as folder:
        results = simulate_kernels(kernels, Path(folder))
    found = []
    for (engine, lanes), cases_of, result in zip(LANES.items(), names, results, strict=True):
        for (name, estimate), case in zip(cases_of, result.cases, strict=True):
            row = {"case": name, "engine": engine, "lanes": lanes, "seed": SEED}
            row |= {"cycles": case.cycles, "estimate": estimate, "problem": case.message}
            found.append(row)
    return found

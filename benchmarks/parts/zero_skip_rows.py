"""Rows of the zero_skip template: elements per cycle at several densities, and LUTs.

16 lanes of int8, a packet of 4,096 elements (or eight of 512 back to back), values uniform from
SEED, so many of them replaced by what is not kept that the stated share is dropped exactly. Cycles
are those of the emitted Verilog under Verilator, first transfer in to last transfer out, fill and
drain included; every word out is compared.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tilewright.hw.zero_skip.kernel import ZeroSkipKernel
from tilewright.hw.zero_skip.params import Function, ZeroSkipParams
from tilewright.sim.regress import Job

from tilewright.build.kernel_run import simulate_kernels
from tilewright.build.verilog import emit
from tilewright.flow.case_parts import Work, case_of
from tilewright.flow.zero_skip_cases import Packet, ports, work_of

from .area import area_of

SEED = 30
LANES, ELEMENTS = 16, 4096
THETA = 20
GOAL, LIMIT = 15.5, 16
PEER = "1 (EdgeDRNN's scan)"
CASES: dict[str, tuple[Function, float, int]] = {
    "zero_skip_p16_90": ("zeros", 0.9, 1),
    "zero_skip_p16_50": ("zeros", 0.5, 1),
    "zero_skip_p16_0": ("zeros", 0.0, 1),
    "zero_skip_p16_90_8_packets": ("zeros", 0.9, 8),
    "zero_skip_p16_90_threshold": ("threshold", 0.9, 1),
    "zero_skip_p16_90_delta": ("delta", 0.9, 1),
}
"""Function, share of elements that are dropped, packets."""

Row = dict[str, Any]


def rows(wants: Callable[[str], bool] = lambda case: True) -> list[Row]:
    """A row per case that is wanted, all in one simulator process."""
    cases = {name: case for name, case in CASES.items() if wants(name)}
    functions = sorted({function for function, _, _ in cases.values()})
    kernels = []
    for function in functions:
        params, module = _params(function), f"zero_skip_{function}"
        own = {name: case for name, case in cases.items() if case[0] == function}
        jobs = tuple(case_of(name, _work(name, *case)) for name, case in own.items())
        job = Job(module=module, ports=ports(params), cases=jobs, seed=SEED)
        kernels.append((emit(ZeroSkipKernel(params), module), job))
    if not kernels:
        return []
    with tempfile.TemporaryDirectory(prefix="tilewright-zero-skip-") as folder:
        results = simulate_kernels(kernels, Path(folder))
    found = {}
    for (verilog, job), result in zip(kernels, results, strict=True):
        area = area_of(verilog, job.module)
        for case, done in zip(job.cases, result.cases, strict=True):
            cycles = done.cycles or 0
            speed = round(ELEMENTS / max(1, cycles), 3)
            found[case.name] = {
                "case": case.name,
                "cycles": cycles,
                "estimate": case.expected_cycles,
                "elements_per_cycle": speed,
                "goal": GOAL,
                "limit": LIMIT,
                "peer": PEER,
                "lut": area.lut,
                "ff": area.ff,
                "seed": SEED,
                "is_right": done.is_passed,
                "is_met": done.is_passed and cycles == case.expected_cycles and speed >= GOAL,
            }
    return [found[name] for name in cases]


def _params(function: Function) -> ZeroSkipParams:
    return ZeroSkipParams(lanes=LANES, elements=ELEMENTS, function=function)


def _work(name: str, function: Function, dropped: float, num_packets: int) -> Work:
    rng = np.random.default_rng(SEED)
    magnitudes = rng.integers(THETA + 1, 128, ELEMENTS)
    values = magnitudes * rng.choice([-1, 1], ELEMENTS)
    drop = rng.permutation(ELEMENTS)[: round(dropped * ELEMENTS)]
    values[drop] = 0 if function == "zeros" else rng.integers(-THETA, THETA + 1, len(drop))
    theta = 0 if function == "zeros" else THETA
    packets = [Packet(values=part.tolist(), theta=theta) for part in np.split(values, num_packets)]
    return work_of(_params(function), name, packets)

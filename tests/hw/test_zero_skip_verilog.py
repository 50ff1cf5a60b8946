"""The emitted Verilog of zero_skip kernels under Verilator: results, cycles, stream rules.

All kernels run in one simulator: a build costs more than all of their cases.
"""

import numpy as np
import pytest
from tilewright.hw.zero_skip.kernel import ZeroSkipKernel
from tilewright.hw.zero_skip.params import ZeroSkipParams
from tilewright.sim.regress import Job
from tilewright.sim.vectors import LONG_PAUSE

from tilewright.flow.case_parts import case_of
from tilewright.flow.zero_skip_cases import Packet, job, ports, random_packets, work_of
from tilewright.spec.numbers import NumberFormat

SEED = 33
UINT = {bits: NumberFormat(bits, signed=False) for bits in (2, 5, 16)}

PARAMS = {
    "zeros_16": ZeroSkipParams(lanes=16, elements=300),
    "zeros_1": ZeroSkipParams(lanes=1, elements=1, value=UINT[2]),
    "threshold_8": ZeroSkipParams(
        lanes=8, elements=100, function="threshold", value=NumberFormat(12)
    ),
    "delta_4": ZeroSkipParams(lanes=4, elements=37, function="delta"),
    "delta_2_one_word": ZeroSkipParams(lanes=2, elements=2, function="delta", value=UINT[5]),
}
SLOW_PARAMS = {
    "zeros_64": ZeroSkipParams(lanes=64, elements=4096, value=NumberFormat(4)),
    "delta_32": ZeroSkipParams(lanes=32, elements=1000, function="delta", value=NumberFormat(16)),
    "delta_1": ZeroSkipParams(lanes=1, elements=70, function="delta", value=UINT[16]),
}


def full_job(name: str, params: ZeroSkipParams, samples: int) -> Job:
    """The standard cases; pauses of 10,000 cycles; a row of packets that each end two words."""
    rng = np.random.default_rng(SEED)
    found = job(params, name, samples=samples, seed=SEED)
    streams = [port.name for port in found.ports]
    cases = [
        case_of(f"pause_{stream}", work_of(params, "pause", random_packets(params, rng)),
                {stream: LONG_PAUSE})
        for stream in streams
    ]  # fmt: skip
    high, lanes = params.value.maximum, params.lanes
    late = Packet(values=[0, *[high] * (2 * lanes - 1)][: params.elements])
    full = Packet(values=[high] * lanes)
    works = [
        work_of(params, "late_40_times", [late] * 40),
        work_of(params, "late_behind_full", [late, full, full, late, late, full] * 5),
        work_of(params, "beyond_the_elements", [Packet(values=[high, 0, 0] * params.elements)] * 2),
    ]
    cases += [case_of(work.name, work) for work in works if params.elements >= lanes]
    return Job(module=name, ports=ports(params), cases=(*found.cases, *cases), seed=SEED)


def make_job(samples: int):
    return lambda params, name: full_job(name, params, samples)


@pytest.mark.simulator
def test_emitted_verilog(check_kernels):
    """Zeros, thresholds and changes; one lane and one word; wrapped and absent positions."""
    # Few cycles: quick to compile.
    check_kernels(ZeroSkipKernel, PARAMS, make_job(4), linted=("delta_4",), optimize="-O0")


@pytest.mark.slow
@pytest.mark.simulator
def test_wide_and_long_kernels(check_kernels):
    check_kernels(ZeroSkipKernel, PARAMS | SLOW_PARAMS, make_job(20), optimize="-O0")

"""The emitted Verilog of radix_select under Verilator: results, cycles, stream rules, pauses."""

import numpy as np
import pytest
from tilewright.hw.topk import radix_cost
from tilewright.hw.topk.kernel import TopKKernel
from tilewright.hw.topk.mapping import packet_of
from tilewright.hw.topk.params import TopKParams
from tilewright.hw.topk.radix_params import digit_params
from tilewright.sim.regress import Job
from tilewright.sim.vectors import LONG_PAUSE, StallPattern

from tilewright.build.kernel_run import simulate_kernels
from tilewright.build.lint import lint
from tilewright.build.verilog import emit
from tilewright.flow.case_parts import case_of
from tilewright.flow.topk_cases import job, ports, random_packet, work_of
from tilewright.spec.numbers import NumberFormat

SEED = 47


def params_of(bits, lanes, words, *, signed=True, **changes) -> TopKParams:
    values = {"k_max": lanes * words, "order": "index", "digit_bits": 8} | changes
    key = NumberFormat(bits, signed=signed)
    return TopKParams(engine="radix_select", lanes=lanes, key=key, max_words=words, **values)


QUICK = {
    "one_pass": params_of(8, 2, 12, k_max=15),  # k cannot exceed it: no comparison that is constant
    "two_passes_smallest": params_of(9, 3, 5, k_max=9, digit_bits=6, largest=False),
    "one_lane_mask": params_of(7, 1, 9, signed=False, order="mask", digit_bits=4),
}
MORE = {
    "wide_digits": params_of(16, 4, 12),
    "narrow_digits": params_of(7, 5, 6, digit_bits=3, order="mask"),
    "widest_keys": params_of(32, 2, 6, k_max=7),
    "widest_keys_narrow_digits": params_of(32, 3, 4, signed=False, digit_bits=4),
    "one_word": params_of(6, 16, 1, digit_bits=6),
    "two_bits": params_of(2, 5, 3, digit_bits=1, order="mask"),
    "many_lanes": params_of(11, 128, 4, k_max=300, digit_bits=6),
    "long_packets": params_of(8, 6, 100, k_max=255, digit_bits=7),
}


def with_pauses(params: TopKParams, module: str, samples: int) -> Job:
    """The standard cases; packets back to back while a port, or all, stop for 10,000 cycles, and
    while outputs and k come in turns of their own.
    """
    standard = job(params, module, samples=samples, seed=SEED)
    rng = np.random.default_rng(SEED)
    names = ("k", "i", "o")
    patterns = {f"pause_{name}": {name: LONG_PAUSE} for name in names}
    patterns["pause_all"] = dict.fromkeys(names, LONG_PAUSE)
    patterns["k_after_words"] = {"k": StallPattern(kind="long", seed=SEED)}
    cases = [*standard.cases]
    for name, stalls in patterns.items():
        work = work_of(params, name, [random_packet(params, rng) for _ in range(30)])
        cases.append(case_of(name, work, stalls))
    work = work_of(params, "row", [random_packet(params, rng) for _ in range(60)])
    cases.append(case_of("row", work))
    return Job(module=module, ports=ports(params), cases=tuple(cases), seed=SEED)


def check(kernels: dict[str, TopKParams], folder, samples: int, linted: tuple[str, ...]) -> None:
    texts = {name: emit(TopKKernel(params), f"radix_{name}") for name, params in kernels.items()}
    for name in linted:
        assert not (found := lint(texts[name], f"radix_{name}").problems), found
    jobs = [
        (texts[name], with_pauses(params, f"radix_{name}", samples))
        for name, params in kernels.items()
    ]
    for result in simulate_kernels(jobs, folder):
        assert result.is_passed, result.explain()


@pytest.mark.simulator
def test_emitted_verilog(tmp_path):
    """Corners, all kinds of keys, every stall and 10,000 cycles of pause at each port."""
    check(QUICK, tmp_path, samples=3, linted=("one_pass", "two_passes_smallest"))


@pytest.mark.slow
@pytest.mark.simulator
def test_emitted_verilog_of_more_shapes(tmp_path):
    """Widest and narrowest keys, 1 to 128 lanes, one word and a hundred."""
    check(MORE, tmp_path, samples=12, linted=tuple(MORE))


def test_counters_of_a_lane_are_one_module():
    """However many lanes there are: each is an instance."""
    text = emit(TopKKernel(params_of(6, 9, 4, digit_bits=6)), "radix")
    assert text.count("module radix_lane_counters(") == 1
    assert text.count("  radix_lane_counters ") == 9


def test_law_of_kernels_starts_at_the_first_transfer():
    params = params_of(8, 4, 8)
    (part,) = digit_params(params)
    packet = packet_of(params, [1, 2, 3], k=1)
    cycles = 1 + part.decision_cycles + radix_cost.EMIT_CYCLES
    assert radix_cost.kernel_cycles(params, [packet]) == cycles
    assert radix_cost.kernel_cycles(params, []) == 0

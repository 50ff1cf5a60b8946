"""The emitted Verilog of the queues and of the merges under Verilator: results, cycles, stalls."""

import numpy as np
import pytest
from tilewright.hw.topk.kernel import TopKKernel
from tilewright.hw.topk.params import TopKParams
from tilewright.sim.regress import Job
from tilewright.sim.vectors import LONG_PAUSE, StallPattern

from tilewright.build.kernel_run import simulate_kernels
from tilewright.build.lint import lint
from tilewright.build.verilog import emit
from tilewright.flow.case_parts import case_of
from tilewright.flow.topk_cases import job, ports, random_packet, work_of
from tilewright.spec.numbers import NumberFormat

SEED = 61


def params_of(engine, bits, lanes, k_max, max_words, *, signed=True, largest=True) -> TopKParams:
    return TopKParams(
        engine=engine,
        lanes=lanes,
        key=NumberFormat(bits, signed=signed),
        k_max=k_max,
        max_words=max_words,
        largest=largest,
    )


QUICK = {
    "shift": params_of("shift_queue", 8, 1, 5, 40),
    "filtered": params_of("filtered_queue", 4, 5, 7, 9, signed=False, largest=False),
    "merge": params_of("bitonic_merge", 5, 6, 9, 11),
}
MORE = {
    "shift_one": params_of("shift_queue", 2, 1, 1, 1),
    "shift_k_is_3_of_4": params_of("shift_queue", 32, 1, 4, 4, signed=False),
    "shift_long": params_of("shift_queue", 12, 1, 40, 300, largest=False),
    "filtered_one_lane": params_of("filtered_queue", 6, 1, 3, 20),
    "filtered_wide": params_of("filtered_queue", 16, 33, 7, 5),
    "filtered_one_word": params_of("filtered_queue", 3, 16, 16, 1),
    "filtered_deep": params_of("filtered_queue", 20, 3, 50, 40, signed=False),
    "merge_one": params_of("bitonic_merge", 2, 1, 1, 1),
    "merge_one_lane": params_of("bitonic_merge", 7, 1, 6, 30),
    "merge_k_1": params_of("bitonic_merge", 9, 7, 1, 9, signed=False),
    "merge_k_below_lanes": params_of("bitonic_merge", 32, 12, 5, 6, largest=False),
    "merge_k_above_lanes": params_of("bitonic_merge", 8, 3, 37, 40),
    "merge_squares": params_of("bitonic_merge", 11, 16, 16, 12),
}


def with_pauses(params: TopKParams, module: str, samples: int) -> Job:
    """The standard cases; packets back to back while a port, or all, stop for 10,000 cycles, and
    while k comes in turns of its own; many packets in a row, timed.
    """
    standard = job(params, module, samples=samples, seed=SEED)
    rng = np.random.default_rng(SEED)
    patterns = {f"pause_{name}": {name: LONG_PAUSE} for name in ("k", "i", "o")}
    patterns["pause_all"] = dict.fromkeys(("k", "i", "o"), LONG_PAUSE)
    patterns["k_after_words"] = {"k": StallPattern(kind="long", seed=SEED)}
    patterns["late_results"] = {"o": StallPattern(kind="random", seed=SEED, probability=0.8)}
    cases = [*standard.cases]
    for name, stalls in patterns.items():
        work = work_of(params, name, [random_packet(params, rng) for _ in range(24)])
        cases.append(case_of(name, work, stalls))
    work = work_of(params, "row", [random_packet(params, rng) for _ in range(40)])
    cases.append(case_of("row", work))
    return Job(module=module, ports=ports(params), cases=tuple(cases), seed=SEED)


def check(kernels, samples, folder):
    """All kernels in one simulator; every one clean for three tools."""
    names = list(kernels)
    texts = [emit(TopKKernel(kernels[name]), f"topk_{name}") for name in names]
    jobs = [with_pauses(kernels[name], f"topk_{name}", samples) for name in names]
    results = simulate_kernels(list(zip(texts, jobs, strict=True)), folder)
    for name, result in zip(names, results, strict=True):
        wrong = [case.message for case in result.cases if not case.is_passed]
        assert result.is_passed, f"{name} (seed {SEED}): {wrong or result.explain()}"
    for name, text in zip(names, texts, strict=True):
        assert not lint(text, f"topk_{name}").problems, name


@pytest.mark.simulator
def test_emitted_verilog(tmp_path):
    """Corners, kinds of keys, random packets, every standard stall, pauses of 10,000 cycles."""
    check(QUICK, 3, tmp_path)


@pytest.mark.slow
@pytest.mark.simulator
def test_emitted_verilog_of_extreme_sizes(tmp_path):
    """One lane, one entry, one word, k below, at and above the lanes, widest and narrowest keys."""
    check(MORE, 12, tmp_path)

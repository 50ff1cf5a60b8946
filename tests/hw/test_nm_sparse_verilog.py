"""The emitted Verilog of nm_sparse and nm_prune under Verilator: results, cycles, stream rules."""

import itertools

import numpy as np
import pytest
from tilewright.hw.nm_prune.kernel import NMPrunerKernel
from tilewright.hw.nm_prune.mapping import groups_of_weights
from tilewright.hw.nm_prune.params import NMPruneParams
from tilewright.hw.nm_sparse import mapping
from tilewright.hw.nm_sparse.kernel import NMSparseKernel
from tilewright.hw.nm_sparse.params import NMSparseParams
from tilewright.hw.systolic.kernel import SystolicKernel
from tilewright.hw.systolic.params import SystolicParams
from tilewright.sim.golden.nm_prune import prune
from tilewright.sim.regress import Job
from tilewright.sim.vectors import LONG_PAUSE, STANDARD_STALLS

from tilewright.build.kernel_run import simulate_kernels
from tilewright.build.lint import lint
from tilewright.build.verilog import emit
from tilewright.flow import nm_prune_cases, nm_sparse_cases
from tilewright.flow.case_parts import case_of
from tilewright.flow.nm_sparse_cases import Product
from tilewright.spec.numbers import NumberFormat

SEED = 62
INT4, UINT8 = NumberFormat(4), NumberFormat(8, signed=False)

ARRAYS = {
    # sums of a tile of extremes wrap in 16 bits
    "array_wraps": NMSparseParams(
        rows=3, cols=4, group=4, feed_lanes=2, output="raw", accumulator_bits=16
    ),
    "array_shared_pattern": NMSparseParams(
        rows=4, cols=2, group=5, feed_lanes=3, mux="row", a_format=UINT8, b_format=INT4
    ),
    "array_short_buffer": NMSparseParams(
        rows=5, cols=2, group=16, feed_lanes=16, edge_groups=2, output="raw"
    ),
    "array_of_one": NMSparseParams(rows=1, cols=1, group=1, feed_lanes=1, output="raw"),
}
PRUNERS = {
    "pruner": NMPruneParams(group=8, max_kept=5),
    "pruner_words": NMPruneParams(group=4, output="words", cols=4),
    "pruner_unsigned": NMPruneParams(group=3, value_format=UINT8, output="words", cols=1),
    "pruner_of_one": NMPruneParams(group=1, value_format=NumberFormat(2)),
}


def corner_products(params):
    """Size 1; ragged in all directions; extremes; sparse, dense and sparse again back to back."""
    rows, cols, group = params.rows, params.cols, params.group
    ragged = {"m": rows + 1, "k": 2 * group + 1, "n": cols + 1}
    yield [Product(m=1, k=1, n=1, kept=1)]
    yield [Product(m=rows, k=5 * group, n=cols, kept=group, is_extreme=True)]
    yield [Product(**ragged, kept=min(2, group), is_extreme=True)]
    yield [Product(**ragged, kept=kept) for kept in (1, group, 1)]
    for kept in range(1, group + 1):
        yield [Product(m=rows, k=3 * group, n=cols, kept=kept)]


def array_cases(params, rng):
    """Corners, timed; a work with a pause of 10,000 cycles on each port; the standard stalls."""
    works = [nm_sparse_cases.work(params, products, rng) for products in corner_products(params)]
    yield from (case_of(f"corner{n}_{work.name}"[:60], work) for n, work in enumerate(works))
    long = Product(m=2 * params.rows, k=6 * params.group, n=2 * params.cols, kept=1)
    for port in nm_sparse_cases.ports(params):
        if port.direction != "pulse":
            work = nm_sparse_cases.work(params, [long, long], rng)
            yield case_of(f"pause_{port.name}", work, {port.name: LONG_PAUSE})
    yield from nm_sparse_cases.job(params, "none", samples=4, seed=SEED).cases


def pruner_cases(params, rng):
    """Packets of one group with each number kept; pauses; the standard stalls."""
    packets = [
        (nm_prune_cases.random_groups(params, groups, rng), kept)
        for groups in (1, params.cols, params.cols + 1)
        for kept in range(1, params.max_kept + 1)
    ]
    yield case_of("all_kept", nm_prune_cases.work(params, packets))
    for port in nm_prune_cases.ports(params):
        work = nm_prune_cases.work(params, [*packets, *packets])
        yield case_of(f"pause_{port.name}", work, {port.name: LONG_PAUSE})
    yield from nm_prune_cases.job(params, "none", samples=4, seed=SEED).cases


def chained_cases(rng):
    """What the pruner sends is, bit for bit, what the array's packing makes of pruned weights."""
    array, params = ARRAYS["array_wraps"], PRUNERS["pruner_words"]
    for kept, stall in itertools.product((1, 2, 4), STANDARD_STALLS):
        weights = rng.integers(-9, 10, (11, 6))
        groups = np.array(list(groups_of_weights(params, weights.tolist())))
        work = nm_prune_cases.work(params, [(groups, kept)])
        compressed = mapping.compress(array, prune(weights, kept, 4).tolist(), kept)
        loops = mapping.group_loops(array, 1, 11, 6, kept=kept)
        words = list(mapping.pack_b(array, loops, compressed))
        words[-1] |= 1 << params.output_word_bits
        assert words == list(work.expected["o"])
        stalls = {} if stall.kind == "none" else dict.fromkeys(("i", "o"), stall)
        yield case_of(f"for_array_{kept}_{stall.kind}", work, stalls)


QUICK = (*ARRAYS, "pruner", "pruner_words")
REST = tuple(name for name in PRUNERS if name not in QUICK)


def batch(names):
    """(name, Verilog, job) of these kernels."""
    rng = np.random.default_rng(SEED)
    for name in (name for name in ARRAYS if name in names):
        params = ARRAYS[name]
        cases = tuple(array_cases(params, rng))
        ports = nm_sparse_cases.ports(params)
        job = Job(module=name, ports=ports, cases=cases, seed=SEED)
        yield name, emit(NMSparseKernel(params), name), job
    for name in (name for name in PRUNERS if name in names):
        params = PRUNERS[name]
        cases = tuple(pruner_cases(params, rng))
        cases += tuple(chained_cases(rng)) if name == "pruner_words" else ()
        ports = nm_prune_cases.ports(params)
        job = Job(module=name, ports=ports, cases=cases, seed=SEED)
        yield name, emit(NMPrunerKernel(params), name), job


@pytest.mark.simulator
@pytest.mark.parametrize("names", [QUICK, pytest.param(REST, marks=pytest.mark.slow)])
def test_emitted_verilog(names, tmp_path):
    """Several kernels in one simulator: every word, every cycle of the laws, nothing left."""
    kernels = list(batch(names))
    assert len(kernels) == len(names)
    for name, verilog, _ in kernels:
        assert not lint(verilog, name).problems
    results = simulate_kernels([(verilog, job) for _, verilog, job in kernels], tmp_path)
    for (name, _, job), result in zip(kernels, results, strict=True):
        assert result.is_passed, f"{name}, seed {SEED}: {result.explain()}"
        assert len(result.cases) == len(job.cases)


def test_one_column_has_no_signal_of_no_bits():
    """With raw output it once had one, in the dense array too."""
    dense = SystolicParams(rows=1, cols=1, lanes=1, output="raw")
    assert not lint(emit(SystolicKernel(dense), "small"), "small").problems


@pytest.mark.slow
def test_large_array_stays_small_text():
    """Rows and PEs are written down once."""
    params = NMSparseParams(rows=64, cols=64, group=4, output="raw")
    assert len(emit(NMSparseKernel(params), "large").encode()) <= 250_000


@pytest.mark.slow
@pytest.mark.simulator
@pytest.mark.parametrize("group", [2, 8, 16])
def test_large_arrays(group, tmp_path):
    """8 x 8 with requantised results and both muxes."""
    kernels = []
    for mux in ("pe", "row"):
        params = NMSparseParams(rows=8, cols=8, group=group, feed_lanes=group // 2, mux=mux)
        job = nm_sparse_cases.job(params, f"large_{mux}", samples=8, seed=SEED + group)
        kernels.append((emit(NMSparseKernel(params), f"large_{mux}"), job))
    for result in simulate_kernels(kernels, tmp_path):
        assert result.is_passed, result.explain()

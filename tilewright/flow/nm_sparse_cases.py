"""Verification of an nm_sparse kernel: random products with compressed weights as cases."""

from __future__ import annotations

import numpy as np

from tilewright.hw.nm_sparse import law, mapping
from tilewright.hw.nm_sparse.params import NMSparseParams
from tilewright.sim.golden.nm_prune import prune
from tilewright.sim.golden.nm_sparse import IntArray, nm_sparse
from tilewright.sim.regress import Job, Port
from tilewright.spec import NMSparseSection

from .case_parts import Work, standard_job
from .systolic_cases import SETTINGS, output_words, random_scales
from .systolic_cases import ports as systolic_ports


def params_of(section: NMSparseSection) -> NMSparseParams:
    """The template's parameters as a spec says them."""
    return NMSparseParams(
        rows=section.rows,
        cols=section.cols,
        group=section.group,
        feed_lanes=section.feed_lanes,
        mux=section.mux,
        edge_groups=section.edge_groups,
        a_format=section.a,
        b_format=section.b,
        accumulator_bits=section.accumulator_bits,
        output=section.output,
        requantize=section.requantize.mode,
        multiplier_bits=section.requantize.multiplier_bits,
        param_sets=section.param_sets,
    )


def ports(params: NMSparseParams) -> tuple[Port, ...]:
    """The stream ports of the kernel: those of a systolic one."""
    return systolic_ports(params)


def job(params: NMSparseParams, module: str, *, samples: int, seed: int) -> Job:
    """`samples` random products without stalls, whose cycles are checked, then each standard stall
    on every port. A product keeps 1 to all weights of a group; the last of `samples` is dense.
    """

    def draw(rng: np.random.Generator) -> Work:
        return work(params, random_shape(params, rng), int(rng.integers(1, params.group + 1)), rng)

    rng = np.random.default_rng([seed, 1])
    dense = work(params, random_shape(params, rng), params.group, rng)
    return standard_job(module, ports(params), draw, samples=samples - 1, seed=seed, first=(dense,))


def random_shape(params: NMSparseParams, rng: np.random.Generator) -> tuple[int, int, int]:
    """M, K, N: from 1 to a few tiles, mostly no multiples of anything."""
    return (
        int(rng.integers(1, 3 * params.rows + 2)),
        int(rng.integers(1, 6 * params.group + 2)),
        int(rng.integers(1, 3 * params.cols + 2)),
    )


def random_weights(
    params: NMSparseParams, k: int, n: int, kept: int, rng: np.random.Generator
) -> IntArray:
    """Weights of which at most `kept` of a group are not zero; with `mux: row` the same k in all
    columns of a tile.
    """
    low, high = params.b_format.minimum, params.b_format.maximum
    values = rng.integers(low, high + 1, (k, n))
    width = params.cols if params.mux == "row" else 1
    importance = rng.integers(1, 1 << 20, (k, -(-n // width)))
    mask = prune(importance, kept, params.group) != 0
    return np.asarray(values * np.repeat(mask, width, axis=1)[:, :n])


def work(
    params: NMSparseParams,
    shape: tuple[int, int, int],
    kept: int,
    rng: np.random.Generator,
    *,
    subpanels: int | None = None,
) -> Work:
    """A random product."""
    m, k, n = shape
    if subpanels is None:
        subpanels = 1 + sum(shape) % min(2, params.param_sets)
    loops = mapping.group_loops(params, m, k, n, kept=kept, subpanels=subpanels)
    # Whole tiles: what the array computes beyond a ragged edge is compared, too.
    num_rows = loops.m_tiles * params.rows
    num_columns = loops.panels * loops.subpanels * params.cols
    low, high = params.a_format.minimum, params.a_format.maximum
    a = rng.integers(low, high + 1, (num_rows, k))
    b = mapping.compress(params, random_weights(params, k, num_columns, kept, rng).tolist(), kept)
    biases = rng.integers(-1000, 1000, num_columns).tolist()
    scales = random_scales(params, k, num_columns, rng)
    inputs, outputs = _words(params, loops, a, b, biases, scales)
    return Work(
        name=f"{kept}_of_{params.group}_{m}x{k}x{n}",
        inputs=inputs,
        expected=outputs,
        cycles=law.kernel_cycles(params, [loops]),
    )


def _words(
    params: NMSparseParams,
    loops: mapping.GroupLoops,
    a: IntArray,
    b: mapping.Compressed,
    biases: list[int],
    scales: list[int],
) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    """What a product plays and what it expects."""
    settings = SETTINGS if params.has_parameters else {}
    fields = mapping.command_fields(params, loops, **settings)
    expected = nm_sparse(
        params, a, b.values, b.indices, biases=biases, scale_words=scales, **settings
    )
    inputs = {
        "command": [params.command_format.encode(fields)],
        "a": list(mapping.pack_a(params, loops, a.tolist())),
        "b": list(mapping.pack_b(params, loops, b)),
    }
    outputs = {"o": output_words(params, loops, expected.tolist())}
    if params.has_parameters:
        inputs["p"] = list(mapping.pack_parameters(params, loops, biases, scales))
        outputs["p_release"] = [1] * loops.panels
    return inputs, outputs

"""Verification of an nm_sparse kernel: random products with compressed weights as cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tilewright.hw.nm_sparse import law, mapping
from tilewright.hw.nm_sparse.params import NMSparseParams
from tilewright.sim.golden.nm_prune import prune
from tilewright.sim.golden.nm_sparse import IntArray, nm_sparse
from tilewright.sim.regress import Job, Port
from tilewright.spec import NMSparseSection, NumberFormat

from .case_parts import Work, standard_job
from .systolic_cases import SETTINGS, output_words, random_scales
from .systolic_cases import ports as systolic_ports

MAX_PRODUCTS = 2


@dataclass(frozen=True, kw_only=True)
class Product:
    """M x K by K x N with `kept` weights of a group; `is_extreme`: smallest and largest values."""

    m: int
    k: int
    n: int
    kept: int
    is_extreme: bool = False


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
    """`samples` works without stalls, whose cycles are checked, then each standard stall on every
    port. A work is one product or two back to back, with 1 to all weights of a group; the first of
    `samples` keeps all.
    """

    def draw(rng: np.random.Generator) -> Work:
        num_products = int(rng.integers(1, MAX_PRODUCTS + 1))
        return work(params, [random_product(params, rng) for _ in range(num_products)], rng)

    rng = np.random.default_rng([seed, 1])
    dense = replace(random_product(params, rng), kept=params.group)
    first = (work(params, [dense], rng),)
    return standard_job(module, ports(params), draw, samples=samples - 1, seed=seed, first=first)


def random_product(params: NMSparseParams, rng: np.random.Generator) -> Product:
    """M, K, N: from 1 to a few tiles, mostly no multiples of anything."""
    m, k, n = rng.integers(1, (3 * params.rows + 2, 6 * params.group + 2, 3 * params.cols + 2))
    kept = rng.integers(1, params.group + 1)
    return Product(m=int(m), k=int(k), n=int(n), kept=int(kept))


def random_operand(
    number_format: NumberFormat,
    shape: tuple[int, int],
    rng: np.random.Generator,
    is_extreme: bool,
) -> IntArray:
    """Values of the whole range, or the most negative and the most positive only."""
    low, high = number_format.minimum, number_format.maximum
    if is_extreme:
        return rng.choice([low, high], shape)
    return rng.integers(low, high + 1, shape)


def random_weights(
    params: NMSparseParams, product: Product, num_columns: int, rng: np.random.Generator
) -> IntArray:
    """Weights of which at most `kept` of a group are not zero; with `mux: row` the same k in all
    columns of a tile.
    """
    shape = (product.k, num_columns)
    values = random_operand(params.b_format, shape, rng, product.is_extreme)
    width = params.cols if params.mux == "row" else 1
    importance = rng.integers(1, 1 << 20, (product.k, num_columns // width))
    mask = prune(importance, product.kept, params.group) != 0
    return np.asarray(values * np.repeat(mask, width, axis=1))


def work(params: NMSparseParams, products: Sequence[Product], rng: np.random.Generator) -> Work:
    """Random operands for these products, one command after the other."""
    inputs: dict[str, list[int]] = {}
    outputs: dict[str, list[int]] = {}
    commands = []
    for product in products:
        loops = _loops(params, product)
        commands.append(loops)
        played, expected = _words(params, product, loops, rng)
        for port, words in played.items():
            inputs.setdefault(port, []).extend(words)
        for port, words in expected.items():
            outputs.setdefault(port, []).extend(words)
    return Work(
        name="_".join(f"{p.kept}_of_{params.group}_{p.m}x{p.k}x{p.n}" for p in products),
        inputs=inputs,
        expected=outputs,
        cycles=law.kernel_cycles(params, commands),
    )


def _loops(params: NMSparseParams, product: Product) -> mapping.GroupLoops:
    """Loops in panels of 1 or 2 subpanels."""
    m, k, n = product.m, product.k, product.n
    subpanels = 1 + (m + k + n) % min(2, params.param_sets)
    return mapping.group_loops(params, m, k, n, kept=product.kept, subpanels=subpanels)


def _words(
    params: NMSparseParams, product: Product, loops: mapping.GroupLoops, rng: np.random.Generator
) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    """What a product plays and what it expects."""
    # Whole tiles: what the array computes beyond a ragged edge is compared, too.
    num_rows = loops.m_tiles * params.rows
    num_columns = loops.panels * loops.subpanels * params.cols
    a = random_operand(params.a_format, (num_rows, product.k), rng, product.is_extreme)
    weights = random_weights(params, product, num_columns, rng)
    b = mapping.compress(params, weights.tolist(), product.kept)
    biases = rng.integers(-1000, 1000, num_columns).tolist()
    scales = random_scales(params, product.k, num_columns, rng)
    settings = SETTINGS if params.has_parameters else {}
    expected = nm_sparse(
        params, a, b.values, b.indices, biases=biases, scale_words=scales, **settings
    )
    fields = mapping.command_fields(params, loops, **settings)
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

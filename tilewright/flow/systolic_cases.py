"""Verification of a systolic kernel: parameters from a spec, random products of all shapes as
cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

import numpy as np

from tilewright.hw.lib.requantize_params import encode_scale
from tilewright.hw.systolic import law, law_ws, mapping, mapping_ws
from tilewright.hw.systolic.params import RESULT_BITS, SystolicParams
from tilewright.sim.golden.systolic import systolic
from tilewright.sim.regress import Case, Job, Port
from tilewright.sim.vectors import STANDARD_STALLS, StallPattern
from tilewright.spec import SystolicSection

SETTINGS = {"zero_point": -3, "minimum": -100, "maximum": 110}
LIMIT_CYCLES = 1_000_000


def params_of(section: SystolicSection) -> SystolicParams:
    """The template's parameters as a spec says them."""
    return SystolicParams(
        rows=section.rows,
        cols=section.cols,
        lanes=section.lanes,
        dataflow=section.dataflow,
        a_format=section.a,
        b_format=section.b,
        accumulator_bits=section.accumulator_bits,
        a_feed=section.a_feed,
        b_feed=section.b_feed,
        output=section.output,
        requantize=section.requantize.mode,
        multiplier_bits=section.requantize.multiplier_bits,
        products_per_dsp=section.products_per_dsp,
        param_sets=section.param_sets,
        accumulator_rows=section.accumulator_rows,
    )


def ports(params: SystolicParams) -> tuple[Port, ...]:
    """The stream ports of the kernel."""
    parameters = (
        Port(name="p", direction="in", bits=params.param_word_bits),
        Port(name="p_release", direction="pulse"),
    )
    return (
        Port(name="command", direction="in", bits=params.command_format.width),
        Port(name="a", direction="in", bits=params.a_word_bits),
        Port(name="b", direction="in", bits=params.b_word_bits),
        Port(name="o", direction="out", bits=params.output_word_bits, has_last=True),
        *(parameters if params.has_parameters else ()),
    )


def job(params: SystolicParams, module: str, *, samples: int, seed: int) -> Job:
    """`samples` random products without stalls, whose cycles are checked, then each standard stall
    on every port.
    """
    rng = np.random.default_rng(seed)
    cases = [product_case(params, f"product_{i}", _shape(params, rng), rng) for i in range(samples)]
    for pattern in STANDARD_STALLS[1:]:
        shape = _shape(params, rng)
        cases.append(product_case(params, f"stalled_{pattern.kind}", shape, rng, pattern))
    slow = StallPattern(kind="one_in_four")
    cases.append(product_case(params, "slow_output", _shape(params, rng), rng, slow, ("o",)))
    return Job(module=module, ports=ports(params), cases=tuple(cases), seed=seed)


def _shape(params: SystolicParams, rng: np.random.Generator) -> tuple[int, int, int]:
    """M, K, N: from 1 to a few tiles, mostly no multiples of the array's sides."""
    limit_m = params.accumulator_rows if params.dataflow == "weight_stationary" else 1 << 30
    return (
        min(limit_m, int(rng.integers(1, 3 * params.rows + 2))),
        int(rng.integers(1, 3 * params.lanes + 2)),
        int(rng.integers(1, 3 * params.cols + 2)),
    )


def product_case(
    params: SystolicParams,
    name: str,
    shape: tuple[int, int, int],
    rng: np.random.Generator,
    stall: StallPattern | None = None,
    stalled: Sequence[str] = (),
) -> Case:
    """A product M, K, N of random numbers with its results and, without stalls, its cycles."""
    m, k, n = shape
    loops, cycles = _loops(params, shape)
    packing: ModuleType = mapping if isinstance(loops, mapping.TileLoops) else mapping_ws
    # Whole tiles: what the array computes beyond a ragged edge is compared, too.
    if isinstance(loops, mapping.TileLoops):
        m = loops.m_tiles * params.rows
    n = loops.panels * loops.subpanels * params.cols
    a = rng.integers(params.a_format.minimum, params.a_format.maximum + 1, (m, k))
    b = rng.integers(params.b_format.minimum, params.b_format.maximum + 1, (k, n))
    biases = rng.integers(-1000, 1000, n).tolist()
    scales = random_scales(params, k, n, rng)
    settings = SETTINGS if params.has_parameters else {}
    expected = systolic(params, a, b, biases=biases, scale_words=scales, **settings).tolist()
    fields = packing.command_fields(params, loops, **settings)
    inputs = {
        "command": [params.command_format.encode(fields)],
        "a": list(packing.pack_a(params, loops, a.tolist())),
        "b": list(packing.pack_b(params, loops, b.tolist())),
    }
    outputs = {"o": output_words(params, loops, expected)}
    if params.has_parameters:
        inputs["p"] = list(packing.pack_parameters(params, loops, biases, scales))
        outputs["p_release"] = [1] * loops.panels
    return Case(
        name=f"{name}_{shape[0]}x{k}x{shape[2]}",
        inputs=inputs,
        expected=outputs,
        stalls=_stalls(params, stall, stalled),
        expected_cycles=cycles if stall is None else None,
        limit_cycles=LIMIT_CYCLES,
    )


def random_scales(params: SystolicParams, k: int, n: int, rng: np.random.Generator) -> list[int]:
    """Scales that spread results over the int8 range."""
    top = max(1, params.a_format.maximum * params.b_format.maximum)
    scales = rng.uniform(20.0, 200.0, n) / (np.sqrt(k) * top)
    return [encode_scale(s, params.requantize, params.multiplier_bits) for s in scales]


def _stalls(
    params: SystolicParams, stall: StallPattern | None, stalled: Sequence[str]
) -> dict[str, StallPattern]:
    """The same pattern on the streams `stalled`, or on every one."""
    if stall is None:
        return {}
    names = [port.name for port in ports(params) if port.direction != "pulse"]
    return dict.fromkeys(stalled or names, stall)


def _loops(
    params: SystolicParams, shape: tuple[int, int, int]
) -> tuple[mapping.TileLoops | mapping_ws.PassLoops, int]:
    """The loops that cover a product, in panels of 1 or 2 subpanels, and the cycles of the law."""
    subpanels = 1 + sum(shape) % min(2, params.param_sets)
    if params.dataflow == "output_stationary":
        tiles = mapping.tile_loops(params, *shape, subpanels=subpanels)
        return tiles, law.kernel_cycles(params, [tiles])
    passes = mapping_ws.pass_loops(params, *shape, subpanels=subpanels)
    return passes, law_ws.kernel_cycles(params, [passes])


def output_words(
    params: SystolicParams,
    loops: mapping.TileLoops | mapping_ws.PassLoops,
    results: list[list[int]],
) -> list[int]:
    """The output words in order, `last` on top: row after row of a tile or a packet."""
    bits = RESULT_BITS if params.has_parameters else params.accumulator_bits
    words = []
    if isinstance(loops, mapping.TileLoops):
        packets = [
            (
                panel * loops.subpanels + subpanel,
                range(tile * params.rows, (tile + 1) * params.rows),
            )
            for panel, tile, subpanel in loops.walk()
        ]
    else:
        packets = [(packet, range(loops.m)) for packet in range(loops.packets)]
    for column, rows in packets:
        for row in rows:
            values = results[row][column * params.cols : (column + 1) * params.cols]
            last = (row == rows[-1]) << params.output_word_bits
            words.append(mapping.pack_word(values, bits) | last)
    return words

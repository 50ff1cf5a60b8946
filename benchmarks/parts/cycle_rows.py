"""Rows of `exploration.py`: cycles of layers on our arrays, by the closed form and as simulated,
beside SCALE-Sim and ZigZag.

Our arrays are 8 x 8 kernels for int8 with words of 16 elements: the emitted Verilog under
Verilator, first command in to last result out, bias and requantisation included; every result is
compared. SCALE-Sim counts an array alone, without stalls; ZigZag its own TPU-like machine.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tilewright.hw.systolic.kernel import SystolicKernel
from tilewright.hw.systolic.params import SystolicParams
from tilewright.sim.regress import Job

from parts.form import Row
from parts.peer_tools import Product, install, scale_sim_cycles, zigzag_cycles
from tilewright.build.kernel_run import simulate_kernels
from tilewright.build.process import ProcessError
from tilewright.build.verilog import emit
from tilewright.flow.systolic_cases import ports, product_case

SIDE, LANES, SEED = 8, 16, 12
DATAFLOWS = ("output_stationary", "weight_stationary")
LAYERS: Mapping[str, Product] = {
    "kws_first": (125, 40, 64),
    "kws_depthwise_channel": (125, 9, 1),
    "kws_pointwise": (125, 64, 64),
    "kws_classifier": (1, 64, 12),
    "ad_first": (1, 640, 128),
    "ad_narrow": (1, 128, 8),
    "ic_last_stage": (64, 576, 64),
    "ic_first_32x8": (256, 27, 16),
    "digits_hidden": (100, 64, 32),
}
"""M, K, N: layers of MLPerf Tiny (one channel of a depthwise one; ic_first: 8 rows of 32 pixels)
and of the digits example."""


def cycle_rows(peers: bool, out: Path) -> list[Row]:
    """A row for each layer and dataflow; its value is what the closed form is off."""
    told = _ours()
    more, notes = _peers(out) if peers else ({}, [])
    rows: list[Row] = []
    for (dataflow, layer), (estimated, simulated) in told.items():
        M, K, N = LAYERS[layer]
        found: Row = {
            "case": f"cycles_{layer}_{dataflow}",
            "value": abs(estimated - simulated),
            "goal": 0,
            "product": f"{M}x{K}x{N}",
            "ideal": -(-M * K * N // SIDE**2),
            "ours": estimated,
            "rtl": simulated,
        }
        rows.append(found | more.get((dataflow, layer), {}))
    return [*rows, *notes]


def _ours() -> dict[tuple[str, str], tuple[int, int]]:
    """Cycles by the law and as simulated; an assertion where a result is wrong."""
    kernels = []
    for dataflow in DATAFLOWS:
        params = SystolicParams(
            rows=SIDE, cols=SIDE, lanes=LANES, dataflow=dataflow, param_sets=8,
            accumulator_rows=256,
        )  # fmt: skip
        rng = np.random.default_rng(SEED)
        cases = tuple(product_case(params, name, shape, rng) for name, shape in LAYERS.items())
        module = f"systolic_{dataflow}"
        job = Job(module=module, ports=ports(params), cases=cases, seed=SEED)
        kernels.append((emit(SystolicKernel(params), module), job))
    with tempfile.TemporaryDirectory(prefix="tilewright-cycles-") as folder:
        results = simulate_kernels(kernels, Path(folder))
    found = {}
    for dataflow, (_, job), result in zip(DATAFLOWS, kernels, results, strict=True):
        for layer, case, done in zip(LAYERS, job.cases, result.cases, strict=True):
            assert done.is_passed and done.cycles is not None, (dataflow, layer, done)
            assert case.expected_cycles is not None
            found[dataflow, layer] = (case.expected_cycles, done.cycles)
    return found


def _peers(out: Path) -> tuple[dict[tuple[str, str], Row], list[Row]]:
    """What the peers say, and how far apart they are; or one row that says why they say nothing."""
    folder, products = (out / "peers").absolute(), list(LAYERS.values())
    try:
        python = install(folder)
        begin = time.monotonic()
        zigzag = zigzag_cycles(folder, python, products, rows=SIDE, cols=SIDE)
        zigzag_seconds = (time.monotonic() - begin) / len(products)
        begin = time.monotonic()
        scale_sim = {
            dataflow: scale_sim_cycles(
                folder, python, products, rows=SIDE, cols=SIDE, dataflow=dataflow
            )
            for dataflow in DATAFLOWS
        }
        scale_sim_seconds = (time.monotonic() - begin) / (len(products) * len(DATAFLOWS))
    except ProcessError as error:
        reason = str(error).splitlines()[0]
        return {}, [{"case": "cycles_peers", "value": "-", "skipped": reason}]
    found: dict[tuple[str, str], Row] = {}
    for dataflow, cycles in scale_sim.items():
        for layer, theirs, others in zip(LAYERS, cycles, zigzag, strict=True):
            found[dataflow, layer] = {"scale_sim": theirs}
            if dataflow == "weight_stationary":
                found[dataflow, layer]["zigzag"] = others
    pairs = zip(scale_sim["weight_stationary"], zigzag, strict=True)
    apart = max(max(a, b) / min(a, b) for a, b in pairs)
    return found, [
        {"case": "cycles_peers_apart_at_most", "value": round(apart, 2), "unit": "times",
         "scale_sim_seconds_per_layer": round(scale_sim_seconds, 2),
         "zigzag_seconds_per_layer": round(zigzag_seconds, 2)}
    ]  # fmt: skip

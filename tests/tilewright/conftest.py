"""A model and a spec so small that the whole flow takes a second, once its simulator is built."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

SIZES = (5, 6, 3)
NUM_SAMPLES = 11
INPUT_SCALE = 2.0**-4
# Powers of two: many results lie half way between two integers, where the rounding shows; small
# enough that some results saturate.
RESULT_SCALES = (2.0**-3, 2.0**-2)
WEIGHT_SCALE = 2.0**-3

SPEC = """\
tilewright: 1
name: tiny
model: tiny.onnx
accelerator:
  scratchpad: {{capacity: {capacity}, banks: 8}}
  memory:
    {{bytes_per_cycle: {bytes_per_cycle}, latency_cycles: {latency}, address_bits: {address_bits}}}
  program: {program}
  engines:
    array: {{template: systolic, rows: {rows}, cols: {cols}, lanes: {lanes}, dataflow: {dataflow}}}
verify: {{inputs: tiny.npz, samples: {samples}, batch: {batch}, seed: {seed}}}
"""
DEFAULTS: dict[str, Any] = {
    "capacity": "4KiB",
    "bytes_per_cycle": 4,
    "latency": 12,
    "address_bits": 64,
    "program": "rom",
    "rows": 2,
    "cols": 2,
    "lanes": 4,
    "dataflow": "output_stationary",
    "samples": 8,
    "batch": 4,
    "seed": 1,
}


def tiny_model(seed: int) -> onnx.ModelProto:
    """Two quantised Gemms, the first with Relu."""
    rng = np.random.default_rng(seed)
    nodes: list[Any] = []
    constants: list[Any] = []

    def constant(name: str, value: Any) -> str:
        constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def quantised(source: str, scale: float) -> str:
        names = [
            constant(f"{source}_scale", np.float32(scale)),
            constant(f"{source}_zero", np.int8(-3)),
        ]
        nodes.append(helper.make_node("QuantizeLinear", [source, *names], [f"{source}_q"]))
        return dequantised(f"{source}_q", names)

    def dequantised(source: str, names: list[str], **attributes: Any) -> str:
        nodes.append(
            helper.make_node("DequantizeLinear", [source, *names], [f"{source}_d"], **attributes)
        )
        return f"{source}_d"

    value, scale = quantised("x", INPUT_SCALE), INPUT_SCALE
    for layer, (k, n) in enumerate(itertools.pairwise(SIZES)):
        name = f"layer{layer}"
        weights = constant(f"{name}_w", rng.integers(-20, 21, (n, k), dtype=np.int8))
        weight_scales = np.full(n, WEIGHT_SCALE, np.float32)
        scales = [constant(f"{name}_ws", weight_scales), constant(f"{name}_wz", np.zeros(n, "i1"))]
        biases = constant(f"{name}_b", rng.integers(-99, 100, n, dtype=np.int32))
        bias_scales = [
            constant(f"{name}_bs", weight_scales * np.float32(scale)),
            constant(f"{name}_bz", np.zeros(n, np.int32)),
        ]
        inputs = [
            value,
            dequantised(weights, scales, axis=0),
            dequantised(biases, bias_scales, axis=0),
        ]
        is_last = layer == len(SIZES) - 2
        result = "y_float" if is_last else f"{name}_sum"
        nodes.append(helper.make_node("Gemm", inputs, [result], transB=1))
        if not is_last:
            nodes.append(helper.make_node("Relu", [result], [f"{name}_relu"]))
            result = f"{name}_relu"
        scale = RESULT_SCALES[layer]
        value = quantised(result, scale)
    nodes[-1].output[0] = "y"
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", SIZES[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", SIZES[-1]])],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


MakeSpec = Callable[..., Path]


@pytest.fixture
def tiny_spec(tmp_path: Path) -> MakeSpec:
    """`tiny_spec(program="ram", ...)`: writes model, inputs and spec; the spec's path."""

    def make(folder: Path = tmp_path, **changes: Any) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        onnx.save(tiny_model(7), folder / "tiny.onnx")
        rng = np.random.default_rng(8)
        np.savez(folder / "tiny.npz", x=rng.normal(0, 4, (NUM_SAMPLES, SIZES[0])).astype("f4"))
        path = folder / "tiny.yaml"
        path.write_text(SPEC.format(**DEFAULTS | changes))
        return path

    return make

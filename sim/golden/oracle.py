"""The judge from outside: onnxruntime's integer kernels, their float answers read as integers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tilewright.dataflow.graph import Graph


def oracle_outputs(
    path: Path, graph: Graph, inputs: dict[str, NDArray[np.float32]]
) -> dict[str, NDArray[np.int8]]:
    """The integers before the last `DequantizeLinear` of each output, by tensor name.

    `inputs` are the model's float inputs by their names in the file. Raises ValueError if an answer
    is not exactly what some integer stands for: then a kernel stayed in float.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    session = onnxruntime.InferenceSession(
        path.read_bytes(), options, providers=["CPUExecutionProvider"]
    )
    answers = session.run([tensor.origin for tensor in graph.outputs], inputs)
    integers = {}
    for tensor, answer in zip(graph.outputs, answers, strict=True):
        steps = np.rint(answer.astype(np.float64) / np.float64(np.float32(tensor.scale[0])))
        values = (steps + tensor.zero_point[0]).astype(np.int64)
        if values.min() < -128 or values.max() > 127:
            raise ValueError(f"output {tensor.origin}: values beyond int8")
        integers[tensor.name] = values.astype(np.int8)
        if not np.array_equal(tensor.dequantize(integers[tensor.name]), answer):
            raise ValueError(f"output {tensor.origin}: values between the integers' steps")
    return integers

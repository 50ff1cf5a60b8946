"""The oracle outside ourselves: onnxruntime's integer kernels on the same model and inputs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilewright.dataflow.graph import Graph


def oracle_outputs(
    model: Path, graph: Graph, inputs: Mapping[str, NDArray[np.float32]]
) -> dict[str, NDArray[Any]]:
    """What onnxruntime computes for float inputs, as the integers of the graph's outputs.

    `session.qdqisint8allowed=1` makes it use its int8 kernels; the outputs it gives are those integers dequantised, which is
    undone exactly.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.read_bytes(), options, providers=["CPUExecutionProvider"]
    )
    feed = {graph.tensor(name).origin: values for name, values in inputs.items()}
    values = session.run([tensor.origin for tensor in graph.outputs], feed)
    outputs = {}
    for tensor, value in zip(graph.outputs, values, strict=True):
        difference = np.rint(
            np.asarray(value, np.float64) / np.float64(np.float32(tensor.scale[0]))
        )
        outputs[tensor.name] = (difference + tensor.zero_point[0]).astype(tensor.number_format)
    return outputs

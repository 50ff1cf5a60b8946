"""Random quantised ONNX models in QDQ form, as quantisers and exporters write them.

Made from a seed, or from any other source of decisions (`draw.Draw`). First a sketch in floats is
drawn and run once on random inputs; the ranges seen give scales and zero points that fill the range
of the integers; then the model is written down with its QuantizeLinear and DequantizeLinear nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from .draw import Draw
from .dress import dress
from .emit import FloatModel
from .kinds import sketch
from .qdq import QuantisedModel
from .quantise import RANGES, plan
from .sketch import Sketch

ELSEWHERE_PERCENT = 40


@dataclass(frozen=True, kw_only=True)
class RandomModel:
    """A model, the kinds of step in it, its batch, and values for its inputs."""

    proto: onnx.ModelProto
    kinds: frozenset[str]
    batch: int
    inputs: dict[str, NDArray[Any]]

    @property
    def data(self) -> bytes:
        """The file."""
        return bytes(self.proto.SerializeToString())

    def __repr__(self) -> str:
        return onnx.printer.to_text(self.proto)


def random_model(draw: Draw, floats: bool = False, featured: str = "") -> RandomModel:
    """A random model; with `floats`, of forms that onnxruntime computes in floats.

    `featured` is a kind of step (`kinds.KINDS`) to be in it where possible; mostly it is.
    """
    number_format = draw.choice(("int8", "uint8"))
    s = sketch(draw, floats, featured)
    rng = np.random.default_rng(int(s.numbers.integers(2**31)))
    inputs = {name: _values(rng, s.shapes[name]) for name in s.inputs}
    elsewhere = floats and draw.chance(ELSEWHERE_PERCENT)
    planned = plan(s, inputs | _calibrate(s, inputs), number_format, elsewhere)
    model = QuantisedModel(s, planned).proto
    dress(draw, model.graph)
    onnx.checker.check_model(model)
    feeds: dict[str, NDArray[Any]] = {}
    for item in model.graph.input:
        source = item.name.removesuffix("_q")
        feeds[item.name] = inputs[source]
        if item.name != source:
            form = planned[source].number_format
            low, high = RANGES[form]
            feeds[item.name] = rng.integers(low, high, s.shapes[source], form, endpoint=True)
    return RandomModel(proto=model, kinds=s.kinds, batch=s.batch, inputs=feeds)


def _values(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Random, with some far out, some equal and some zero."""
    values = rng.normal(size=shape) * rng.choice((1.0, 1.0, 5.0, 0.05))
    far = rng.random(shape) < 0.05
    values = np.where(far, values * 4, values)
    return np.where(rng.random(shape) < 0.05, 0.0, values).astype(np.float32)


def _calibrate(s: Sketch, inputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
    """What the values are in floats."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        FloatModel(s).proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))

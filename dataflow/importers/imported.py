"""`Imported`: what an importer makes of a model file."""

from __future__ import annotations

from dataclasses import dataclass

from ..graph import Graph


@dataclass(frozen=True, kw_only=True)
class Imported:
    """A model as its file says it, as integers, and the float ends that stay with the host.

    * `graph`: the integer graph.
    * `model`: the model graph, in floats between `quantize` and `dequantize`.
    * `before`: from the model's float inputs to those inputs of `graph` that are quantised floats,
      by name. None if the host has only to quantise: then each such input of `graph` has the float
      input's name as its `origin` (`Tensor.quantize`). Inputs that are integers in the file go into
      `graph` as they are, whether `before` is None or not.
    * `after`: from the outputs of `graph`, by name, to the model's outputs. None if the host has
      only to dequantise: then each output of `graph` has the output's name as its `origin`
      (`Tensor.dequantize`; an output that is an integer in the file is taken as it is). Where
      `after` begins with raw accumulators, its input of that name has the scale of the sums.
    """

    graph: Graph
    model: Graph
    before: Graph | None = None
    after: Graph | None = None

"""What of an integer graph the hardware of an accelerator runs, and why not the rest."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tilewright.dataflow.graph import Graph, Op, Tensor
from tilewright.dataflow.importers.imported import Imported
from tilewright.dataflow.importers.onnx_file import QONNX_DOMAINS, read_model
from tilewright.dataflow.number_formats import FLOAT
from tilewright.spec.diagnostics import Diagnostic

ENGINE = "systolic"
NOT_YET = "not yet"
ENGINE_KINDS = ("matmul",)
"""The kinds of op that an engine runs, in the form that `reason` describes."""

_INTEGER_END = ": inputs and outputs of accelerators are floats to the host, which quantises them"
_HELP = "`tilewright import {}` shows what runs each op"


def runs_on(op: Op, graph: Graph) -> str:
    """The engine that runs this op, or `not yet`."""
    return NOT_YET if reason(op, graph) else ENGINE


def reason(op: Op, graph: Graph) -> str | None:
    """Why no engine runs this op yet; None if one does.

    The systolic engine takes `[M][K] x [K][N]` in int8 with constant weights whose zero point is 0,
    and requantises to int8.
    """
    if op.kind not in ENGINE_KINDS:
        return "no engine runs this kind"
    operands = [graph.tensor(name) for name in op.inputs]
    result = graph.tensor(op.outputs[0])
    if len(operands) < 4:
        return "the engine's results are int8, not the sums"
    activation, weight = operands[:2]
    if weight.role != "constant" or activation.role == "constant":
        return "the engine's weights, and only they, are constants"
    shapes = [tensor.shape for tensor in (activation, weight, result)]
    if any(len(shape) != 2 for shape in shapes):
        return f"the engine's operands have 2 axes, not {max(map(len, shapes))}"
    if any(weight.zero_point):
        return "the engine's weights have zero point 0"
    formats = {t.number_format for t in (activation, weight, result)} - {"int8"}
    if formats:
        return f"the engine's operands and results are int8, not {', '.join(sorted(formats))}"
    return _scale_reason(operands[3])


def _scale_reason(scale: Tensor) -> str | None:
    least = np.finfo(np.float32).tiny
    if scale.data is not None and scale.number_format == "float32" and (scale.data < least).any():
        return "the engine's scales are normal float32 numbers"
    return None


def not_yet(imported: Imported, path: Path) -> list[Diagnostic]:
    """Everything that keeps this model from running on an accelerator today, by node.

    Args:
        imported: the model in the file `path`.
    """
    found = [
        Diagnostic.plain(str(path), where, f"{NOT_YET}{rule}") for where, rule in _reasons(imported)
    ]
    found += [Diagnostic.plain(str(path), "", rule) for rule in _file_reasons(imported, path)]
    if found:  # the same for all of them: told once
        found[-1] = found[-1].with_help(_HELP.format(shlex.quote(str(path))))
    return found


def _reasons(imported: Imported) -> Iterator[tuple[str, str]]:
    """Places, and what is to come there."""
    for op in imported.graph.ops:
        why = reason(op, imported.graph)
        if why is not None:
            yield place(op), f" ({op.kind}): {why}"
    for tensor in (*imported.model.inputs, *imported.model.outputs):
        if tensor.number_format != FLOAT:
            yield f"{tensor.role} {tensor.origin or tensor.name}", _INTEGER_END
    for end, part in (("before", imported.before), ("after", imported.after)):
        for op in part.ops if part is not None else ():
            if op.kind not in ("quantize", "dequantize"):
                yield place(op), f" ({op.kind}): float work of the host {end} the integers"


def _file_reasons(imported: Imported, path: Path) -> Iterator[str]:
    if not imported.graph.ops:
        yield "the model computes nothing in integers"
    if path.suffix == ".tflite":
        yield f"{NOT_YET}: onnxruntime, which judges accelerators, does not read TFLite"
    elif any(node.domain in QONNX_DOMAINS for node in read_model(path).graph.node):
        yield f"{NOT_YET}: onnxruntime, which judges accelerators, does not run QONNX nodes"


def place(op: Op) -> str:
    """How messages name an op: by the nodes that it was made from."""
    return f"node {op.origin}" if op.origin else f"op {op.name}"

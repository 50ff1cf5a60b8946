"""QOperator models, node by node, judged by onnxruntime."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from tilewright.dataflow.importers.imported import Imported
from tilewright.dataflow.importers.model import import_bytes
from tilewright.sim.golden.model_run import run_model
from tilewright.sim.golden.oracle import integer_session

MICROSOFT = "com.microsoft"
Arrays = dict[str, NDArray[Any]]
Nodes = Sequence[onnx.NodeProto]


def model_of(
    nodes: Nodes,
    constants: Arrays,
    inputs: dict[str, tuple[int, Sequence[int]]],
    outputs: dict[str, int],
    opset: int = 13,
) -> onnx.ModelProto:
    graph = helper.make_graph(
        list(nodes),
        "net",
        [helper.make_tensor_value_info(name, *known) for name, known in inputs.items()],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid(MICROSOFT, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def imported(model: onnx.ModelProto) -> Imported:
    batch = model.graph.input[0].type.tensor_type.shape.dim[0].dim_value
    return import_bytes(model.SerializeToString(), Path("net.onnx"), batch)


def by_onnxruntime(model: onnx.ModelProto, inputs: Arrays) -> Arrays:
    """All values by their names: QOperator kernels are not fused, so each can be an output."""
    every = onnx.ModelProto()
    every.CopyFrom(model)
    names = [name for node in model.graph.node for name in node.output]
    del every.graph.output[:]
    every.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = integer_session(every.SerializeToString())
    return dict(zip(names, session.run(None, inputs), strict=True))


def compare(model: onnx.ModelProto, inputs: Arrays, hint: str, least: int = 1) -> None:
    """Every integer tensor of ours, and every output, is onnxruntime's."""
    expected, run = by_onnxruntime(model, inputs), run_model(imported(model), inputs)
    ours = {**run.integers, **run.outputs}
    shared = sorted(set(ours) & set(expected))
    assert len(shared) >= least, f"{hint}: only {shared}"
    for name in shared:
        got, wanted = ours[name], expected[name]
        assert got.dtype == wanted.dtype, f"{hint}, {name}"
        wrong = np.argwhere(got != wanted)
        at = tuple(wrong[0]) if len(wrong) else ()
        assert not len(wrong), (
            f"{hint}, {name}{list(at)}: expected {wanted[at]}, got {got[at]}; {len(wrong)} in all"
        )


class QOperator:
    """What the tests use of this file."""

    microsoft = MICROSOFT
    model_of = staticmethod(model_of)
    imported = staticmethod(imported)
    compare = staticmethod(compare)


@pytest.fixture
def qoperator() -> type[QOperator]:
    """The class `QOperator`."""
    return QOperator

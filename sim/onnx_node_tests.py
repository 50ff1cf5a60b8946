"""The single-operator tests of the onnx package, run through our importer and golden models.

Each test is a model of one node with inputs and the outputs that the standard asks for. Most give
parameters (shapes, axes, weights, scales) as inputs; here those become constants, as they are in a
network, and only activations stay inputs. Outputs beyond the first that our importer does not know
(a mask, indices, statistics) are taken away.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.loader import load_model_tests
from tilewright.dataflow.graph import Graph
from tilewright.dataflow.importers.onnx_model import model_graph
from tilewright.dataflow.importers.onnx_nodes.registry import supported_operators
from tilewright.dataflow.integers import to_integers

from tilewright.spec.diagnostics import SpecError

from .golden.float_run import run_float
from .golden.model_run import run_model

Array = NDArray[Any]
Group = Literal["integer", "layout", "float"]
Status = Literal["exact", "close", "differs", "skipped"]

RELATIVE, ABSOLUTE = 1e-5, 1e-6
"""Tolerance of the float tests: as `np.allclose` takes them."""
FOUR_DIGITS = {"test_averagepool_2d_ceil_last_window_starts_on_pad": 1e-3}
"""Tests whose expected values are written with four digits, and their relative tolerance."""
LAYOUT = {"concat", "slice", "pad", "reshape", "transpose", "resize", "gather"}
ACTIVATIONS: Mapping[str, Sequence[int]] = {
    "QLinearMatMul": (0, 3),
    "MatMulInteger": (0, 1),
    "MatMul": (0, 1),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Pow"), (0, 1)),
    **{name: range(16) for name in ("Concat", "Max", "Min", "Sum")},
}
"""Which inputs stay inputs; of all other operators the first."""
FIRST_OUTPUT_ONLY = {"MaxPool"}


REASONS = (
    (r"must hold float32|values of type|a cast from|scales must be float32|must be a tensor",
     "number formats other than float32 and integers, sequences"),
    (r"takes float32|have no single scale", "arithmetic on integers that have no scale"),
    (r"(Max|Min) is supported of", "Max and Min of anything but a value and a constant"),
    (r"mode must be nearest|keep_aspect_ratio", "Resize other than nearest to given sizes"),
    (r"training_mode", "training"),
    (r"blocked quantisation", "blocked quantisation"),
    (r"scales must be known", "scales made while the model runs"),
    (r"extent N must be|no elements|takes nothing", "tensors without elements"),
    (r"is a result that is not supported", "indices and masks as further results"),
    (r"ceil_mode with count_include_pad", "windows that count positions beyond the padding"),
)  # fmt: skip
"""What our importer answers, and the reason under which such tests are counted."""


@dataclass(frozen=True, kw_only=True, eq=False)
class NodeTest:
    """A test ready to run: `given` and `wanted` by the names in `model`."""

    name: str
    operator: str
    model: onnx.ModelProto
    given: Mapping[str, Array]
    wanted: Mapping[str, Array]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a test; `reason` says why it was skipped or where it differs.

    Integer and layout tests must be exact. `used_integers`: it ran as an integer graph as well.
    """

    name: str
    operator: str
    status: Status
    group: Group = "float"
    reason: str = ""
    used_integers: bool = False


@cache
def node_tests() -> tuple[NodeTest, ...]:
    """All tests of one node whose operator has a converter."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # the package's own: casts that overflow on purpose
        cases = collect_testcases(None)
    known, found = set(supported_operators()), []
    for case in cases:
        if case.model is None or case.data_sets is None or len(case.model.graph.node) != 1:
            continue
        node = case.model.graph.node[0]
        if node.op_type in known and not node.domain:
            found.append(_bound(case.name, case.model, *case.data_sets[0]))
    return tuple(found)


@cache
def exported_tests() -> tuple[NodeTest, ...]:
    """The package's exports of single layers by PyTorch whose operators all have a converter."""
    known, found = set(supported_operators()), []
    for case in (
        *load_model_tests(kind="pytorch-converted"),
        *load_model_tests(kind="pytorch-operator"),
    ):
        folder = Path(case.model_dir or "")
        model = onnx.load(folder / "model.onnx")
        weights = {item.name for item in model.graph.initializer}
        names = [item.name for item in model.graph.input if item.name not in weights]
        operators = {node.op_type for node in model.graph.node}
        if not operators <= known:
            continue
        given = zip(names, _stored(folder, "input"), strict=True)
        wanted = zip((o.name for o in model.graph.output), _stored(folder, "output"), strict=True)
        operator = ", ".join(sorted(operators))
        found.append(
            NodeTest(
                name=case.name,
                operator=operator,
                model=model,
                given=dict(given),
                wanted=dict(wanted),
            )
        )
    return tuple(found)


def _stored(folder: Path, what: str) -> list[Array]:
    """The arrays of a test's first data set."""
    files = (folder / "test_data_set_0").glob(f"{what}_*.pb")
    numbered = sorted(files, key=lambda file: int(file.stem.split("_")[1]))
    return [_array(onnx.TensorProto.FromString(file.read_bytes())) for file in numbered]


def outcomes(tests: Sequence[NodeTest]) -> Iterator[Outcome]:
    """Runs the tests."""
    for test in tests:
        yield outcome(test)


def outcome(test: NodeTest) -> Outcome:
    """Imports the model, runs it in floats, and as integers if it is quantised, and compares."""
    place: dict[str, Any] = {"name": test.name, "operator": test.operator}
    try:
        graph = model_graph(test.model, Path(test.name), None)
    except SpecError as error:
        return Outcome(**place, status="skipped", reason=_rule(error))
    place["group"] = _group(graph)
    try:
        made = dict(test.given) | run_float(graph, test.given)
    except ValueError as error:
        return Outcome(**place, status="differs", reason=f"not run: {error}")
    answers = {tensor.origin or tensor.name: made[tensor.name] for tensor in graph.outputs}
    status, reason = _compared(answers, test.wanted, FOUR_DIGITS.get(test.name, RELATIVE))
    if status == "differs" or (status == "close" and place["group"] != "float"):
        return Outcome(**place, status="differs", reason=reason)
    if place["group"] != "integer":
        return Outcome(**place, status=status)
    try:
        imported = to_integers(graph, test.name)
    except SpecError:
        return Outcome(**place, status=status)  # a scale alone: nothing is computed in integers
    status, reason = _compared(run_model(imported, test.given).outputs, test.wanted)
    reason = f"as integers: {reason}" if reason else ""
    exact: Status = "exact" if status == "exact" else "differs"
    return Outcome(**place, status=exact, reason=reason, used_integers=True)


def _bound(name: str, case: onnx.ModelProto, inputs: Any, outputs: Any) -> NodeTest:
    """The test with its parameters as constants."""
    model = onnx.ModelProto()
    model.CopyFrom(case)
    graph, node = model.graph, model.graph.node[0]
    places = ACTIVATIONS.get(node.op_type, (0,))
    live = {value for place, value in enumerate(node.input) if place in places}
    given = {}
    for item, value in zip(case.graph.input, inputs, strict=True):
        if item.name in live:
            given[item.name] = _array(value)
            continue
        proto = (
            value
            if isinstance(value, onnx.TensorProto)
            else numpy_helper.from_array(np.asarray(value))
        )
        graph.initializer.add().CopyFrom(proto)
        graph.initializer[-1].name = item.name
        graph.input.remove(next(i for i in graph.input if i.name == item.name))
    wanted = {item.name: value for item, value in zip(graph.output, outputs, strict=True)}
    if node.op_type in FIRST_OUTPUT_ONLY:
        del node.output[1:]
        wanted = {node.output[0]: wanted[node.output[0]]}
        for item in [item for item in graph.output if item.name not in wanted]:
            graph.output.remove(item)
    arrays = {key: _array(value) for key, value in wanted.items()}
    return NodeTest(name=name, operator=node.op_type, model=model, given=given, wanted=arrays)


def _array(value: Any) -> Array:
    """Values as we hold them: integers of fewer than 8 bits in 8."""
    if isinstance(value, onnx.TensorProto):
        value = numpy_helper.to_array(value)
    array = np.asarray(value)
    match = re.fullmatch(r"(u?int)[1-7]", array.dtype.name)
    return array.astype(f"{match[1]}8") if match else array


def _group(graph: Graph) -> Group:
    kinds = {op.kind for op in graph.ops}
    if kinds <= LAYOUT:
        return "layout"
    is_integer = any(
        tensor.number_format != "float32" for tensor in (*graph.inputs, *graph.outputs)
    )
    return "integer" if is_integer or kinds & {"quantize", "dequantize"} else "float"


def _compared(
    answers: Mapping[str, Array], wanted: Mapping[str, Array], relative: float = 0
) -> tuple[Status, str]:
    """The worst of all outputs, and where."""
    is_exact = True
    for name, want in wanted.items():
        if name not in answers:
            return "differs", f"no output {name}"
        got = answers[name]
        if got.shape != want.shape or got.dtype != want.dtype:
            return "differs", f"{name} is {got.dtype} {got.shape}, not {want.dtype} {want.shape}"
        if np.array_equal(got, want, equal_nan=got.dtype.kind == "f"):
            continue
        is_exact = False
        if got.dtype.kind != "f" or not np.allclose(got, want, relative, ABSOLUTE, equal_nan=True):
            at = np.argwhere(got != want)[0]
            first = f"{got[tuple(at)]}, must be {want[tuple(at)]}"
            return "differs", f"{name}{at.tolist()} is {first}"
    return ("exact", "") if is_exact else ("close", "")


def _rule(error: SpecError) -> str:
    """The first message without names and numbers, so that like reasons are counted together."""
    rule = error.diagnostics[0].rule
    numbers = r"(?<![A-Za-z0-9])-?\d+(\.\d+)?(, -?\d+)*"
    return re.sub(numbers, "N", re.sub(r"`[^`]*`", "a value", rule))


def reason_of(rule: str) -> str | None:
    """The reason that an importer's rule falls under, if it is one that we expect."""
    return next((reason for pattern, reason in REASONS if re.search(pattern, rule)), None)

"""QONNX nodes one by one: what each becomes, to the last integer, and what is refused."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from tilewright.dataflow.graph import Graph, Op
from tilewright.dataflow.importers.imported import Imported
from tilewright.dataflow.importers.model import import_bytes
from tilewright.sim.golden.model_run import run_model

from tilewright.spec.diagnostics import SpecError

DOMAIN = "qonnx.custom_op.general"
Values = Sequence[Any] | NDArray[Any] | float
Given = dict[str, Values]

# By name: what the nodes of these tests take.
COMMON: Given = {
    "one": 1.0,
    "zero": 0.0,
    "half": 0.5,
    "two": 2.0,
    "three": 3.0,
    "four": 4.0,
    "eight": 8.0,
    "weight": [[1.0, -2.0, 0.0], [3.0, 1.0, -1.0]],
}


def node(operator: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    """`inputs` are names with blanks between them; the node has its operator's name."""
    domain = DOMAIN if operator.endswith("Quant") else ""
    return helper.make_node(
        operator, inputs.split(), [output], f"{operator}_{output}", domain=domain, **attributes
    )


def quant(inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    known = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND", **attributes}
    return node("Quant", inputs, output, **known)


def model(
    nodes: Sequence[onnx.NodeProto],
    constants: Given | None = None,
    shape: tuple[int, ...] = (1, 2),
    opsets: dict[str, int] | None = None,
) -> onnx.ModelProto:
    taken = {name for item in nodes for name in item.input}
    known = {
        name: value if isinstance(value, np.ndarray) else np.array(value, np.float32)
        for name, value in {**COMMON, **(constants or {})}.items()
        if name in taken
    }
    graph = helper.make_graph(
        list(nodes),
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in known.items()],
    )
    versions = {"": 13, DOMAIN: 1} if opsets is None else opsets
    known_opsets = [helper.make_opsetid(domain, number) for domain, number in versions.items()]
    return helper.make_model(graph, opset_imports=known_opsets, ir_version=8)


def imported(proto: onnx.ModelProto) -> Imported:
    return import_bytes(proto.SerializeToString(), Path("net.onnx"))


def graph_of(nodes: Sequence[onnx.NodeProto], constants: Given | None = None) -> Graph:
    return imported(model(nodes, constants)).graph


def table_of(graph: Graph, op: Op) -> list[list[int]]:
    data = graph.tensor(op.inputs[1]).data
    assert data is not None
    return [[int(value) for value in row] for row in data]


IN = quant("x one zero four", "q")
WEIGHT = quant("weight one zero three", "w")
PRODUCT = node("MatMul", "q w", "sums")
OUT = quant("sums two zero three", "y")


def test_weights_become_integers_with_their_scale() -> None:
    """0.3 / 0.5 rounds to 1, 0.75 / 0.5 to 2 (even), 9 saturates at 3 of -4..3."""
    weight = {"weight": [[0.3, 0.75, -0.25], [9.0, -9.0, 1.25]]}
    graph = graph_of([IN, quant("weight half zero three", "w"), PRODUCT, OUT], weight)
    constant = graph.tensor(graph.ops[0].inputs[1])
    assert constant.data is not None
    assert constant.data.tolist() == [[1, 2, 0], [3, -4, 2]]
    assert (constant.number_format, constant.scale, constant.zero_point) == ("int3", (0.5,), (0,))


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [
        ("ROUND", [0, -2, 1]),
        ("HALF_EVEN", [0, -2, 1]),
        ("round_to_zero", [0, -1, 0]),
        ("DOWN", [0, -1, 0]),
        ("UP", [1, -2, 1]),
        ("CEIL", [1, -1, 1]),
        ("FLOOR", [0, -2, 0]),
        ("HALF_UP", [1, -2, 1]),
        ("HALF_DOWN", [0, -1, 1]),
    ],
)
def test_every_rounding_mode(mode: str, wanted: list[int]) -> None:
    item = quant("weight one zero three", "w", rounding_mode=mode)
    graph = graph_of([IN, item, PRODUCT, OUT], {"weight": [[0.5, -1.5, 0.75], [0.0] * 3]})
    constant = graph.tensor(graph.ops[0].inputs[1])
    assert constant.data is not None
    assert constant.data[0].tolist() == wanted


def test_narrow_bipolar_and_unsigned_weights() -> None:
    narrow = quant("weight one zero two", "w", narrow=1)
    unsigned = quant("weight one zero two", "w", signed=0)
    bipolar = node("BipolarQuant", "weight one", "w")
    one_bit = quant("weight one zero one", "w")
    wanted = {
        "int2": [[1, -1, 0], [1, 1, -1]],
        "uint2": [[1, 0, 0], [3, 1, 0]],
    }
    for item in (narrow, unsigned):
        graph = graph_of([IN, item, PRODUCT, OUT])
        constant = graph.tensor(graph.ops[0].inputs[1])
        assert constant.data is not None
        assert constant.data.tolist() == wanted[constant.number_format]
    for item in (bipolar, one_bit):
        graph = graph_of([IN, item, PRODUCT, OUT])
        constant = graph.tensor(graph.ops[0].inputs[1])
        assert constant.data is not None
        assert constant.data.tolist() == [[1, -1, 1], [1, 1, -1]]
        assert constant.number_format == "int2"


def test_a_scale_alone_becomes_thresholds() -> None:
    """sum / 2 to the even of ties: -7 / 2 becomes -4, -1 / 2 and 1 / 2 become 0."""
    graph = graph_of([IN, WEIGHT, PRODUCT, OUT])
    product, steps = graph.ops
    assert (product.kind, len(product.inputs), steps.kind) == ("matmul", 2, "threshold")
    assert graph.tensor(product.outputs[0]).number_format == "int32"
    assert steps.attributes == {"axis": 1, "minimum": -4}
    rows = table_of(graph, steps)
    assert rows == [[-6, -5, -2, -1, 2, 3, 6]] * 3
    result = graph.tensor(steps.outputs[0])
    assert (result.number_format, result.scale, result.role) == ("int3", (2.0,), "output")


def test_falling_channels_have_negated_weights() -> None:
    """y = round(factor sum / 2): the second channel falls, the third is 0 for all sums."""
    nodes = [IN, WEIGHT, PRODUCT, node("Mul", "sums factor", "scaled"),
             quant("scaled two zero three", "y")]  # fmt: skip
    graph = graph_of(nodes, {"factor": [1.0, -1.0, 0.0]})
    product, steps = graph.ops
    weight = graph.tensor(product.inputs[1]).data
    assert weight is not None
    assert weight.tolist() == [[1, 2, 0], [3, -1, -1]]
    rows = table_of(graph, steps)
    assert rows[0] == [-6, -5, -2, -1, 2, 3, 6]
    # The negated second channel is -(q0 * -2 + q1): sums from -8*2-7 to 7*2+8.
    assert rows[1] == [-6, -5, -2, -1, 2, 3, 6]
    # The third is 0: four steps are always reached (least sum -7), three never (greatest 8).
    assert rows[2] == [-7] * 4 + [9] * 3


def test_weights_that_cannot_be_negated_get_one_bit_more() -> None:
    nodes = [IN, quant("weight one zero two", "w"), PRODUCT, node("Sub", "zero sums", "fallen"),
             quant("fallen one zero four", "y")]  # fmt: skip
    product = (graph := graph_of(nodes)).ops[0]
    weight = graph.tensor(product.inputs[1])
    assert weight.data is not None
    assert (weight.number_format, weight.data.tolist()) == ("int3", [[-1, 2, 0], [-1, -1, 1]])


def test_a_sign_is_one_step_by_two() -> None:
    nodes = [IN, WEIGHT, PRODUCT, node("Sub", "sums three", "less"),
             node("BipolarQuant", "less half", "y")]  # fmt: skip
    graph = graph_of(nodes)
    steps = graph.ops[-1]
    assert steps.attributes["minimum"] == -1
    assert table_of(graph, steps) == [[3, 3]] * 3
    assert graph.outputs[0].scale == (0.5,)


def test_narrow_results_and_a_relu_raise_the_minimum() -> None:
    narrow = quant("sums two zero three", "y", narrow=1)
    assert graph_of([IN, WEIGHT, PRODUCT, narrow]).ops[-1].attributes["minimum"] == -3
    relu = [node("Relu", "sums", "r"), quant("r two zero three", "y")]
    graph = graph_of([IN, WEIGHT, PRODUCT, *relu])
    assert graph.ops[-1].attributes["minimum"] == 0
    assert table_of(graph, graph.ops[-1])[0] == [2, 3, 6]
    assert graph.ops[-1].origin == "Relu_r, Quant_y"


def test_levels_that_no_sum_reaches_have_no_thresholds() -> None:
    """Sums of -32..28 in steps of 8 are -4..4 of -128..127."""
    graph = graph_of([IN, WEIGHT, PRODUCT, quant("sums eight zero eight", "y")])
    steps = graph.ops[-1]
    assert steps.attributes["minimum"] == -4
    assert len(table_of(graph, steps)[0]) == 8
    alone = graph_of([IN, WEIGHT, PRODUCT, quant("sums huge zero two", "y")], {"huge": 1e6})
    assert table_of(alone, alone.ops[-1]) == [[29], [24], [9]]  # none is reached


def test_a_batch_normalization_by_hand() -> None:
    """(sum - 1) * 2 / sqrt(4) + 0.25, then floor: a sum more is an integer more."""
    nodes = [IN, WEIGHT, PRODUCT, node("BatchNormalization", "sums g b m v", "n", epsilon=0.0),
             quant("n one zero two", "y", rounding_mode="FLOOR")]  # fmt: skip
    constants = {"g": [2.0] * 3, "b": [0.25] * 3, "m": [1.0] * 3, "v": [4.0] * 3}
    graph = graph_of(nodes, constants)
    assert table_of(graph, graph.ops[-1]) == [[0, 1, 2]] * 3


def test_a_function_of_an_activation_and_its_channel() -> None:
    """Thresholds need no sums: a BatchNormalization right behind a Quant."""
    nodes = [IN, node("Add", "q each", "a"), quant("a two zero three", "y")]
    graph = graph_of(nodes, {"each": [[0.0, 3.0]]})
    assert [op.kind for op in graph.ops] == ["threshold"]
    assert table_of(graph, graph.ops[0]) == [[-6, -5, -2, -1, 2, 3, 6], [-8, -8, -5, -4, -1, 0, 3]]


def test_moves_change_places_with_thresholds_or_with_sums() -> None:
    plain = [IN, WEIGHT, PRODUCT, node("Mul", "sums half", "m"),
             node("Transpose", "m", "t", perm=[1, 0]), node("Add", "t half", "a"),
             quant("a two zero three", "y")]  # fmt: skip
    assert [op.kind for op in graph_of(plain).ops] == ["matmul", "threshold", "transpose"]
    each = [IN, WEIGHT, PRODUCT, node("Transpose", "sums", "t", perm=[1, 0]),
            node("Add", "t each", "a"), quant("a two zero three", "y")]  # fmt: skip
    graph = graph_of(each, {"each": [[0.0], [1.0], [2.0]]})
    assert [op.kind for op in graph.ops] == ["matmul", "transpose", "threshold"]
    assert graph.ops[-1].attributes["axis"] == 0


def test_an_input_that_is_not_rounded_plainly_is_left_to_the_host() -> None:
    plain = imported(model([IN, WEIGHT, PRODUCT, OUT]))
    floor = quant("x one zero four", "q", rounding_mode="FLOOR")
    other = imported(model([floor, WEIGHT, PRODUCT, OUT]))
    assert plain.before is None
    assert other.before is not None
    x = np.array([[1.9, -0.1]], np.float32)
    # floor: (1, -1); column sums 1 - 3, -2 - 1, 0 + 1, halved to the even.
    assert run_model(other, {"x": x}).outputs["y"].tolist() == [[-2.0, -4.0, 0.0]]
    assert run_model(plain, {"x": x}).outputs["y"].tolist() == [[2.0, -4.0, 0.0]]


@pytest.mark.parametrize("domain", ["finn.custom_op.general", "onnx.brevitas", DOMAIN])
@pytest.mark.parametrize("is_imported", [True, False])
def test_domains_that_exporters_use(domain: str, is_imported: bool) -> None:
    """Brevitas writes nodes of a domain that the file does not import."""
    proto = model([IN, WEIGHT, PRODUCT, OUT], opsets={"": 9} | ({domain: 1} if is_imported else {}))
    for item in proto.graph.node:
        item.domain = domain if item.domain else ""
    assert [op.kind for op in imported(proto).graph.ops] == ["matmul", "threshold"]


@pytest.mark.parametrize("bits", range(1, 17))
@pytest.mark.parametrize("signed", [0, 1])
def test_every_width_of_activations(bits: int, signed: int) -> None:
    """The integers of `x` itself, by qonnx's function."""
    intquant = pytest.importorskip("qonnx.custom_op.general.intquant")
    inner = quant("x scale zero bits", "q", signed=signed)
    constants: Given = {"bits": float(bits), "scale": 0.25}
    ours = imported(model([inner, WEIGHT, PRODUCT, OUT], constants))
    rng = np.random.default_rng(bits)
    x = (rng.normal(size=(1, 2)) * 2.0 ** rng.integers(-2, bits)).astype(np.float32)
    integers = run_model(ours, {"x": x}).integers["q_integers"]
    width = np.array(bits, np.float32)
    wanted = intquant.int_quant(x, np.float32(0.25), np.float32(0), width, signed, 0, "ROUND")
    assert np.array_equal(integers * 0.25, wanted)


REFUSED: list[tuple[list[onnx.NodeProto], Given, str, str]] = [
    ([quant("x zero zero four", "q")], {}, "Quant_q", "positive normal"),
    ([quant("x nan zero four", "q")], {"nan": np.nan}, "nan", "NaN"),
    ([quant("x one zero zero", "q")], {}, "Quant_q", "bit width must be one of 1 to 16, got 0"),
    ([quant("x one zero wide", "q")], {"wide": 17.0}, "Quant_q", "1 to 16, got 17"),
    ([quant("x one zero half", "q")], {}, "Quant_q", "1 to 16, got 0.5"),
    ([quant("x one half four", "q")], {}, "Quant_q", "zero points must be integers of int4"),
    ([quant("x one eight four", "q")], {}, "Quant_q", "zero points must be integers of int4"),
    ([quant("x one two one", "q")], {}, "Quant_q", "one bit must have zero point 0"),
    ([quant("x one zero one", "q", signed=0, narrow=1)], {}, "Quant_q", "holds 0 alone"),
    ([quant("x one zero four", "q", signed=2)], {}, "Quant_q", "signed must be"),
    ([quant("x one zero four", "q", rounding_mode="NEAR")], {}, "Quant_q", "rounding_mode"),
    ([quant("x x zero four", "q")], {}, "Quant_q", "must be a constant"),
    ([quant("x many zero four", "q")], {"many": [1.0, 2.0, 3.0]}, "Quant_q", "of shape (3,)"),
    ([quant("x one zero", "q")], {}, "Quant_q", "needs its input 4"),
    ([node("Quant", "x one zero four", "q", rounding_mode=3)], {}, "Quant_q", "must be a text"),
    ([node("BipolarQuant", "x", "q")], {}, "BipolarQuant_q", "needs its input 2"),
    ([node("FloatQuant", "x one", "q")], {}, "FloatQuant_q", "FloatQuant is not supported"),
    (
        [IN, WEIGHT, PRODUCT, node("LeakyRelu", "sums", "r", alpha=-1.0),
         quant("r one zero two", "y")], {}, "LeakyRelu_r", "neither rises nor falls",
    ),
    (
        [IN, WEIGHT, PRODUCT, node("Div", "one sums", "r"), quant("r one zero two", "y")],
        {}, "Div_r", "only a division by constants",
    ),
    (
        [IN, WEIGHT, PRODUCT, node("Mul", "sums huge", "r"), quant("r one zero two", "y")],
        {"huge": 3e38}, "Mul_r", "beyond float32's range",
    ),
    (
        [IN, WEIGHT, PRODUCT, node("Add", "sums grid", "r"), quant("r one zero two", "y")],
        {"grid": np.ones((2, 3), np.float32)}, "Add_r", "along other axes than the channels'",
    ),
    (
        [IN, WEIGHT, PRODUCT, node("BatchNormalization", "sums g g g v", "n", epsilon=0.0),
         quant("n one zero two", "y")],
        {"g": [1.0] * 3, "v": [1.0, 0.0, 1.0]}, "BatchNormalization_n", "must be above 0",
    ),
    (
        [IN, quant("weight each zero three", "w"), PRODUCT, OUT],
        {"each": [[1.0], [2.0]]}, "MatMul_sums", "per output channel",
    ),
    ([WEIGHT, node("MatMul", "x w", "sums"), OUT], {}, "MatMul_sums", "in floats"),
]  # fmt: skip


@pytest.mark.parametrize(("nodes", "constants", "place", "rule"), REFUSED)
def test_what_is_refused_names_its_place(
    nodes: list[onnx.NodeProto], constants: Given, place: str, rule: str
) -> None:
    with pytest.raises(SpecError) as caught:
        imported(model(nodes, constants))
    lines = [line for line in str(caught.value).splitlines() if rule in line]
    assert lines, str(caught.value)
    assert place in lines[0]
    assert "net.onnx" in lines[0] or "help" in lines[0]

"""QONNX nodes one by one: what each becomes, to the last integer."""

from typing import Any

import numpy as np
import pytest
from tilewright.sim.golden.model_run import run_model


def test_weights_become_integers_with_their_scale(qonnx: Any) -> None:
    """0.3 / 0.5 rounds to 1, 0.75 / 0.5 to 2 (even), 9 saturates at 3 of -4..3."""
    weight = {"weight": [[0.3, 0.75, -0.25], [9.0, -9.0, 1.25]]}
    graph = qonnx.graph_of(
        [qonnx.entry, qonnx.quant("weight half zero three", "w"), qonnx.product, qonnx.end], weight
    )
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
def test_every_rounding_mode(qonnx: Any, mode: str, wanted: list[int]) -> None:
    item = qonnx.quant("weight one zero three", "w", rounding_mode=mode)
    graph = qonnx.graph_of(
        [qonnx.entry, item, qonnx.product, qonnx.end], {"weight": [[0.5, -1.5, 0.75], [0.0] * 3]}
    )
    constant = graph.tensor(graph.ops[0].inputs[1])
    assert constant.data is not None
    assert constant.data[0].tolist() == wanted


def test_narrow_bipolar_and_unsigned_weights(qonnx: Any) -> None:
    narrow = qonnx.quant("weight one zero two", "w", narrow=1)
    unsigned = qonnx.quant("weight one zero two", "w", signed=0)
    bipolar = qonnx.node("BipolarQuant", "weight one", "w")
    one_bit = qonnx.quant("weight one zero one", "w")
    wanted = {
        "int2": [[1, -1, 0], [1, 1, -1]],
        "uint2": [[1, 0, 0], [3, 1, 0]],
    }
    for item in (narrow, unsigned):
        graph = qonnx.graph_of([qonnx.entry, item, qonnx.product, qonnx.end])
        constant = graph.tensor(graph.ops[0].inputs[1])
        assert constant.data is not None
        assert constant.data.tolist() == wanted[constant.number_format]
    for item in (bipolar, one_bit):
        graph = qonnx.graph_of([qonnx.entry, item, qonnx.product, qonnx.end])
        constant = graph.tensor(graph.ops[0].inputs[1])
        assert constant.data is not None
        assert constant.data.tolist() == [[1, -1, 1], [1, 1, -1]]
        assert constant.number_format == "int2"


def test_a_scale_alone_becomes_thresholds(qonnx: Any) -> None:
    """sum / 2 to the even of ties: -7 / 2 becomes -4, -1 / 2 and 1 / 2 become 0."""
    graph = qonnx.graph_of([qonnx.entry, qonnx.weight, qonnx.product, qonnx.end])
    product, steps = graph.ops
    assert (product.kind, len(product.inputs), steps.kind) == ("matmul", 2, "threshold")
    assert graph.tensor(product.outputs[0]).number_format == "int32"
    assert steps.attributes == {"axis": 1, "minimum": -4}
    rows = qonnx.table_of(graph, steps)
    assert rows == [[-6, -5, -2, -1, 2, 3, 6]] * 3
    result = graph.tensor(steps.outputs[0])
    assert (result.number_format, result.scale, result.role) == ("int3", (2.0,), "output")


def test_falling_channels_have_negated_weights(qonnx: Any) -> None:
    """y = round(factor sum / 2): the second channel falls, the third is 0 for all sums."""
    nodes = [
        qonnx.entry,
        qonnx.weight,
        qonnx.product,
        qonnx.node("Mul", "sums factor", "scaled"),
        qonnx.quant("scaled two zero three", "y"),
    ]
    graph = qonnx.graph_of(nodes, {"factor": [1.0, -1.0, 0.0]})
    product, steps = graph.ops
    weight = graph.tensor(product.inputs[1]).data
    assert weight is not None
    assert weight.tolist() == [[1, 2, 0], [3, -1, -1]]
    rows = qonnx.table_of(graph, steps)
    assert rows[0] == [-6, -5, -2, -1, 2, 3, 6]
    # The negated second channel is -(q0 * -2 + q1): sums from -8*2-7 to 7*2+8.
    assert rows[1] == [-6, -5, -2, -1, 2, 3, 6]
    # The third is 0: four steps are always reached (least sum -7), three never (greatest 8).
    assert rows[2] == [-7] * 4 + [9] * 3


def test_weights_that_cannot_be_negated_get_one_bit_more(qonnx: Any) -> None:
    nodes = [
        qonnx.entry,
        qonnx.quant("weight one zero two", "w"),
        qonnx.product,
        qonnx.node("Sub", "zero sums", "fallen"),
        qonnx.quant("fallen one zero four", "y"),
    ]
    product = (graph := qonnx.graph_of(nodes)).ops[0]
    weight = graph.tensor(product.inputs[1])
    assert weight.data is not None
    assert (weight.number_format, weight.data.tolist()) == ("int3", [[-1, 2, 0], [-1, -1, 1]])


def test_a_sign_is_one_step_by_two(qonnx: Any) -> None:
    nodes = [
        qonnx.entry,
        qonnx.weight,
        qonnx.product,
        qonnx.node("Sub", "sums three", "less"),
        qonnx.node("BipolarQuant", "less half", "y"),
    ]
    graph = qonnx.graph_of(nodes)
    steps = graph.ops[-1]
    assert steps.attributes["minimum"] == -1
    assert qonnx.table_of(graph, steps) == [[3, 3]] * 3
    assert graph.outputs[0].scale == (0.5,)


def test_narrow_results_and_a_relu_raise_the_minimum(qonnx: Any) -> None:
    narrow = qonnx.quant("sums two zero three", "y", narrow=1)
    assert (
        qonnx.graph_of([qonnx.entry, qonnx.weight, qonnx.product, narrow])
        .ops[-1]
        .attributes["minimum"]
        == -3
    )
    relu = [qonnx.node("Relu", "sums", "r"), qonnx.quant("r two zero three", "y")]
    graph = qonnx.graph_of([qonnx.entry, qonnx.weight, qonnx.product, *relu])
    assert graph.ops[-1].attributes["minimum"] == 0
    assert qonnx.table_of(graph, graph.ops[-1])[0] == [2, 3, 6]
    assert graph.ops[-1].origin == "Relu_r, Quant_y"


def test_levels_that_no_sum_reaches_have_no_thresholds(qonnx: Any) -> None:
    """Sums of -32..28 in steps of 8 are -4..4 of -128..127."""
    graph = qonnx.graph_of(
        [qonnx.entry, qonnx.weight, qonnx.product, qonnx.quant("sums eight zero eight", "y")]
    )
    steps = graph.ops[-1]
    assert steps.attributes["minimum"] == -4
    assert len(qonnx.table_of(graph, steps)[0]) == 8
    alone = qonnx.graph_of(
        [qonnx.entry, qonnx.weight, qonnx.product, qonnx.quant("sums huge zero two", "y")],
        {"huge": 1e6},
    )
    assert qonnx.table_of(alone, alone.ops[-1]) == [[29], [24], [9]]  # none is reached


def test_a_batch_normalization_by_hand(qonnx: Any) -> None:
    """(sum - 1) * 2 / sqrt(4) + 0.25, then floor: a sum more is an integer more."""
    nodes = [
        qonnx.entry,
        qonnx.weight,
        qonnx.product,
        qonnx.node("BatchNormalization", "sums g b m v", "n", epsilon=0.0),
        qonnx.quant("n one zero two", "y", rounding_mode="FLOOR"),
    ]
    constants = {"g": [2.0] * 3, "b": [0.25] * 3, "m": [1.0] * 3, "v": [4.0] * 3}
    graph = qonnx.graph_of(nodes, constants)
    assert qonnx.table_of(graph, graph.ops[-1]) == [[0, 1, 2]] * 3


def test_a_function_of_an_activation_and_its_channel(qonnx: Any) -> None:
    """Thresholds need no sums: a BatchNormalization right behind a Quant."""
    nodes = [qonnx.entry, qonnx.node("Add", "q each", "a"), qonnx.quant("a two zero three", "y")]
    graph = qonnx.graph_of(nodes, {"each": [[0.0, 3.0]]})
    assert [op.kind for op in graph.ops] == ["threshold"]
    assert qonnx.table_of(graph, graph.ops[0]) == [
        [-6, -5, -2, -1, 2, 3, 6],
        [-8, -8, -5, -4, -1, 0, 3],
    ]


def test_moves_change_places_with_thresholds_or_with_sums(qonnx: Any) -> None:
    plain = [
        qonnx.entry,
        qonnx.weight,
        qonnx.product,
        qonnx.node("Mul", "sums half", "m"),
        qonnx.node("Transpose", "m", "t", perm=[1, 0]),
        qonnx.node("Add", "t half", "a"),
        qonnx.quant("a two zero three", "y"),
    ]
    assert [op.kind for op in qonnx.graph_of(plain).ops] == ["matmul", "threshold", "transpose"]
    each = [
        qonnx.entry,
        qonnx.weight,
        qonnx.product,
        qonnx.node("Transpose", "sums", "t", perm=[1, 0]),
        qonnx.node("Add", "t each", "a"),
        qonnx.quant("a two zero three", "y"),
    ]
    graph = qonnx.graph_of(each, {"each": [[0.0], [1.0], [2.0]]})
    assert [op.kind for op in graph.ops] == ["matmul", "transpose", "threshold"]
    assert graph.ops[-1].attributes["axis"] == 0


def test_an_input_that_is_not_rounded_plainly_is_left_to_the_host(qonnx: Any) -> None:
    plain = qonnx.imported(qonnx.model([qonnx.entry, qonnx.weight, qonnx.product, qonnx.end]))
    floor = qonnx.quant("x one zero four", "q", rounding_mode="FLOOR")
    other = qonnx.imported(qonnx.model([floor, qonnx.weight, qonnx.product, qonnx.end]))
    assert plain.before is None
    assert other.before is not None
    x = np.array([[1.9, -0.1]], np.float32)
    # floor: (1, -1); column sums 1 - 3, -2 - 1, 0 + 1, halved to the even.
    assert run_model(other, {"x": x}).outputs["y"].tolist() == [[-2.0, -4.0, 0.0]]
    assert run_model(plain, {"x": x}).outputs["y"].tolist() == [[2.0, -4.0, 0.0]]


@pytest.mark.parametrize(
    "domain", ["finn.custom_op.general", "onnx.brevitas", "qonnx.custom_op.general"]
)
@pytest.mark.parametrize("is_imported", [True, False])
def test_domains_that_exporters_use(qonnx: Any, domain: str, is_imported: bool) -> None:
    """Brevitas writes nodes of a domain that the file does not import."""
    proto = qonnx.model(
        [qonnx.entry, qonnx.weight, qonnx.product, qonnx.end],
        opsets={"": 9} | ({domain: 1} if is_imported else {}),
    )
    for item in proto.graph.node:
        item.domain = domain if item.domain else ""
    assert [op.kind for op in qonnx.imported(proto).graph.ops] == ["matmul", "threshold"]


@pytest.mark.parametrize("bits", range(1, 17))
@pytest.mark.parametrize("signed", [0, 1])
def test_every_width_of_activations(qonnx: Any, bits: int, signed: int) -> None:
    """The integers of `x` itself, by qonnx's function."""
    intquant = pytest.importorskip("qonnx.custom_op.general.intquant")
    inner = qonnx.quant("x scale zero bits", "q", signed=signed)
    constants = {"bits": float(bits), "scale": 0.25}
    ours = qonnx.imported(qonnx.model([inner, qonnx.weight, qonnx.product, qonnx.end], constants))
    rng = np.random.default_rng(bits)
    x = (rng.normal(size=(1, 2)) * 2.0 ** rng.integers(-2, bits)).astype(np.float32)
    integers = run_model(ours, {"x": x}).integers["q_integers"]
    width = np.array(bits, np.float32)
    wanted = intquant.int_quant(x, np.float32(0.25), np.float32(0), width, signed, 0, "ROUND")
    assert np.array_equal(integers * 0.25, wanted)

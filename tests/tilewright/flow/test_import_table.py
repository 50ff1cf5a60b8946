"""The table of `tilewright import`: what it says of each op, and that it fits the terminal."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tilewright.dataflow.graph import Graph, Op, Tensor
from tilewright.dataflow.importers.imported import Imported

from tilewright.flow.import_table import ImportTable, count, num_bytes
from tilewright.spec.diagnostics import columns

LONG = "backbone/stage1/block_0/" * 8 + "conv"
EVIL = "\x1b[2J\u202e\N{CJK UNIFIED IDEOGRAPH-4E2D}\n" * 30
NAMES = {"plain": "conv_0", "long": LONG, "evil": EVIL}


def activation(name: str, shape: tuple[int, ...], role: Any = "intermediate") -> Tensor:
    return Tensor(
        name=name, shape=shape, number_format="int8", scale=(0.5,), zero_point=(-3,), role=role,
        origin=f"{name} in the file",
    )  # fmt: skip


def constant(name: str, data: Any, number_format: str | None = None) -> Tensor:
    return Tensor(
        name=name, shape=data.shape, number_format=number_format or data.dtype.name,
        role="constant", data=data,
    )  # fmt: skip


def network(name: str = "conv_0", batch: int = 2) -> Graph:
    """A convolution with int4 weights, a reshape, two matmuls that share their weights."""
    channels = 6
    window = {"strides": (1, 1), "pads": (1, 1, 1, 1), "dilations": (1, 1), "groups": 1}
    limits = {"zero_point": -3, "minimum": -128, "maximum": 127}
    tensors = (
        activation("x" if name == "conv_0" else name + "x", (batch, 3, 2, 2), "input"),
        constant("w", np.ones((channels, 3, 3, 3), np.int8), "int4"),
        constant("b", np.zeros(channels, np.int32)),
        constant("s", np.ones(channels, np.float32)),
        activation("a", (batch, channels, 2, 2)),
        activation("flat", (batch, 24)),
        constant("w2", np.ones((24, 24), np.int8)),
        constant("b2", np.zeros(24, np.int32)),
        constant("s2", np.ones(24, np.float32)),
        activation("h", (batch, 24)),
        activation("y", (batch, 24), "output"),
    )
    ops = (
        Op(name=name, kind="conv", inputs=(tensors[0].name, "w", "b", "s"), outputs=("a",),
           attributes={**window, **limits}, origin=f"{name} node"),
        Op(name="reshape_1", kind="reshape", inputs=("a",), outputs=("flat",), origin="view"),
        Op(name="matmul_2", kind="matmul", inputs=("flat", "w2", "b2", "s2"), outputs=("h",),
           attributes=limits, origin="fc1"),
        Op(name="matmul_3", kind="matmul", inputs=("h", "w2", "b2", "s2"), outputs=("y",),
           attributes=limits, origin="fc2"),
    )  # fmt: skip
    return Graph(name="net", ops=ops, tensors=tensors)


def imported_table(**changes: Any) -> ImportTable:
    graph = changes.pop("graph", None) or network()
    imported = Imported(graph=graph, model=graph, **changes)
    return ImportTable(imported=imported, file="models/net.onnx", batch=2)


def test_a_row_for_each_op_and_the_sums() -> None:
    lines = imported_table().lines()
    assert lines[0] == "net.onnx: integer graph, batch 2"
    cells = [line.split() for line in lines[1:7]]
    assert " ".join(cells[0]) == "op kind result MACs weights bytes scale runs on"
    # 2 x 6 x 2 x 2 results of 3 x 3 x 3 products; 162 weights of 4 bits, 6 biases and scales.
    assert " ".join(cells[1]) == "conv_0 conv int8 2x6x2x2 1,296 129 48 0.5 not yet"
    assert " ".join(cells[2]) == "reshape_1 reshape int8 2x24 - 0 48 0.5 not yet"
    assert " ".join(cells[3]) == "matmul_2 matmul int8 2x24 1,152 768 48 0.5 systolic"
    assert " ".join(cells[5]) == "total, 4 ops 3,600 897 192 2 of 4"


def test_below_the_table() -> None:
    lines = [line.strip() for line in imported_table().lines()[7:]]
    assert lines == [
        "inputs       x in the file: int8 2x3x2x2 scale 0.5 zero point -3",
        "outputs      y in the file: int8 2x24 scale 0.5 zero point -3",
        "host before  nothing: the inputs are integers",
        "host after   nothing: the outputs are integers",
        "hardware     not yet: conv, reshape",
    ]


def test_float_ends_are_named_by_kind() -> None:
    ends = [
        Tensor(name=name, shape=(2, 3), number_format="float32", role=role)
        for name, role in (("f", "input"), ("g", "intermediate"), ("h", "output"))
    ]
    ops = [
        Op(name=f"relu_{a}", kind="relu", inputs=(a,), outputs=(b,), origin=f"node {a}")
        for a, b in (("f", "g"), ("g", "h"))
    ]
    end = Graph(name="end", ops=tuple(ops), tensors=tuple(ends))
    table = imported_table(before=end, after=end)
    lines = [line.strip() for line in table.lines()]
    assert "host before  relu x 2" in lines
    assert "host after   relu x 2" in lines
    assert table.to_json()["host_after"][1] == {
        "name": "relu_g", "kind": "relu", "origin": "node g",
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("width", range(80, 161, 5))
def test_no_line_is_too_wide_and_nothing_is_obeyed_by_a_terminal(name: str, width: int) -> None:
    lines = imported_table(graph=network(name)).lines(width)
    for line in lines:
        assert columns(line) <= width, line
        assert line.isprintable()
    assert len({columns(line) for line in lines[2:5] if width < 110}) <= 2


def test_wide_terminals_have_more_columns() -> None:
    table = imported_table()
    assert "operands" not in table.lines(100)[1]
    assert "operands" in table.lines(110)[1]
    assert "from" not in table.lines(130)[1]
    wide = table.lines(140)
    assert wide[1].endswith("from")
    assert "int8 2x3x2x2" in wide[2]
    assert wide[2].endswith("conv_0 node")
    assert table.lines(160)[2].endswith("conv_0 node")


def test_narrow_terminals_keep_the_extents() -> None:
    """The kind goes first, since it is in the name; where it is not, it stays."""
    lines = imported_table().lines(80)
    assert lines[1].split()[:2] == ["op", "result"]
    assert "  conv_0        int8 2x6x2x2 " in lines[2]
    lines = imported_table(graph=network("first")).lines(80)
    assert lines[1].split()[:3] == ["op", "kind", "result"]
    assert "int8 2x6x2x2" in lines[2]


def test_an_op_of_several_nodes_names_the_first() -> None:
    graph = network()
    ops = (replace(graph.ops[0], origin="node_a, node_b, node_c"), *graph.ops[1:])
    table = imported_table(graph=replace(graph, ops=ops))
    assert table.lines(160)[2].endswith("  node_a +2")
    assert table.to_json()["ops"][0]["origin"] == "node_a, node_b, node_c"


def test_json_says_everything() -> None:
    data = imported_table().to_json()
    json.dumps(data, allow_nan=False)
    assert data["totals"] == {
        "ops": 4, "macs": 3600, "weight_bytes": 897, "activation_bytes": 192, "not_yet": 2,
    }  # fmt: skip
    conv, _, matmul, _ = data["ops"]
    assert conv["attributes"]["pads"] == [1, 1, 1, 1]
    assert [operand["number_format"] for operand in conv["operands"]] == [
        "int8", "int4", "int32", "float32",
    ]  # fmt: skip
    assert (conv["runs_on"], conv["why_not"]) == ("not yet", "no engine runs this kind")
    assert (matmul["runs_on"], matmul["why_not"]) == ("systolic", None)
    assert data["inputs"][0]["zero_point"] == [-3]
    assert data["host_before"] is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (999_999, "999,999"),
        (1_000_000, "1.0 M"),
        (12_345_678, "12.3 M"),
        (999_940_000, "999.9 M"),
        (999_960_000, "1.0 G"),
        (4_100_000_000_000, "4.1 T"),
        (10**16, "10,000.0 T"),
    ],
)
def test_counts_stay_narrow(value: int, text: str) -> None:
    assert count(value) == text


def test_bytes_of_narrow_numbers() -> None:
    assert num_bytes(constant("w", np.ones((3, 3), np.int8), "int4")) == 5
    assert num_bytes(constant("w", np.ones((3, 3), np.int8), "int2")) == 3
    assert num_bytes(constant("w", np.ones((3, 3), np.int16))) == 18
    assert num_bytes(Tensor(name="t", shape=(), number_format="float32")) == 4

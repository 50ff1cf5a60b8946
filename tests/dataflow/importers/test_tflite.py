"""TFLite files: what graph they become, and what is wrong with those that become none."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tilewright.dataflow.graph import Graph
from tilewright.dataflow.importers.model import import_model
from tilewright.dataflow.importers.tflite_file import parse_tflite
from tilewright.dataflow.importers.tflite_model import CONVERTERS, model_graph
from tilewright.sim.random_models.tflite_models import Toy
from tilewright.sim.random_models.tflite_moves import STEPS, one_operator
from tilewright.sim.random_models.tflite_small import conv_file, same_conv_file, toy_tensor
from tilewright.sim.random_models.tflite_writer import ToyOp, write_tflite

from tilewright.spec.diagnostics import SpecError

FILE = Path("toy.tflite")


def imported(data: bytes, batch: int = 1) -> Graph:
    return model_graph(parse_tflite(data, FILE), batch)


def kinds(graph: Graph) -> list[str]:
    """Kinds of ops without the quantisation around each."""
    return [op.kind for op in graph.ops if op.kind not in ("quantize", "dequantize")]


def test_a_convolution_becomes_channels_first() -> None:
    graph = imported(conv_file())
    assert kinds(graph) == ["transpose", "conv", "transpose"]
    conv = next(op for op in graph.ops if op.kind == "conv")
    assert graph.tensor(conv.inputs[0]).shape == (1, 3, 6, 5)
    assert graph.tensor(conv.outputs[0]).shape == (1, 4, 6, 5)
    assert graph.inputs[0].shape == (1, 6, 5, 3) and graph.outputs[0].shape == (1, 6, 5, 4)
    assert (graph.inputs[0].origin, graph.outputs[0].origin) == ("x", "y")
    assert graph.outputs[0].name == "y" and graph.outputs[0].zero_point == (-128,)
    weight = next(tensor for tensor in graph.tensors if tensor.origin == "w")
    assert weight.data is not None and weight.data.shape == (4, 3, 3, 3)
    assert weight.axis == 0 and weight.scale == (0.25, 0.5, 1.0, 2.0)
    file = parse_tflite(conv_file(), FILE)
    given = file.tensors[1].data
    assert given is not None
    assert weight.data[2, 1, 0, 2] == given[2, 0, 2, 1]


@pytest.mark.parametrize(
    ("stride", "padding", "size", "pads"),
    [
        (1, 0, (6, 5), (1, 1, 1, 1)),
        (2, 0, (6, 5), (0, 1, 1, 1)),  # 6 rows need one more row, behind; 5 columns two
        (1, 1, (6, 5), (0, 0, 0, 0)),
        (2, 0, (2, 1), (0, 1, 1, 1)),
    ],
)
def test_padding_is_resolved(
    stride: int, padding: int, size: tuple[int, int], pads: tuple[int, ...]
) -> None:
    extents = [-(-extent // stride) for extent in size]
    valid = conv_file(stride=stride, padding=padding, size=size) if padding else b""
    data = valid or same_conv_file(size, extents, stride)
    conv = next(op for op in imported(data).ops if op.kind == "conv")
    assert conv.integers("pads") == pads


def test_fused_activations_stand_in_front_of_the_quantisation() -> None:
    assert kinds(imported(conv_file(activation=1))) == ["transpose", "conv", "relu", "transpose"]
    graph = imported(conv_file(activation=3))
    clip = next(op for op in graph.ops if op.kind == "clip")
    assert (clip.number("minimum"), clip.number("maximum")) == (0.0, 6.0)


def test_an_operator_says_whose_arithmetic_it_has() -> None:
    for kind, expected in (("ADD", "add"), ("SOFTMAX", "softmax"), ("TANH", "tanh")):
        graph = imported(one_operator(kind, 0).data)
        op = next(op for op in graph.ops if op.kind == expected)
        assert op.text("arithmetic") == "litert"
    conv = next(op for op in imported(conv_file()).ops if op.kind == "conv")
    assert "arithmetic" not in conv.attributes  # onnxruntime's and LiteRT's are the same


def chained(*steps: str, shape: Sequence[int] = (1, 4, 4, 3)) -> Graph:
    toy = Toy(np.random.default_rng(3))
    toy.current = toy.add_input(shape)
    for step in steps:
        STEPS[step](toy)
    return imported(toy.model([toy.current]).data)


def test_only_the_ends_are_transposed() -> None:
    middle = ["CONV_2D", "MAX_POOL_2D", "DEPTHWISE_CONV_2D", "RELU", "CONV_2D"]
    found = kinds(chained(*middle, shape=(1, 20, 20, 3)))
    assert [n for n, kind in enumerate(found) if kind in ("transpose", "reshape")] == [
        0,
        len(found) - 1,
    ]


def test_a_transpose_of_the_file_is_another_name_for_the_order() -> None:
    toy = Toy(np.random.default_rng(0))
    toy.current = toy.add_input((1, 4, 5, 3))
    STEPS["CONV_2D"](toy)
    shape = toy.shape
    order = toy.integers(0, 3, 1, 2)
    channels_first = toy.add_like((shape[0], shape[3], shape[1], shape[2]))
    toy.op("TRANSPOSE", (toy.current, order), (channels_first,))
    graph = imported(toy.model([channels_first]).data)
    assert [kind for kind in kinds(graph) if kind != "clip" and kind != "relu"] == [
        "transpose",
        "conv",
        "reshape",  # the output's own name
    ]


def test_moves_of_axes_of_one_are_reshapes() -> None:
    toy = Toy(np.random.default_rng(0))
    toy.current = toy.add_input((1, 4, 4, 1))
    STEPS["MAX_POOL_2D"](toy)
    assert "transpose" not in kinds(imported(toy.model([toy.current]).data))


def test_the_batch_takes_the_place_of_one() -> None:
    graph = imported(conv_file(), batch=5)
    assert graph.inputs[0].shape == (5, 6, 5, 3) and graph.outputs[0].shape == (5, 6, 5, 4)
    fixed = toy_tensor(shape=(4, 8)), toy_tensor("y", (4, 8))
    data = write_tflite(fixed, [ToyOp(kind="RELU", inputs=(0,), outputs=(1,))], [0], [1])
    assert imported(data).outputs[0].shape == (4, 8)
    assert imported(data, batch=4).outputs[0].shape == (4, 8)
    with pytest.raises(SpecError, match="the model's batch is 4, 3 was asked for"):
        imported(data, batch=3)


def test_names_are_short_and_origins_are_the_files() -> None:
    long = "model/activation/Relu;model/batch_normalization/FusedBatchNormV3"
    tensors = [toy_tensor(), toy_tensor(long), toy_tensor("y")]
    ops = [
        ToyOp(kind="RELU", inputs=(0,), outputs=(1,)),
        ToyOp(kind="RELU", inputs=(1,), outputs=(2,)),
    ]
    graph = imported(write_tflite(tensors, ops, [0], [2]))
    assert graph.tensor("relu_0").origin == long
    assert next(op for op in graph.ops if op.kind == "relu").origin == long


def test_floats_at_the_ends_stay_with_the_host(tmp_path: Path) -> None:
    tensors = [
        toy_tensor("in", (1, 8), type="float32", scale=(), zero_point=()),
        toy_tensor("q", (1, 8)),
        toy_tensor("r", (1, 8)),
        toy_tensor("out", (1, 8), type="float32", scale=(), zero_point=()),
    ]
    ops = [
        ToyOp(kind="QUANTIZE", inputs=(0,), outputs=(1,)),
        ToyOp(kind="RELU", inputs=(1,), outputs=(2,)),
        ToyOp(kind="DEQUANTIZE", inputs=(2,), outputs=(3,)),
    ]
    path = tmp_path / "ends.tflite"
    path.write_bytes(write_tflite(tensors, ops, [0], [3]))
    found = import_model(path)
    assert found.before is None and found.after is None
    assert [tensor.origin for tensor in found.graph.inputs] == ["in"]
    assert [tensor.origin for tensor in found.graph.outputs] == ["out"]
    assert [op.kind for op in found.graph.ops] == ["table"]


def test_every_converter_has_a_random_model() -> None:
    assert set(CONVERTERS) - set(STEPS) == {"DEQUANTIZE"}


@pytest.mark.parametrize("kind", sorted(STEPS))
def test_every_operator_is_imported(kind: str) -> None:
    for seed in range(3):
        model = one_operator(kind, seed)
        graph = imported(model.data)
        shapes = [tensor.shape for tensor in graph.inputs]
        assert shapes == list(model.shapes), f"seed {seed}"


def test_all_unsupported_operators_are_named_at_once() -> None:
    tensors = [toy_tensor(f"t{n}") for n in range(5)]
    names = ("ABS", "RELU", "EXP", "TOPK_V2")
    ops = [ToyOp(kind=kind, inputs=(n,), outputs=(n + 1,)) for n, kind in enumerate(names)]
    with pytest.raises(SpecError) as caught:
        imported(write_tflite(tensors, ops, [0], [4]))
    found = caught.value.diagnostics
    assert [item.path for item in found] == [
        "operator 0 (ABS)",
        "operator 2 (EXP)",
        "operator 3 (TOPK_V2)",
    ]
    assert all(item.help and "not supported" in item.rule for item in found)


def test_files_are_written_as_the_schema_says() -> None:
    """The reader of the package `tflite` sees what was written."""
    from tflite.Model import Model

    model = Model.GetRootAs(conv_file(), 0)
    graph = model.Subgraphs(0)
    assert (model.Version(), graph.TensorsLength(), graph.OperatorsLength()) == (3, 4, 1)
    assert graph.Tensors(1).Name() == b"w" and list(graph.Tensors(1).ShapeAsNumpy()) == [4, 3, 3, 3]

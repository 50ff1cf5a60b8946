"""What the engine runs, and how what it does not run is told."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from tilewright.dataflow.graph import Graph, Op, Tensor
from tilewright.dataflow.importers.imported import Imported
from tilewright.dataflow.operators import KINDS

from tilewright.catalog import load_spec, templates
from tilewright.errors import TilewrightError
from tilewright.flow import estimate, generate, verify
from tilewright.flow.support import ENGINE, ENGINE_KINDS, not_yet, reason
from tilewright.spec import SpecError

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
LIMITS = {"zero_point": 0, "minimum": -128, "maximum": 127}


def quantised(name: str, shape: tuple[int, ...], **changes: Any) -> Tensor:
    fields: dict[str, Any] = {"number_format": "int8", "scale": (1.0,), "zero_point": (0,)}
    return Tensor(name=name, shape=shape, **fields | changes)


def constant(name: str, data: Any, **changes: Any) -> Tensor:
    return Tensor(
        name=name, shape=data.shape, number_format=data.dtype.name, role="constant", data=data,
        **changes,
    )  # fmt: skip


def matmul(**changes: Any) -> tuple[Op, Graph]:
    """A matmul that the engine runs, with tensors or attributes changed."""
    tensors: dict[str, Tensor] = {
        "x": quantised("x", (2, 4), role="input"),
        "w": constant("w", np.ones((4, 3), np.int8), scale=(1.0,), zero_point=(0,)),
        "b": constant("b", np.zeros(3, np.int32)),
        "s": constant("s", np.ones(3, np.float32)),
        "y": quantised("y", (2, 3), role="output"),
    }
    tensors |= changes.get("tensors", {})
    op = Op(
        name="matmul_0", kind="matmul", inputs=changes.get("inputs", ("x", "w", "b", "s")),
        outputs=("y",), attributes=LIMITS, origin="fc",
    )  # fmt: skip
    return op, Graph(name="g", ops=(op,), tensors=tuple(tensors.values()))


def test_an_int8_matrix_product_runs() -> None:
    assert reason(*matmul()) is None


def deeper(tensor: Tensor, **changes: Any) -> Tensor:
    return quantised(tensor.name, (1, *tensor.shape), role=tensor.role, **changes)


UINT8 = {"number_format": "uint8"}
_, _GRAPH = matmul()
LATE: dict[str, tuple[dict[str, Any], str]] = {
    "sums": ({"inputs": ("x", "w", "b")}, "not the sums"),
    "batched": (
        {"tensors": {n: deeper(_GRAPH.tensor(n)) for n in ("x", "y")}},
        "2 axes, not 3",
    ),
    "dynamic": (
        {"tensors": {"w": quantised("w", (4, 3), role="input")}},
        "weights, and only they, are constants",
    ),
    "zero point": (
        {"tensors": {"w": constant("w", np.ones((4, 3), np.int8), scale=(1.0,), zero_point=(2,))}},
        "zero point 0",
    ),
    "uint8": (
        {
            "tensors": {
                "x": quantised("x", (2, 4), role="input", **UINT8),
                "y": quantised("y", (2, 3), role="output", **UINT8),
            }
        },
        "int8, not uint8",
    ),
    "scale": (
        {"tensors": {"s": constant("s", np.array([1, 1e-40, 1], np.float32))}},
        "normal float32",
    ),
}


@pytest.mark.parametrize(("changes", "words"), LATE.values(), ids=LATE)
def test_what_the_engine_does_not_run(changes: dict[str, Any], words: str) -> None:
    assert words in (reason(*matmul(**changes)) or "")


def test_the_engine_and_its_kinds_are_known() -> None:
    assert ENGINE in templates()
    assert set(ENGINE_KINDS) <= set(KINDS)


@pytest.mark.parametrize("verb", ["estimate", "generate", "verify"])
def test_each_op_that_waits_is_named_at_once_and_nothing_is_written(
    verb: str, tmp_path: Path
) -> None:
    spec, out = load_spec(EXAMPLES / "digits_dsres.yaml"), tmp_path / "out"
    call: dict[str, Any] = {
        "estimate": lambda: estimate(spec),
        "generate": lambda: generate(spec, out),
        "verify": lambda: verify(spec, out),
    }
    with pytest.raises(SpecError) as caught:
        call[verb]()
    found = caught.value.diagnostics
    assert [item.rule for item in found] == [
        f"not yet ({kind}): no engine runs this kind"
        for kind in (*["conv"] * 3, "add", *["conv"] * 4, "add", "reduce_mean", "reshape")
    ]
    assert found[0].path.startswith("node node_Conv_110")
    assert [item.help is None for item in found] == [True] * (len(found) - 1) + [False]
    assert all(item.file == str(spec.model_path) for item in found)
    assert list(tmp_path.iterdir()) == []


def test_work_of_the_host_waits_too() -> None:
    _, graph = matmul()
    ends = (
        Tensor(name="f", shape=(2, 3), number_format="float32", role="input"),
        Tensor(name="p", shape=(2, 3), number_format="float32", role="output"),
    )
    softmax = Op(
        name="softmax_0", kind="softmax", inputs=("f",), outputs=("p",), attributes={"axis": 1},
        origin="head",
    )  # fmt: skip
    end = Graph(name="after", ops=(softmax,), tensors=ends)
    imported = Imported(graph=graph, model=end, after=end)
    found = not_yet(imported, EXAMPLES / "digits_mlp.qdq.onnx")
    assert [(item.path, item.rule) for item in found] == [
        ("node head", "not yet (softmax): float work of the host after the integers")
    ]


def float_model() -> Graph:
    """A model whose ends are floats; the rest does not matter here."""
    ends = (
        Tensor(name="f", shape=(2, 3), number_format="float32", role="input"),
        Tensor(name="p", shape=(2, 3), number_format="float32", role="output"),
    )
    op = Op(name="relu_0", kind="relu", inputs=("f",), outputs=("p",))
    return Graph(name="model", ops=(op,), tensors=ends)


def test_integer_ends_wait() -> None:
    """The samples of a run are floats, and so is what onnxruntime is asked."""
    _, graph = matmul()
    found = not_yet(Imported(graph=graph, model=graph), EXAMPLES / "digits_mlp.qdq.onnx")
    assert [item.path for item in found] == ["input x", "output y"]
    assert all(item.rule.startswith("not yet: inputs and outputs") for item in found)


def test_files_that_the_oracle_cannot_read_wait(tmp_path: Path) -> None:
    _, graph = matmul()
    imported = Imported(graph=graph, model=float_model())
    assert not_yet(imported, EXAMPLES / "digits_mlp.qdq.onnx") == []
    found = not_yet(imported, tmp_path / "model.tflite")
    assert len(found) == 1
    assert "does not read TFLite" in found[0].rule
    model = onnx.load(EXAMPLES / "digits_mlp.qdq.onnx")
    model.graph.node[0].domain = "qonnx.custom_op.general"
    model.opset_import.append(onnx.helper.make_opsetid("qonnx.custom_op.general", 1))
    onnx.save(model, tmp_path / "model.onnx")
    found = not_yet(imported, tmp_path / "model.onnx")
    assert "does not run QONNX nodes" in found[0].rule


def test_a_model_that_runs_is_not_refused() -> None:
    try:
        assert estimate(load_spec(EXAMPLES / "digits_mlp.yaml")).ok
    except (SpecError, TilewrightError) as error:
        pytest.fail(str(error))

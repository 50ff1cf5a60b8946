"""`tilewright import`, from the command line to the files."""

import json
import re
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper
from tilewright.dataflow.graph import Graph
from tilewright.dataflow.importers.model import import_model
from tilewright.dataflow.serial import from_json

from tilewright import cli
from tilewright.build.files import verify_directory
from tilewright.spec.diagnostics import columns

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
QUANTISED = EXAMPLES / "digits_cnn.qdq.onnx"


def test_import_prints_the_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for width in (80, 100, 160):
        monkeypatch.setenv("COLUMNS", str(width))
        assert cli.main(["import", str(QUANTISED), "--batch", "3"]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        lines = out.splitlines()
        assert lines[0] == "digits_cnn.qdq.onnx: integer graph, batch 3"
        assert max(map(columns, lines)) <= width
        assert sum(bool(re.match(r"  conv_\d+ ", line)) for line in lines) == 3
        assert "3,072" in lines[2]
        assert lines[-1].endswith("not yet: conv x 3, max_pool x 2, reshape")


def test_import_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["import", str(QUANTISED), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["ok"] is True
    assert data["totals"]["macs"] == 9216 + 294912 + 147456 + 1280
    assert [op["kind"] for op in data["ops"]].count("conv") == 3
    assert data["ops"][0]["origin"].startswith("node_Conv_25")


def test_import_writes_the_graph_both_ways(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "there"
    assert cli.main(["import", str(QUANTISED), "--out", str(out)]) == 0
    assert capsys.readouterr().out.endswith(f"wrote {out / 'graph.json'}\n")
    verify_directory(out)
    again = from_json(Graph, json.loads((out / "graph.json").read_text()))
    assert again == import_model(QUANTISED).graph
    names = sorted(path.name for path in out.iterdir())
    assert names == ["graph.json", "manifest.json"]


def float_ends() -> Any:
    """A quantised Relu between two float ones."""
    scale = [helper.make_tensor("s", TensorProto.FLOAT, [], [0.1]),
             helper.make_tensor("z", TensorProto.INT8, [], [0])]  # fmt: skip
    nodes = [
        helper.make_node("Sigmoid", ["x"], ["a"], name="first"),
        helper.make_node("QuantizeLinear", ["a", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        helper.make_node("LeakyRelu", ["d"], ["r"]),
        helper.make_node("QuantizeLinear", ["r", "s", "z"], ["qr"]),
        helper.make_node("DequantizeLinear", ["qr", "s", "z"], ["dr"]),
        helper.make_node("Softmax", ["dr"], ["y"], name="last", axis=-1),
    ]
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", 4]) for n in "xy"]
    graph = helper.make_graph(nodes, "ends", values[:1], values[1:], scale)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_float_ends_are_shown_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "ends.onnx", tmp_path / "out"
    onnx.save(float_ends(), path)
    assert cli.main(["import", str(path), "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert re.search(r"host before +sigmoid", told), told
    assert re.search(r"host after +.*softmax", told), told
    assert {p.name for p in out.iterdir()} == {
        "graph.json", "before.json", "after.json", "manifest.json",
    }  # fmt: skip


def test_a_missing_package_is_told_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tilewright.build import doctor

    def missing(name: str, purpose: str) -> Any:
        status: Any = "missing" if name == "tflite" else "good"
        return doctor.Finding(name=name, purpose=purpose, status=status, fix="pip install it")

    monkeypatch.setattr(doctor, "check_package", missing)
    assert cli.main(["import", str(QUANTISED)]) == 3
    assert "tflite (missing)\n  help: pip install it" in capsys.readouterr().err


def test_names_from_a_file_cannot_act_on_a_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names of nodes, values and inputs with escape sequences; the names stay what they are."""
    evil = "\x1b[2J\x1b]0;owned\x07\u202e\n"
    model = onnx.load(QUANTISED)
    for node in model.graph.node:
        node.name = evil + node.name
        node.input[:] = [evil + name if name in ("x", "y") else name for name in node.input]
        node.output[:] = [evil + name if name in ("x", "y") else name for name in node.output]
    model.graph.input[0].name, model.graph.output[0].name = evil + "x", evil + "y"
    onnx.save(model, "evil.onnx")
    for arguments in (["import", "evil.onnx"], ["import", "evil.onnx", "--json"]):
        assert cli.main(arguments) == 0
        out = capsys.readouterr().out
        assert out.replace("\n", "").isprintable()
    spec = (EXAMPLES / "digits_cnn.yaml").read_text().replace("digits_cnn.qdq", "evil")
    Path("evil.yaml").write_text(spec.replace("digits_cnn_data", "data"))
    assert cli.main(["estimate", "evil.yaml"]) == 2
    assert capsys.readouterr().err.replace("\n", "").isprintable()

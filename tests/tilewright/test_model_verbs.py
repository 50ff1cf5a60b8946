"""`tilewright import` and `tilewright quantize`, from the command line to the files."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tilewright.dataflow.graph import Graph
from tilewright.dataflow.importers.model import import_model
from tilewright.dataflow.serial import from_json
from tilewright.sim.golden.oracle import oracle_outputs
from tilewright.sim.golden.run import run

from tilewright import cli
from tilewright.build.files import verify_directory
from tilewright.build.quantize import run_model
from tilewright.flow import quantize as quantize_flow
from tilewright.spec.diagnostics import columns

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FLOAT, QUANTISED = EXAMPLES / "digits_cnn.onnx", EXAMPLES / "digits_cnn.qdq.onnx"
DATA = EXAMPLES / "digits_cnn_data.npz"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The float example and its data, in the current folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(FLOAT, tmp_path / "cnn.onnx")
    shutil.copy(DATA, tmp_path / "data.npz")
    return tmp_path


QUANTIZE = ["quantize", "cnn.onnx", "--data", "data.npz", "--array", "x=x_cal"]


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


def test_a_float_model_is_told_how_to_become_integer(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command that the message names works as it stands, once the data is there."""
    assert cli.main(["import", "cnn.onnx", "--out", "out"]) == 2
    err = capsys.readouterr().err
    told = re.search(r"`tilewright (quantize [^`]+)`", err)
    assert told, err
    assert not (folder / "out").exists()
    words = told[1].split()
    np.savez(words[words.index("--data") + 1], x=np.load("data.npz")["x_cal"])
    assert cli.main(words) == 0
    assert cli.main(["import", "cnn.qdq.onnx"]) == 0


@pytest.mark.parametrize("contents", [b"", b"hello", b"\x08\x07" * 50, None])
@pytest.mark.parametrize("name", ["bad.onnx", "bad.tflite", "bad"])
def test_bad_files_are_code_2_and_write_nothing(
    folder: Path, name: str, contents: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    if contents is not None:
        Path(name).write_bytes(contents)
    before = sorted(folder.iterdir())
    for arguments in (["import", name], ["quantize", name, "--data", "data.npz"]):
        assert cli.main([*arguments, "--out", "out"]) == 2, arguments
        out, err = capsys.readouterr()
        assert out == ""
        assert f"{name}: error: " in err
        assert "Traceback" not in err
    assert sorted(folder.iterdir()) == before


def test_quantize_writes_what_import_takes_and_the_oracle_confirms(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*QUANTIZE, "--out", "q.onnx"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "calibrated with  200 samples" in out
    assert "same top-1 in 200 of 200" in out
    assert out.endswith("wrote q.onnx\n")
    images = np.load("data.npz")["x_test"][:50]
    graph = import_model(folder / "q.onnx", batch=50).graph
    entry, result = graph.inputs[0], graph.outputs[0]
    got = run(graph, {entry.name: entry.quantize(images)})[result.name]
    expected = oracle_outputs(folder / "q.onnx", graph, {entry.origin: images})[result.name]
    np.testing.assert_array_equal(got, expected)


def test_a_model_of_indices_is_quantised_from_its_embedding_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(3)
    rows, weights = (rng.normal(0, 1, shape).astype(np.float32) for shape in ((20, 8), (8, 5)))
    nodes = [
        helper.make_node("Gather", ["rows", "i"], ["e"], name="look_up"),
        helper.make_node("MatMul", ["e", "w"], ["y"], name="product"),
    ]
    graph = helper.make_graph(
        nodes, "words",
        [helper.make_tensor_value_info("i", TensorProto.INT64, ["N", 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 6, 5])],
        [numpy_helper.from_array(rows, "rows"), numpy_helper.from_array(weights, "w")],
    )  # fmt: skip
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / "words.onnx")
    indices = rng.integers(0, 20, (30, 6))
    np.savez(tmp_path / "words.npz", i=indices.astype(np.int32))
    data = str(tmp_path / "words.npz")
    assert cli.main(["quantize", str(tmp_path / "words.onnx"), "--data", data]) == 0
    assert "nothing: the inputs are integers" in capsys.readouterr().out
    imported = import_model(tmp_path / "words.qdq.onnx", batch=30).graph
    assert [op.kind for op in imported.ops] == ["gather", "matmul"]
    result = imported.outputs[0]
    got = result.dequantize(run(imported, {imported.inputs[0].name: indices})[result.name])
    made = (tmp_path / "words.qdq.onnx").read_bytes()
    np.testing.assert_array_equal(got, run_model(made, [{"i": indices}])[0]["y"])


def test_quantize_as_json_and_with_fewer_samples(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*QUANTIZE, "--samples", "7", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["ok"], data["samples"], data["path"]) == (True, 7, "cnn.qdq.onnx")
    assert data["bytes"] == Path("cnn.qdq.onnx").stat().st_size
    output = data["outputs"][0]
    assert output["name"] == "y"
    assert 0.99 < output["cosine"] <= 1
    assert 0 <= output["top1"] <= 1
    assert data["imported"]["totals"]["ops"] == 7


def test_the_agreement_is_measured(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Calibrated on dark images alone, the integers saturate: the figures must tell."""
    images = np.load("data.npz")["x_cal"]
    np.savez("dark.npz", x=images * np.float32(0.02))
    assert cli.main(["quantize", "cnn.onnx", "--data", "dark.npz", "--json"]) == 0
    capsys.readouterr()
    poor = Path("cnn.qdq.onnx").read_bytes()
    calibration = quantize_flow.read_calibration(
        Path("data.npz"), quantize_flow.model_inputs(onnx.load("cnn.onnx")),
        arrays={"x": "x_cal"}, samples=None,
    )  # fmt: skip
    measured = quantize_flow.compare(Path("cnn.onnx").read_bytes(), poor, calibration)[0]
    assert measured.cosine < 0.95
    assert measured.top1 is not None
    assert measured.top1 < 0.9
    same = quantize_flow.compare(poor, poor, calibration)[0]
    assert (same.cosine, same.top1, same.worst) == (pytest.approx(1), 1.0, 0.0)


def test_out_may_be_a_folder_and_never_an_input(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*QUANTIZE, "--out", "results/deep"]) == 0
    assert Path("results/deep/cnn.qdq.onnx").is_file()
    before = Path("cnn.onnx").read_bytes()
    for out in ("cnn.onnx", "./results/../cnn.onnx", "notes.txt", "data.npz"):
        assert cli.main([*QUANTIZE, "--out", out]) == 2, out
        assert "choose another" in (err := capsys.readouterr().err) or "ONNX" in err
    assert Path("cnn.onnx").read_bytes() == before
    assert not Path("notes.txt").exists()


def test_a_place_that_cannot_be_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("x")
    assert cli.main([*QUANTIZE, "--out", "file/q.onnx"]) == 1
    assert "cannot write" in capsys.readouterr().err


def test_a_quantised_model_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["quantize", str(QUANTISED), "--data", "data.npz", "--out", "out.onnx"]
    assert cli.main(arguments) == 2
    err = capsys.readouterr().err
    assert "is quantised already: node " in err
    assert f"tilewright import {QUANTISED}" in err
    assert not Path("out.onnx").exists()


def test_wrong_data_is_told_all_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["quantize", "cnn.onnx", "--data", "data.npz", "--array", "z=x_cal"]) == 2
    err = capsys.readouterr().err
    assert "data.npz: error: --array z=: the model has no such input" in err
    assert "data.npz: error: array x: is not in the file" in err
    assert not Path("cnn.qdq.onnx").exists()


def test_operators_that_no_importer_takes_are_told_before_anything_runs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = onnx.load("cnn.onnx")
    for node in model.graph.node:
        if node.op_type == "Relu":
            node.op_type = "Celu"
    onnx.save(model, "cnn.onnx")
    assert cli.main(["-v", *QUANTIZE]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "read the model"
    told = [line for line in lines[1:] if line.startswith("cnn.onnx: error: node node_relu")]
    assert len(told) == 3
    assert not any(line.startswith("calibrate") for line in lines)
    assert not Path("cnn.qdq.onnx").exists()


@pytest.mark.parametrize("pad", [10_000, 30_000, 2**40])
def test_a_model_too_large_to_calibrate_is_refused_at_once(
    folder: Path, capsys: pytest.CaptureFixture[str], pad: int
) -> None:
    """Its tensors would take gigabytes: nothing of that size is ever made."""
    model = onnx.load("cnn.onnx")
    pads = next(item for item in model.graph.node[0].attribute if item.name == "pads")
    pads.ints[:] = [pad] * 4
    del model.graph.node[1:]
    model.graph.node[0].output[0] = "y"
    del model.graph.value_info[:]
    del model.graph.output[0].type.tensor_type.shape.dim[:]
    model.graph.output[0].type.tensor_type.ClearField("shape")
    onnx.save(model, "cnn.onnx")
    assert cli.main(QUANTIZE) == 2
    err = capsys.readouterr().err
    assert "cnn.onnx: error: " in err
    assert "elements" in err or "at most" in err


def test_runs_have_fewer_samples_where_tensors_are_large(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantize_flow, "MAX_RUN_ELEMENTS", 4 * 2048)
    assert cli.main(["-v", *QUANTIZE]) == 0
    assert "calibrate: run 50 of 50" in capsys.readouterr().err  # 32 x 8 x 8 results, 4 at a time


def test_progress_is_told_where_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-v", *QUANTIZE]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["read the model", "fold constants"]
    assert lines[-3:] == ["calibrate: run 7 of 7", "compare with the float model", "import"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["import"],
        ["import", "m.onnx", "--batch", "0"],
        ["quantize", "m.onnx"],
        ["quantize", "m.onnx", "--data", "d.npz", "--array", "x"],
        ["quantize", "m.onnx", "--data", "d.npz", "--samples", "0"],
    ],
)
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert "usage: tilewright" in capsys.readouterr().err


def test_a_name_for_an_input_may_hold_an_equals_sign() -> None:
    from tilewright.commands.parser import build_parser

    options = build_parser().parse_args(
        ["quantize", "m.onnx", "--data", "d", "--array", "a=b=c", "--array", "x=y"]
    )
    assert options.array == [("a=b", "c"), ("x", "y")]


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


@pytest.mark.slow
def test_an_interrupted_quantisation_leaves_nothing(folder: Path) -> None:
    import signal

    done = subprocess.Popen(
        [sys.executable, "-m", "tilewright", "-v", *QUANTIZE],
        stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(folder)},
    )  # fmt: skip
    assert done.stderr is not None
    for line in done.stderr:
        if line.startswith("calibrate"):
            done.send_signal(signal.SIGINT)
            break
    done.communicate(timeout=60)
    assert done.returncode in (0, 130)
    ours = {"cnn.onnx", "data.npz", ".ses"}  # the last is onnxruntime's own, at every start
    left = {path.name for path in folder.iterdir()} - ours
    assert left <= ({"cnn.qdq.onnx"} if done.returncode == 0 else set())

"""`tilewright quantize`, from the command line to the files."""

import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tilewright.dataflow.importers.model import import_model
from tilewright.sim.golden.oracle import oracle_outputs
from tilewright.sim.golden.run import run

from tilewright import cli
from tilewright.build.quantize import run_model
from tilewright.flow import quantize as quantize_flow

QUANTIZE = ["quantize", "cnn.onnx", "--data", "data.npz", "--array", "x=x_cal"]


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


def test_a_name_for_an_input_may_hold_an_equals_sign() -> None:
    from tilewright.commands.parser import build_parser

    options = build_parser().parse_args(
        ["quantize", "m.onnx", "--data", "d", "--array", "a=b=c", "--array", "x=y"]
    )
    assert options.array == [("a=b", "c"), ("x", "y")]

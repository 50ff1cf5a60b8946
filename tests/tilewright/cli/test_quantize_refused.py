"""What `tilewright quantize` and `tilewright import` refuse, and that nothing is left then."""

import os
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from tilewright import cli

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
QUANTISED = EXAMPLES / "digits_cnn.qdq.onnx"
QUANTIZE = ["quantize", "cnn.onnx", "--data", "data.npz", "--array", "x=x_cal"]


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

"""Quantisation by onnxruntime: what comes out, that it repeats, and what a bad model becomes."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tilewright.build.quantize import QuantisationError, quantized_bytes, run_model

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
MODEL = EXAMPLES / "digits_cnn.onnx"


def calibration_images() -> Any:
    with np.load(EXAMPLES / "digits_cnn_data.npz") as data:
        return data["x_cal"]


def told(lines: list[str]) -> Any:
    return lines.append


def constants(model: onnx.ModelProto) -> dict[str, Any]:
    return {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}


def test_the_example_is_what_its_float_model_becomes() -> None:
    """Made by another version and with one run of 200: same nodes, same constants to the last."""
    images = calibration_images()
    feeds = [{"x": part} for part in np.split(images, 8)]
    made = onnx.load_from_string(quantized_bytes(onnx.load(MODEL), feeds, lambda _line: None))
    expected = onnx.load(EXAMPLES / "digits_cnn.qdq.onnx")
    assert [n.op_type for n in made.graph.node] == [n.op_type for n in expected.graph.node]
    ours, theirs = constants(made), constants(expected)
    assert set(ours) == set(theirs)
    for name, values in theirs.items():
        np.testing.assert_array_equal(ours[name], values, err_msg=name)
        assert ours[name].dtype == values.dtype


def test_weights_have_a_scale_per_channel_and_everything_is_signed() -> None:
    feeds = [{"x": calibration_images()[:4]}]
    made = onnx.load_from_string(quantized_bytes(onnx.load(MODEL), feeds, lambda _line: None))
    found = constants(made)
    assert found["f.3.weight_scale"].shape == (32,)
    zero_points = {v.dtype.name for name, v in found.items() if name.endswith("zero_point")}
    assert zero_points == {"int8", "int32"}  # int32: biases
    onnx.checker.check_model(made)


def test_same_model_and_data_same_bytes_in_any_process() -> None:
    text = (
        "import hashlib, numpy, onnx; from tilewright.build.quantize import quantized_bytes\n"
        f"x = numpy.load({str(EXAMPLES / 'digits_cnn_data.npz')!r})['x_cal'][:8]\n"
        f"m = onnx.load({str(MODEL)!r})\n"
        "b = quantized_bytes(m, [{'x': x}], lambda line: None)\n"
        "print(hashlib.sha256(b).hexdigest())"
    )
    found = set()
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", text], env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        found.add(done.stdout.strip())
    made = quantized_bytes(onnx.load(MODEL), [{"x": calibration_images()[:8]}], lambda _line: None)
    assert found == {hashlib.sha256(made).hexdigest()}


def test_ranges_are_those_of_all_feeds() -> None:
    """A feed in the middle has the largest value of all: the input's scale must know it."""
    images = calibration_images()[:6].copy()
    images[3, 0, 4, 4] = 5.0
    feeds = [{"x": image[np.newaxis]} for image in images]
    made = onnx.load_from_string(quantized_bytes(onnx.load(MODEL), feeds, lambda _line: None))
    assert float(constants(made)["x_scale"]) == pytest.approx(5 / 255)


def test_progress_and_silence(capfd: pytest.CaptureFixture[str]) -> None:
    lines: list[str] = []
    feeds = [{"x": image[np.newaxis]} for image in calibration_images()[:30]]
    quantized_bytes(onnx.load(MODEL), feeds, told(lines))
    assert lines[0] == "fold constants"
    assert lines[1:] == [f"calibrate: run {n} of 30" for n in range(3, 31, 3)]
    assert capfd.readouterr() == ("", "")


def test_outputs_by_name_with_integer_kernels() -> None:
    images = calibration_images()[:3]
    runs = run_model(MODEL.read_bytes(), [{"x": images[:1]}, {"x": images[1:]}])
    assert [run["y"].shape for run in runs] == [(1, 10), (2, 10)]


def broken(node: Any) -> onnx.ModelProto:
    graph = helper.make_graph(
        [node],
        "broken",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.array([7, 7], np.int64), "shape")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(
    "node",
    [
        helper.make_node("Reshape", ["x", "shape"], ["y"], name="bad"),
        helper.make_node("Unheard", ["x"], ["y"], name="bad"),
        helper.make_node("Relu", ["x"], ["y"], name="bad", domain="somebody.else"),
    ],
    ids=lambda node: node.op_type,
)
def test_what_onnxruntime_refuses_is_told_in_its_words(
    node: Any, capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with pytest.raises(QuantisationError, match="onnxruntime cannot quantise the model") as caught:
        quantized_bytes(broken(node), [{"x": np.ones((2, 4), np.float32)}], lambda _line: None)
    assert caught.value.exit_code == 2
    assert "\n" not in caught.value.message
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []

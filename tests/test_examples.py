"""The examples: what they hold, that they do as they say, and the script that trains them."""

import hashlib
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from tilewright.dataflow.importers.model import import_model
from tilewright.sim.golden.oracle import oracle_outputs
from tilewright.sim.golden.run import run

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
RIGHT = {"digits_linear": 508, "digits_mlp": 527, "digits_cnn": 539, "digits_dsres": 536}
"""Of 540 test images, in onnxruntime as in the golden model."""
DATA_OF = {
    "digits_linear": "digits_mlp", "digits_mlp": "digits_mlp", "digits_cnn": "digits_cnn",
    "digits_dsres": "digits_cnn",
}  # fmt: skip
LEAST = {"digits_linear": 0.93, "digits_mlp": 0.965, "digits_cnn": 0.98, "digits_dsres": 0.98}
"""Of the networks when they are trained again."""


@pytest.mark.parametrize("name", RIGHT)
def test_integers_of_all_test_images_are_those_of_onnxruntime(name: str) -> None:
    path = EXAMPLES / f"{name}.qdq.onnx"
    with np.load(EXAMPLES / f"{DATA_OF[name]}_data.npz") as data:
        images, labels = data["x_test"], data["y_test"]
    graph = import_model(path, batch=len(images)).graph
    entry, result = graph.inputs[0], graph.outputs[0]
    got = run(graph, {entry.name: entry.quantize(images)}, keep=[result.name])[result.name]
    expected = oracle_outputs(path, graph, {entry.origin: images})[result.name]
    np.testing.assert_array_equal(got, expected)
    assert int((got.argmax(axis=1) == labels).sum()) == RIGHT[name]


def test_the_images_are_the_same() -> None:
    with (
        np.load(EXAMPLES / "digits_mlp_data.npz") as flat,
        np.load(EXAMPLES / "digits_cnn_data.npz") as square,
    ):
        assert sorted(flat) == sorted(square) == ["x_cal", "x_test", "y_test"]
        for name in flat:
            assert hashlib.sha256(flat[name].tobytes()).digest() == (
                hashlib.sha256(square[name].tobytes()).digest()
            ), name
        assert square["x_test"].shape == (540, 1, 8, 8)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.onnx")), ids=lambda p: p.name)
def test_models_name_no_machine(path: Path) -> None:
    assert not re.search(rb"\.py\b|site-packages|/home/|/tmp/", path.read_bytes())
    assert not any(node.metadata_props for node in onnx.load(path).graph.node)


def test_every_file_is_attributed() -> None:
    text = (EXAMPLES / "ATTRIBUTION.md").read_text()
    for path in (*EXAMPLES.glob("*.onnx"), *EXAMPLES.glob("*.npz"), *EXAMPLES.glob("*.py")):
        assert f"`{path.name}`" in text, path.name


def run_training(out: Path, epochs: int | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / "train_digits.py"), "--out", str(out)]
    command += [] if epochs is None else ["--epochs", str(epochs)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)


has_torch = all(importlib.util.find_spec(name) for name in ("torch", "sklearn"))
needs_torch = pytest.mark.skipif(
    not has_torch, reason="needs torch and scikit-learn: the extra `train`"
)


@needs_torch
@pytest.mark.slow
def test_the_networks_can_be_trained_again(tmp_path: Path) -> None:
    done = run_training(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.findall(r"^(digits_\w+) +(0\.\d+) +(0\.\d+)", done.stdout, re.MULTILINE)
    assert [name for name, *_ in found] == list(RIGHT)
    for name, exact, integer in found:
        assert abs(float(exact) - float(integer)) < 0.01
        assert float(integer) > LEAST[name]
    with (
        np.load(tmp_path / "digits_cnn_data.npz") as made,
        np.load(EXAMPLES / "digits_cnn_data.npz") as shipped,
    ):
        assert all(np.array_equal(made[key], shipped[key]) for key in shipped)


@needs_torch
@pytest.mark.slow
def test_training_repeats_and_a_poor_network_is_told(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        done = run_training(folder, epochs=1)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "too few digits are read right" in done.stdout
    for path in sorted(folders[0].glob("*.onnx")):
        assert path.read_bytes() == (folders[1] / path.name).read_bytes(), path.name

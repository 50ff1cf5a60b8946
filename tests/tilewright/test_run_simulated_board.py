"""A whole board's Verilog, driven as users drive it: by the verb, over a serial line."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from tilewright.cli import main

pytestmark = [
    pytest.mark.slow,  # Verilator compiles a board: a minute
    pytest.mark.skipif(sys.platform != "linux", reason="needs a pseudo terminal"),
]
EXAMPLES = Path(__file__).parents[2] / "examples"
SAMPLES = 3
OUTPUT_STEP = 0.0466903  # the model's scale of y


def test_a_simulated_board_computes_what_the_model_says(tmp_path, capsys):
    """Exactly the golden model's, and within a step of onnxruntime's: the spec rounds with
    multipliers of 8 bits."""
    x = np.load(EXAMPLES / "digits_mlp_data.npz")["x_test"][:SAMPLES]
    np.save(tmp_path / "x.npy", x)
    spec, out = EXAMPLES / "boards" / "digits_icebreaker.yaml", tmp_path / "out"
    code = main(
        ["run", str(spec), "--simulate", "--input", str(tmp_path / "x.npy"), "--out", str(out)]
    )
    printed = capsys.readouterr().out
    assert code == 0, printed
    assert "whole board simulated" in printed and printed.rstrip().endswith("PASSED")
    report = json.loads((out / "report.json").read_text())
    assert report["golden_mismatches"] == 0 and report["difference"] == 0
    assert report["cycles"] == [report["estimated_cycles"]] * SAMPLES
    assert report["link"]["requests"] > SAMPLES
    model = onnxruntime.InferenceSession(str(EXAMPLES / "digits_linear.qdq.onnx"))
    (expected,) = model.run(None, {model.get_inputs()[0].name: x})
    with np.load(out / "outputs.npz") as found:
        steps = np.abs(found["y"] - expected) / OUTPUT_STEP
    assert steps.max() < 1.01 and np.mean(steps < 0.01) > 0.5

"""A public QONNX model against qonnx's own executor."""

import hashlib
import importlib.util
import time
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from tilewright.dataflow.importers.model import import_model
from tilewright.sim.golden.model_run import run_model
from tilewright.sim.golden.oracle_qonnx import QonnxOracle, quantised_pairs

from .form import Row

CASE = "TFC_2W2A"
SHA256 = "db8de1cba8f808b23a4993ceb770910d99cc217186c663a36771b55cfcf69a8c"
ORIGIN = "fastmachinelearning/qonnx_model_zoo (models/MNIST/Brevitas_FINN_TFC/TFC/TFC_2W2A.onnx)"
SEED = 1
SHAPE = (1, 1, 28, 28)


def rows(data: Path, samples: int = 200) -> list[Row]:
    """One row: outputs, and all inner integers, of `samples` inputs; or why it is skipped."""
    path = data / "models" / "qonnx" / f"{CASE}.onnx"
    if not path.is_file():
        return [
            {
                "case": CASE,
                "checked": 0,
                "mismatches": 0,
                "skipped": f"no {path}: it is of {ORIGIN}, sha256 {SHA256}",
            }
        ]
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        return [
            {
                "case": CASE,
                "checked": 0,
                "mismatches": 0,
                "skipped": f"{path} is not the file of {ORIGIN}, sha256 {SHA256}",
            }
        ]
    if importlib.util.find_spec("qonnx") is None:
        return [
            {
                "case": CASE,
                "checked": 0,
                "mismatches": 0,
                "skipped": "qonnx is not installed (pip install qonnx)",
            }
        ]
    begun = time.perf_counter()
    model = onnx.load_model_from_string(content)
    imported, oracle = import_model(path), QonnxOracle(model)
    (name,) = (tensor.name for tensor in imported.model.inputs)
    checked = mismatches = inner = 0
    notes: list[str] = []
    for number, image in enumerate(inputs(samples)):
        ours, theirs = run_model(imported, {name: image}), oracle.run({name: image})
        pairs = quantised_pairs(imported, ours.integers, theirs)
        inner = len(pairs)
        pairs |= {key: (value, theirs[key]) for key, value in ours.outputs.items()}
        for key, (got, expected) in pairs.items():
            differ = np.argwhere(got != expected)
            checked, mismatches = checked + got.size, mismatches + len(differ)
            if len(differ):
                notes.append(f"input {number}, {key}: {len(differ)} differ, first {differ[0]}")
    return [
        {
            "case": CASE,
            "checked": checked,
            "mismatches": mismatches,
            "seconds": round(time.perf_counter() - begun, 1),
            "samples": samples,
            "examples": notes,
            "notes": [f"sha256 {SHA256[:16]}, {ORIGIN}", f"{inner} inner tensors compared"],
        }
    ]


def inputs(samples: int) -> list[NDArray[np.float32]]:
    """Ties, ends, constants and spikes; then random images of several kinds, from SEED.

    The model computes `round(2 x - 1)` of its pixels first: 0.25 and 0.75 are ties.
    """
    rng = np.random.default_rng(SEED)
    edges = [0.0, -0.0, 0.25, 0.5, 0.75, 1.0, -1.0, 2.0, 1e30, -1e30, 1e-45]
    edges += [float(np.nextafter(np.float32(tie), np.float32(to))) for tie in (0.25, 0.75)
              for to in (0, 1)]  # fmt: skip
    images = [np.full(SHAPE, edge, np.float32) for edge in edges]
    while len(images) < samples:
        kind = len(images) % 4
        image = rng.random(SHAPE, np.float32)
        if kind == 1:
            image = rng.choice(np.array(edges[:6], np.float32), SHAPE)
        elif kind == 2:
            image = (image > rng.random()).astype(np.float32)
        elif kind == 3:
            image = (rng.normal(size=SHAPE) * 10 ** rng.uniform(-2, 2)).astype(np.float32)
        images.append(image)
    return images[:samples]

"""Whole models against onnxruntime: this project's examples, and MLPerf Tiny's."""

import hashlib
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tilewright.dataflow.importers.imported import Imported
from tilewright.dataflow.importers.model import import_model
from tilewright.sim.golden.comparison import Comparison
from tilewright.sim.golden.model_run import graph_inputs
from tilewright.sim.golden.run import run

from .form import Row

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
ACCURACY = {"digits_mlp": 0.9759, "digits_cnn": 0.9981, "digits_dsres": 0.9926}
"""Of 540 test images, as onnxruntime's integer kernels have it."""
IMAGES = {"digits_mlp": "digits_mlp", "digits_cnn": "digits_cnn", "digits_dsres": "digits_cnn"}
PUBLIC = {
    "ic_resnet8": "b89bed41a8d954b831701175c4c4b478921cb39147674cbf8419808f62deacb7",
    "kws_dscnn": "90ff4364c2fbca1cdf3f62266a5997be63b5431d7a041a8ed95e43785e0a80ef",
}
"""sha256 of the files."""
ORIGIN = "MLPerf Tiny, results v1.3 of mlcommons (QDQ form of the reference model)"
GOLDEN_SECONDS = 1.0  # per image of ic_resnet8
CHUNK = 20  # images of one golden run
SEED = 1


def example_rows(samples: int) -> list[Row]:
    """digits_mlp, digits_cnn, digits_dsres on the test images."""
    return [_example(name, samples) for name in ACCURACY]


def _example(name: str, samples: int) -> Row:
    path, data = EXAMPLES / f"{name}.qdq.onnx", np.load(EXAMPLES / f"{IMAGES[name]}_data.npz")
    images, labels = data["x_test"][:samples], data["y_test"][:samples]
    comparison = Comparison(path.read_bytes(), import_model(path))
    (given,) = comparison.observer.oracle.session.get_inputs()
    right = {"ours": 0, "onnxruntime": 0}
    for start in range(0, len(images), CHUNK):
        ours, theirs = comparison.run({given.name: images[start : start + CHUNK]})
        wanted = labels[start : start + CHUNK]
        for who, outputs in (("ours", ours.outputs), ("onnxruntime", theirs)):
            right[who] += int((outputs["y"].argmax(axis=1) == wanted).sum())
    row = counted(name, comparison, len(images))
    row["accuracy"] = round(right["ours"] / len(images), 4)
    row["accuracy_onnxruntime"] = round(right["onnxruntime"] / len(images), 4)
    if len(images) == len(data["y_test"]):
        row["accuracy_goal"] = ACCURACY[name]
    return row


def counted(case: str, comparison: Comparison, samples: int) -> Row:
    """The row of a comparison."""
    outputs, inner = comparison.outputs, comparison.inner
    return {
        "case": case,
        "samples": samples,
        "checked": outputs.checked + inner.checked,
        "mismatches": outputs.mismatches + inner.mismatches,
        "output_values": outputs.checked,
        "inner_tensors": len(inner.tensors),
        "inner_values": inner.checked,
        "left_out": list(comparison.left_out),
        "float_kernels": dict(comparison.float_kernels),
        "examples": outputs.examples + inner.examples,
    }


def public_rows(names: tuple[str, ...], data: Path, samples: int) -> list[Row]:
    """MLPerf Tiny's networks on random and edge inputs; those that are not there are skipped."""
    return [_public(name, data / f"models/mlperf_tiny/{name}.qdq.onnx", samples) for name in names]


def _public(name: str, path: Path, samples: int) -> Row:
    if not path.is_file():
        reason = f"no {path} ({ORIGIN}; sha256 {PUBLIC[name]}); --data names its folder"
        return {"case": name, "checked": 0, "mismatches": 0, "skipped": reason}
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != PUBLIC[name]:
        reason = f"{path} is another file: sha256 {found}, not {PUBLIC[name]}"
        return {"case": name, "checked": 0, "mismatches": 0, "skipped": reason}
    imported = import_model(path)
    comparison = Comparison(path.read_bytes(), imported)
    (given,) = comparison.observer.oracle.session.get_inputs()
    images = inputs_of(tuple(given.shape), _reach(imported), samples)
    for start in range(0, samples, CHUNK):
        comparison.run({given.name: images[start : start + CHUNK]}, one_by_one=True)
    row = counted(name, comparison, samples)
    row["float_ends_largest"] = float(f"{comparison.floats.largest:.3g}")
    row["notes"] = [
        f"floats behind the integers, on the host: {comparison.floats.largest:.2g} apart at most"
    ]
    row["seconds_per_image"] = round(golden_seconds(imported, {given.name: images[:1]}), 4)
    if name == "ic_resnet8":
        row["seconds_limit"] = GOLDEN_SECONDS
    return row


def _reach(imported: Imported) -> tuple[float, float]:
    """The floats that the input's integers can stand for."""
    (tensor,) = imported.graph.inputs
    low, high = (-128, 127) if tensor.number_format == "int8" else (0, 255)
    ends = tensor.dequantize(np.array([low, high]))
    return float(ends[0]), float(ends[1])


def inputs_of(
    shape: tuple[int, ...], reach: tuple[float, float], samples: int
) -> NDArray[np.float32]:
    """`samples` inputs: the edges (all least, all most, beyond both, zero, checkers), then random
    ones that fill the range, or some of it, or pass it."""
    low, high = reach
    rng = np.random.default_rng(SEED)
    extents = (1, *shape[1:])
    checkers = np.indices(extents).sum(axis=0) % 2
    edges: list[NDArray[Any]] = [
        np.full(extents, value) for value in (low, high, 0.0, 1e6 * low - 1e6, 1e6 * high + 1e6)
    ]
    edges += [np.where(checkers, low, high), np.where(checkers, high, low)]
    more: list[NDArray[Any]] = []
    while len(edges) + len(more) < samples:
        width = rng.choice((1.0, 1.0, 0.3, 0.05, 1.5))
        middle = rng.uniform(low, high) if width < 1 else (low + high) / 2
        more.append(rng.uniform(-0.5, 0.5, extents) * width * (high - low) + middle)
    return np.concatenate([*edges, *more])[:samples].astype(np.float32)


def golden_seconds(imported: Imported, inputs: dict[str, NDArray[Any]], runs: int = 5) -> float:
    """Processor seconds of one golden run, the median."""
    given = graph_inputs(imported, inputs)
    seconds = []
    for _ in range(runs):
        start = time.process_time()
        run(imported.graph, given)
        seconds.append(time.process_time() - start)
    return sorted(seconds)[runs // 2]

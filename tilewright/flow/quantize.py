"""From a float ONNX model to an int8 one that the importers take, and how well the two agree."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray

from tilewright.build.files import write_file
from tilewright.build.quantize import QuantisationError, quantized_bytes, run_model
from tilewright.commands.contract import Progress, no_progress
from tilewright.dataflow.importers.model import import_bytes
from tilewright.dataflow.importers.onnx_file import node_path, read_model
from tilewright.dataflow.importers.onnx_model import model_graph
from tilewright.errors import UsageError
from tilewright.spec.diagnostics import Diagnostic, SpecError

from .calibration import MAX_BATCH, Calibration, model_inputs, read_calibration
from .import_table import ImportTable
from .text_table import DEFAULT_COLUMNS, label_rows, shorten

SUFFIX: Final = ".qdq.onnx"
QUANTISED_OPS: Final = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "Quant")
QUANTISED_PREFIXES: Final = ("QLinear", "QGemm", "QAttention", "ConvInteger", "MatMulInteger")
SHOWN_NODES: Final = 3
MAX_ELEMENTS: Final = 2**28
"""Of one tensor: 1 GiB of floats."""
MAX_RUN_ELEMENTS: Final = 2**26
"""Of the largest tensor in one run of calibration, where a run may have fewer samples."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How near the quantised model's output `name` is to the float model's, over all samples.

    `cosine`: of all values as one vector. `top1`: share of samples whose largest value has the same
    place; None where an output is no list of scores. `worst`: the largest difference.
    """

    name: str
    cosine: float
    top1: float | None
    worst: float

    def words(self, samples: int) -> list[str]:
        """For people."""
        words = [f"cosine {self.cosine:.6f}"]
        if self.top1 is not None:
            same = round(self.top1 * samples)
            words.append(f"same top-1 in {same} of {samples} ({100 * self.top1:.1f} %)")
        return [*words, f"largest difference {self.worst:.3g}"]


@dataclass(frozen=True, kw_only=True)
class QuantizeResult:
    """The file that was written, what it holds, and how far it is from the float model."""

    model: Path
    path: Path
    bytes: int
    samples: int
    agreements: Sequence[Agreement]
    imported: ImportTable

    ok: bool = True

    def table(self, width: int = DEFAULT_COLUMNS) -> str:
        """For people: no line is wider than `width`, but for paths."""
        totals = self.imported.totals()
        rows = [
            ("calibrated with", [f"{self.samples:,} samples"]),
            *((f"output {a.name}", a.words(self.samples)) for a in self.agreements),
            ("integer graph", [f"{totals['ops']:,} ops", f"{totals['macs']:,} MACs"]),
            ("weights", [f"{totals['weight_bytes']:,} bytes with biases and scales"]),
        ]
        rows += self.imported.summary()
        title = f"{self.path.name}: int8, a scale for each channel of the weights"
        return "\n".join([shorten(title, width), *label_rows(rows, width), f"wrote {self.path}"])

    def to_json(self) -> dict[str, Any]:
        """The same and more, for programs."""
        return {
            "model": str(self.model),
            "path": str(self.path),
            "bytes": self.bytes,
            "samples": self.samples,
            "outputs": [dict(vars(agreement)) for agreement in self.agreements],
            "imported": self.imported.to_json(),
        }


def quantize_model(
    model: Path | str,
    data: Path | str,
    out: Path | str | None = None,
    *,
    samples: int | None = None,
    arrays: Mapping[str, str] | None = None,
    progress: Progress = no_progress,
) -> QuantizeResult:
    """Quantise the float model in the file `model` and write the result.

    Args:
        model: an ONNX file.
        data: an `.npz` file with arrays `[samples][...]`.
        out: the file to write, or the folder for it; by default `NAME.qdq.onnx` beside the model.
        samples: how many samples to calibrate with, from the front; all by default.
        arrays: the array for an input, by the input's name, where the names differ.

    Raises:
        SpecError: if the model or the data is wrong; nothing is written then.
        OutputError: if the file cannot be written.
    """
    model, data = Path(model), Path(data)
    path = output_path(model, None if out is None else Path(out), (model, data))
    progress("read the model")
    proto = read_float_model(model)
    largest = largest_tensor(proto, model)
    calibration = read_calibration(
        data,
        model_inputs(proto),
        arrays=arrays or {},
        samples=samples,
        max_batch=max(1, min(MAX_BATCH, MAX_RUN_ELEMENTS // largest)),
    )
    try:
        quantised = quantized_bytes(proto, calibration.feeds, progress)
        progress("compare with the float model")
        agreements = compare(proto.SerializeToString(), quantised, calibration)
    except QuantisationError as error:
        help_text = "onnxruntime must be able to run the float model on these samples"
        raise SpecError([Diagnostic.plain(str(model), "", error.message, help_text)]) from error
    progress("import")
    table = _import(quantised, path, model)
    write_file(path, quantised)
    return QuantizeResult(
        model=model,
        path=path,
        bytes=len(quantised),
        samples=calibration.count,
        agreements=agreements,
        imported=table,
    )


def output_path(model: Path, out: Path | None, inputs: Sequence[Path]) -> Path:
    """Where the result goes; never over one of `inputs`.

    Raises:
        UsageError: if the name does not end in `.onnx`, or is that of an input.
    """
    path = model.with_name(model.stem + SUFFIX) if out is None else out
    if out is not None and (out.is_dir() or not out.suffix):
        path = out / (model.stem + SUFFIX)
    if path.suffix != ".onnx":
        raise UsageError(f"{path}: the result is an ONNX file", help="--out NAME.qdq.onnx")
    if any(path.resolve() == taken.resolve() for taken in inputs):
        raise UsageError(f"{path}: would be written over", help="choose another name with --out")
    return path


def read_float_model(path: Path) -> onnx.ModelProto:
    """The model in the file `path`, which must be ONNX and not quantised yet.

    Raises:
        SpecError: with what is wrong.
    """
    if path.suffix == ".tflite":
        rule = "is a TFLite file; only float ONNX models are quantised here"
        help_text = "quantise it with LiteRT's converter (int8), then `tilewright import`"
        raise SpecError([Diagnostic.plain(str(path), "", rule, help=help_text)])
    model = read_model(path)
    found = quantised_nodes(model)
    if found:
        shown = ", ".join(node_path(node) for node in found[:SHOWN_NODES])
        more = f" and {len(found) - SHOWN_NODES} more" if len(found) > SHOWN_NODES else ""
        rule = f"is quantised already: {shown}{more}"
        help_text = f"tilewright import {shlex.quote(str(path))}"
        raise SpecError([Diagnostic.plain(str(path), "", rule, help=help_text)])
    return model


def largest_tensor(model: onnx.ModelProto, path: Path) -> int:
    """Elements of the model's largest activation, for one sample.

    Raises:
        SpecError: with every node that the importer would refuse, so that nothing is calibrated in
            vain, or if a tensor is too large.
    """
    graph = model_graph(model, path, None)
    activations = [tensor for tensor in graph.tensors if tensor.role != "constant"]
    largest = max(activations, key=lambda tensor: math.prod(tensor.shape))
    elements = math.prod(largest.shape)
    if elements > MAX_ELEMENTS:
        rule = f"a tensor of more than {MAX_ELEMENTS} elements is not calibrated"
        place = f"tensor {largest.origin or largest.name}"
        raise SpecError([Diagnostic.plain(str(path), place, rule, value=str(elements))])
    return elements


def quantised_nodes(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """Nodes that only a quantised model has."""
    return [
        node
        for node in model.graph.node
        if node.op_type in QUANTISED_OPS or node.op_type.startswith(QUANTISED_PREFIXES)
    ]


def compare(model: bytes, quantised: bytes, calibration: Calibration) -> list[Agreement]:
    """Both models on the calibration samples, the quantised one with integer kernels."""
    runs = [_joined(run_model(m, calibration.feeds), calibration.count) for m in (model, quantised)]
    return [_agreement(name, values, runs[1][name]) for name, values in runs[0].items()]


def _joined(
    runs: Sequence[Mapping[str, NDArray[Any]]], count: int
) -> dict[str, NDArray[np.float64]]:
    """Outputs over all samples; copies that filled up the last run are left out."""
    joined = {}
    for name in runs[0]:
        parts = [np.atleast_1d(np.asarray(run[name], np.float64)) for run in runs]
        joined[name] = np.concatenate(parts)[:count]
    return joined


def _agreement(name: str, floats: NDArray[np.float64], quantised: NDArray[np.float64]) -> Agreement:
    norms = float(np.linalg.norm(floats) * np.linalg.norm(quantised))
    is_same = bool(np.array_equal(floats, quantised))
    cosine = float(np.vdot(floats, quantised)) / norms if norms else float(is_same)
    has_scores = floats.ndim == 2 and floats.shape[1] > 1
    top1 = float((floats.argmax(1) == quantised.argmax(1)).mean()) if has_scores else None
    worst = float(np.abs(floats - quantised).max(initial=0.0))
    return Agreement(name=name, cosine=cosine, top1=top1, worst=worst)


def _import(quantised: bytes, path: Path, model: Path) -> ImportTable:
    """The table of the result; its faults are told as faults of `model`, whose nodes they name."""
    imported = import_bytes(quantised, model)
    return ImportTable(imported=imported, file=str(path), batch=1)

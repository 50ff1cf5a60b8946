"""Workloads by name or from a file, whatever form it has."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from tilewright.spec.diagnostics import Diagnostic, SpecError, suggestion
from tilewright.spec.source import read_document, read_source

from .from_graph import workload_of
from .layers import Workload
from .listed import list_of, parse_list
from .scale_sim import parse_topology
from .zigzag import zigzag_of

_MODELS = (".onnx", ".tflite")
_TEXTS = (".csv", ".yaml", ".yml")


def library_names() -> tuple[str, ...]:
    """Names of the published networks that ship with the package."""
    entries = files("tilewright.dse.workloads.library").iterdir()
    return tuple(
        sorted(entry.name[: -len(".yaml")] for entry in entries if entry.name.endswith(".yaml"))
    )


def library_workload(name: str) -> Workload:
    """A published network. Raises SpecError for a name that is none."""
    if name not in library_names():
        rule = f"is no workload of the library: {name}"
        help = suggestion(name, library_names(), "workload")
        raise SpecError([Diagnostic.plain("workload", "", rule, help)])
    entry = files("tilewright.dse.workloads.library") / f"{name}.yaml"
    return parse_list(entry.read_text(encoding="utf-8"), entry.name)


def read_workload(path: Path, batch: int = 1) -> Workload:
    """The workload of a file: `.csv` (SCALE-Sim), `.yaml` (ours or ZigZag's), `.onnx`, `.tflite`.

    `batch` is for models whose batch is open. A model's layers are those of its integer graph.
    Raises SpecError with all mistakes of the file.
    """
    suffix = path.suffix.lower()
    if suffix in _MODELS:
        # Here, for importers load onnx and a schema: lists and the library need neither.
        from tilewright.dataflow.importers.model import import_model

        return workload_of(import_model(path, batch).graph)
    if suffix not in _TEXTS:
        rule = f"must end in one of {', '.join((*_TEXTS, *_MODELS))}"
        raise SpecError([Diagnostic.plain(str(path), "", rule)])
    text = read_source(path)
    if suffix == ".csv":
        return parse_topology(text, str(path))
    document = read_document(text, str(path))
    return (list_of if isinstance(document.data, Mapping) else zigzag_of)(document)

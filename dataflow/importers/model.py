"""The front door: a model file of any supported kind to integers."""

from __future__ import annotations

from pathlib import Path

from ..graph import Graph
from ..integers import to_integers
from .imported import Imported
from .onnx_file import parse_model, read_model
from .onnx_model import model_graph
from .tflite_model import tflite_model_graph

_TFLITE_MARK = b"TFL3"
"""Bytes 4 to 7 of a flatbuffer of this kind."""


def import_model(path: Path, batch: int = 1) -> Imported:
    """The model in the file `path` as an integer graph, its free first extent bound to `batch`.

    ONNX in QDQ, QOperator or QONNX form, or TFLite; the content says which.

    Raises:
        SpecError: with everything that is wrong or not supported, each with its node's name.
    """
    return to_integers(_read(path, batch), str(path))


def import_bytes(data: bytes, path: Path, batch: int = 1) -> Imported:
    """The same for an ONNX model in memory; `path` is for messages."""
    return to_integers(model_graph(parse_model(data, path), path, batch), str(path))


def _read(path: Path, batch: int) -> Graph:
    if _is_tflite(path):
        return tflite_model_graph(path, batch)
    return model_graph(read_model(path), path, batch)


def _is_tflite(path: Path) -> bool:
    """By its mark; a damaged one by its name. What cannot be read is left to the readers."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError:
        head = b""
    return head[4:] == _TFLITE_MARK or path.suffix.lower() == ".tflite"

"""The integer graph of an ONNX model, without what the host does in floats before and behind it."""

from __future__ import annotations

from pathlib import Path

from ..graph import Graph
from .model import import_bytes, import_model


def import_onnx(path: Path, batch: int = 1) -> Graph:
    """The integer graph of the model in the file `path`, its free first extent bound to `batch`.

    Raises:
        SpecError: with everything that is wrong or not supported, each with its node's name.
    """
    return import_model(path, batch).graph


def import_onnx_bytes(data: bytes, path: Path, batch: int = 1) -> Graph:
    """The same for a model in memory; `path` is for messages."""
    return import_bytes(data, path, batch).graph

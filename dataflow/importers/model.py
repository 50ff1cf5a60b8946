"""The front door: a model file of any supported kind to integers."""

from __future__ import annotations

from pathlib import Path

from ..integers import to_integers
from .imported import Imported
from .onnx_file import parse_model, read_model
from .onnx_model import model_graph


def import_model(path: Path, batch: int = 1) -> Imported:
    """The model in the file `path` as an integer graph, its free first extent bound to `batch`.

    Raises:
        SpecError: with everything that is wrong or not supported, each with its node's name.
    """
    return to_integers(model_graph(read_model(path), path, batch), str(path))


def import_bytes(data: bytes, path: Path, batch: int = 1) -> Imported:
    """The same for a model in memory; `path` is for messages."""
    return to_integers(model_graph(parse_model(data, path), path, batch), str(path))

"""Reads an ONNX file that nobody vouches for: size, structure and references are checked first."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # no stubs
from numpy.typing import NDArray

from tilewright.spec.diagnostics import Diagnostic, SpecError

from .onnx_checks import EXPORT, SHOWN_PROBLEMS, checker_problems, structure_problems
from .onnx_nodes.arrays import array_of
from .onnx_nodes.node import STANDARD, node_path

__all__ = [
    "MAX_FILE_BYTES",
    "QONNX_DOMAINS",
    "initializers",
    "node_path",
    "parse_model",
    "read_model",
]

MAX_FILE_BYTES = 256 * 2**20
QONNX_DOMAINS = ("qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas")


def read_model(path: Path, max_bytes: int = MAX_FILE_BYTES) -> onnx.ModelProto:
    """The model in the file `path`, which may be anything.

    Raises:
        SpecError: if it cannot be read, is too large, or is not a sound ONNX model.
    """
    return parse_model(read_bytes(path, max_bytes), path)


def read_bytes(path: Path, max_bytes: int = MAX_FILE_BYTES) -> bytes:
    """The bytes of a model file.

    Raises:
        SpecError: if it is no file, cannot be read, is empty or larger than `max_bytes`.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):  # a pipe would be waited for, a device never ends
            raise _wrong(path, "the model cannot be read: it is not a plain file")
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise _wrong(path, f"the model cannot be read: {reason}") from None
    if len(data) > max_bytes:
        raise _wrong(path, f"a model has at most {max_bytes} bytes, this file has more")
    if not data:
        raise _wrong(path, "the model file is empty")
    return data


def parse_model(data: bytes, path: Path) -> onnx.ModelProto:
    """The model in `data`; `path` is for the messages.

    Raises:
        SpecError: as `read_model`.
    """
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except (DecodeError, ValueError, RecursionError, MemoryError) as error:
        help_text = "the file is truncated or of another kind: export it again"
        raise _wrong(path, f"is not an ONNX model ({error})", help=help_text) from None
    problems = structure_problems(model, str(path))
    if problems:
        raise SpecError(problems[:SHOWN_PROBLEMS])
    _complete(model)
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError, RuntimeError, RecursionError) as error:
        raise SpecError(checker_problems(model, str(path), error)[:SHOWN_PROBLEMS]) from None
    return model


def initializers(
    model: onnx.ModelProto, path: Path
) -> tuple[dict[str, NDArray[Any]], list[Diagnostic]]:
    """Constant values by name, and what is wrong with those that cannot be read."""
    arrays: dict[str, NDArray[Any]] = {}
    wrong: list[Diagnostic] = []
    for item in model.graph.initializer:
        try:
            array = array_of(item)
        except ValueError as error:
            place = f"tensor {item.name}"
            wrong.append(Diagnostic.plain(str(path), place, str(error), help=EXPORT))
            continue
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            rule, place = "a constant must not hold NaN or infinity", f"tensor {item.name}"
            help_text = "train or quantise the model again: its weights are broken"
            wrong.append(Diagnostic.plain(str(path), place, rule, help=help_text))
            continue
        arrays[item.name] = array
    return arrays, wrong


def _complete(model: onnx.ModelProto) -> None:
    """What sound files leave out and ONNX's checker asks for: the standard domain has two names;
    old exporters (Brevitas) use a domain without importing it; shapes of results need not be
    declared, and are not used."""
    for item in (*model.graph.node, *model.opset_import):
        if item.domain in STANDARD:
            item.domain = ""
    known = {item.domain for item in model.opset_import}
    used = {node.domain for node in model.graph.node if node.domain not in STANDARD}
    for domain in sorted(used - known):
        model.opset_import.add(domain=domain, version=1)
    del model.graph.value_info[:]
    for item in model.graph.output:
        if item.type.WhichOneof("value") == "tensor_type":
            item.type.tensor_type.shape.SetInParent()


def _wrong(path: Path, rule: str, help: str | None = None) -> SpecError:
    return SpecError([Diagnostic.plain(str(path), "", rule, help=help)])

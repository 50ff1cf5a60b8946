"""Reads an ONNX file that nobody vouches for: size, structure and references are checked first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # no stubs
from numpy.typing import NDArray

from tilewright.spec.diagnostics import Diagnostic, SpecError

from .onnx_nodes.arrays import array_of

MAX_FILE_BYTES = 256 * 2**20
MAX_NODES = 20_000
SHOWN_PROBLEMS = 20
QONNX_DOMAINS = ("qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas")


def node_path(node: onnx.NodeProto) -> str:
    """How messages name a node: its own name, else the first value it makes."""
    name = node.name or (node.output[0] if node.output else "?")
    return f"node {name} ({node.op_type})"


def read_model(path: Path, max_bytes: int = MAX_FILE_BYTES) -> onnx.ModelProto:
    """The model in the file `path`, which may be anything.

    Raises:
        SpecError: if it cannot be read, is too large, or is not a sound ONNX model.
    """
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise _wrong(path, f"the model cannot be read: {error.strerror or error}") from None
    if len(data) > max_bytes:
        raise _wrong(path, f"a model has at most {max_bytes} bytes, this file has more")
    if not data:
        raise _wrong(path, "the model file is empty")
    return parse_model(data, path)


def parse_model(data: bytes, path: Path) -> onnx.ModelProto:
    """The model in `data`; `path` is for the messages.

    Raises:
        SpecError: as `read_model`.
    """
    try:
        model = onnx.load_model_from_string(data)
    except (DecodeError, ValueError, RecursionError) as error:
        help_text = "the file is truncated or of another kind: export it again"
        raise _wrong(path, f"is not an ONNX model ({error})", help=help_text) from None
    problems = list(_problems(model, path))[:SHOWN_PROBLEMS]
    if problems:
        raise SpecError(problems)
    _complete_opsets(model)
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError) as error:
        first = str(error).strip().splitlines()
        raise _wrong(path, f"is not a sound ONNX model: {first[0] if first else error}") from None
    return model


def _complete_opsets(model: onnx.ModelProto) -> None:
    """QONNX files of Brevitas do not always import the operator set that they use."""
    imported = {item.domain for item in model.opset_import}
    used = {node.domain for node in model.graph.node}
    for domain in sorted(used.intersection(QONNX_DOMAINS) - imported):
        model.opset_import.append(onnx.helper.make_opsetid(domain, 1))


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
            wrong.append(Diagnostic.plain(str(path), f"tensor {item.name}", str(error)))
            continue
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            rule = "a constant must not hold NaN or infinity"
            wrong.append(Diagnostic.plain(str(path), f"tensor {item.name}", rule))
            continue
        arrays[item.name] = array
    return arrays, wrong


def _wrong(path: Path, rule: str, help: str | None = None) -> SpecError:
    return SpecError([Diagnostic.plain(str(path), "", rule, help=help)])


def _problems(model: onnx.ModelProto, path: Path) -> Iterator[Diagnostic]:
    """Faults that a checker may miss or would follow into other files."""
    file, graph = str(path), model.graph
    if not all(isinstance(name, str) for name in _all_names(graph)):
        yield Diagnostic.plain(file, "", "names must be text in UTF-8", help="export it again")
        return
    if not graph.node:
        yield Diagnostic.plain(file, "", "the model has no node")
    if len(graph.node) > MAX_NODES:
        rule = f"a model has at most {MAX_NODES} nodes"
        yield Diagnostic.plain(file, "", rule, value=str(len(graph.node)))
        return
    for item in graph.initializer:
        if item.data_location == onnx.TensorProto.EXTERNAL or item.external_data:
            yield Diagnostic.plain(
                file,
                f"tensor {item.name}",
                "values in other files are not read",
                help="save the model with its weights inside (save_as_external_data=False)",
            )
        if any(extent < 0 for extent in item.dims):
            yield Diagnostic.plain(file, f"tensor {item.name}", "has a negative extent")
    yield from _name_problems(graph, file)


def _all_names(graph: onnx.GraphProto) -> Iterator[object]:
    """Every name; protobuf gives one that is not UTF-8 as bytes."""
    yield graph.name
    for item in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
        yield item.name
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)


def _name_problems(graph: onnx.GraphProto, file: str) -> Iterator[Diagnostic]:
    """Values made twice, and values used before they are made (cycles too)."""
    constants = [item.name for item in graph.initializer]
    inputs = [item.name for item in graph.input if item.name not in set(constants)]
    made = Counter(constants + inputs)
    made.update(name for node in graph.node for name in node.output if name)
    for name, times in made.items():
        if times > 1:
            yield Diagnostic.plain(file, f"tensor {name}", f"is made {times} times")
    names = Counter(node.name for node in graph.node if node.name)
    for name, times in names.items():
        if times > 1:
            yield Diagnostic.plain(file, f"node {name}", f"{times} nodes have this name")
    ready = set(constants) | set(inputs)
    for node in graph.node:
        for name in node.input:
            if name and name not in ready:
                rule = f"input `{name}` is made by no earlier node"
                help_text = "it comes later: a cycle, or nodes out of order"
                yield Diagnostic.plain(
                    file, node_path(node), rule, help=help_text if name in made else None
                )
        ready.update(node.output)
    for item in graph.output:
        if item.name not in ready:
            yield Diagnostic.plain(file, f"output {item.name}", "no node makes it")

"""Operator graphs as JSON files: what `tilewright plan graph.json` reads.

`{"name", "tensors": [{"id", "bytes", "name"}], "ops": [{"id", "name", "inputs", "outputs",
"weight_bytes"}]}`; ids are integers of the writer's choice, `kind` and other keys of tensors and
operators are ignored, operators may come in any order. A tensor that no operator makes comes from
memory.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import networkx as nx

from tilewright.spec.diagnostics import Diagnostic, SpecError

from .problem import Item, Problem, Step

MAX_FILE_BYTES = 64 * 2**20
MAX_OPERATORS = 100_000
MAX_BYTES = 1 << 50

Weights = Literal["activations", "all"]


def read_problem(
    path: Path, budget: int | None = None, weights: Weights = "activations"
) -> Problem:
    """The planning problem in a file; without a budget the least that works is taken.

    With `weights="all"` an operator's parameters are a tensor from memory that it alone reads.

    Raises:
        SpecError: with everything that is wrong, each with its operator or tensor.
    """
    try:
        data = path.read_bytes()[: MAX_FILE_BYTES + 1]
    except OSError as error:
        raise _wrong(path, "", f"cannot be read: {error.strerror or error}") from None
    if len(data) > MAX_FILE_BYTES:
        raise _wrong(path, "", f"a graph has at most {MAX_FILE_BYTES} bytes, this file has more")
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _wrong(path, "", f"is not JSON: {error}") from None
    return problem_of(content, path, budget, weights)


def problem_of(
    content: object, path: Path, budget: int | None = None, weights: Weights = "activations"
) -> Problem:
    """The same for parsed JSON; `path` is for messages."""
    problems = list(_shape_faults(content, path))
    if problems:
        raise SpecError(problems[:20])
    assert isinstance(content, dict), "checked above"
    tensors = {tensor["id"]: tensor for tensor in content["tensors"]}
    order, problems = _order(content["ops"], tensors, path)
    if problems:
        raise SpecError(problems[:20])
    place = {identity: index for index, identity in enumerate(tensors)}
    items = [Item(name=_name(t), size=t["bytes"]) for t in tensors.values()]
    steps = []
    for op in order:
        reads = list(dict.fromkeys(place[i] for i in op["inputs"]))
        if weights == "all" and op.get("weight_bytes", 0):
            reads.append(len(items))
            items.append(Item(name=f"{_name(op)} weights", size=op["weight_bytes"]))
        writes = tuple(place[i] for i in op["outputs"])
        steps.append(Step(name=_name(op), reads=tuple(reads), writes=writes))
    name = content.get("name") or path.stem or "graph"
    if budget is not None and not _is_integer(budget, 1, MAX_BYTES):
        raise _wrong(path, "budget", f"must be an integer from 1 to {MAX_BYTES}, got {budget}")
    whole = Problem(name=name, items=tuple(items), steps=tuple(steps), budget=MAX_BYTES)
    try:
        return whole.with_budget(whole.least_budget if budget is None else budget)
    except ValueError as error:
        raise _wrong(path, "budget", str(error)) from None


def _name(entry: dict[str, Any]) -> str:
    """`id:name`: names need not be distinct, ids are."""
    return f"{entry['id']}:{entry['name']}" if entry.get("name") else str(entry["id"])


def _wrong(path: Path, place: str, rule: str, help: str | None = None) -> SpecError:
    return SpecError([Diagnostic.plain(str(path), place, rule, help=help)])


def _is_integer(value: object, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


def _shape_faults(content: object, path: Path) -> Iterator[Diagnostic]:
    """Wrong types and ranges."""

    def fault(place: str, rule: str) -> Diagnostic:
        return Diagnostic.plain(str(path), place, rule)

    if not isinstance(content, dict):
        yield fault("", "must be an object with `tensors` and `ops`")
        return
    if not isinstance(content.get("name", ""), str):
        yield fault("name", "must be a text")
    for key in ("tensors", "ops"):
        entries = content.get(key)
        if not isinstance(entries, list) or not entries:
            yield fault(key, "must be a list with at least one entry")
        elif len(entries) > MAX_OPERATORS:
            yield fault(key, f"has more than {MAX_OPERATORS} entries")
        else:
            for index, entry in enumerate(entries):
                yield from _entry_faults(f"{key}[{index}]", key, entry, fault)
            ids = [e["id"] for e in entries if isinstance(e, dict) and type(e.get("id")) is int]
            for identity, times in Counter(ids).items():
                if times > 1:
                    yield fault(key, f"id {identity} is used {times} times")


def _entry_faults(place: str, key: str, entry: Any, fault: Any) -> Iterator[Diagnostic]:
    if not isinstance(entry, dict) or not _is_integer(entry.get("id"), 0, 1 << 31):
        yield fault(place, "must be an object with an integer `id`")
        return
    if not isinstance(entry.get("name", ""), str):
        yield fault(f"{place}.name", "must be a text")
    if key == "tensors":
        if not _is_integer(entry.get("bytes"), 1, MAX_BYTES):
            yield fault(f"{place}.bytes", f"must be an integer from 1 to {MAX_BYTES}")
        return
    for name in ("inputs", "outputs"):
        ids = entry.get(name)
        if not isinstance(ids, list) or not all(type(i) is int for i in ids):
            yield fault(f"{place}.{name}", "must be a list of tensor ids")
    if not entry.get("outputs"):
        yield fault(f"{place}.outputs", "must name a tensor")
    if not _is_integer(entry.get("weight_bytes", 0), 0, MAX_BYTES):
        yield fault(f"{place}.weight_bytes", f"must be an integer from 0 to {MAX_BYTES}")


def _order(
    ops: list[dict[str, Any]], tensors: dict[int, Any], path: Path
) -> tuple[list[dict[str, Any]], list[Diagnostic]]:
    """Operators in an order in which they can run, the file's own where possible."""
    wrong: list[Diagnostic] = []
    maker: dict[int, int] = {}
    for index, op in enumerate(ops):
        place = f"operator {_name(op)}"
        for identity in (*op["inputs"], *op["outputs"]):
            if identity not in tensors:
                wrong.append(Diagnostic.plain(str(path), place, f"there is no tensor {identity}"))
        for identity in op["outputs"]:
            if identity in maker:
                rule = f"tensor {identity} is made twice, also by {_name(ops[maker[identity]])}"
                wrong.append(Diagnostic.plain(str(path), place, rule))
            maker.setdefault(identity, index)
        for identity in sorted(set(op["inputs"]) & set(op["outputs"])):
            rule = f"reads tensor {identity}, which it makes"
            wrong.append(Diagnostic.plain(str(path), place, rule))
    used = set(maker).union(*(op["inputs"] for op in ops))
    for identity in tensors:
        if identity not in used:
            place = f"tensor {_name(tensors[identity])}"
            wrong.append(Diagnostic.plain(str(path), place, "no operator makes or reads it"))
    if wrong:
        return [], wrong
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(len(ops)))
    for index, op in enumerate(ops):
        graph.add_edges_from((maker[i], index) for i in op["inputs"] if i in maker)
    try:
        return [ops[i] for i in nx.lexicographical_topological_sort(graph)], []
    except nx.NetworkXUnfeasible:
        cycle = " -> ".join(_name(ops[a]) for a, _ in nx.find_cycle(graph)[:8])
        return [], [Diagnostic.plain(str(path), f"operator {cycle}", "operators form a cycle")]

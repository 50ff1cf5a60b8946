"""The table of an imported model: per op its shapes, work, bytes, scales and what runs it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tilewright.dataflow.graph import Graph, Op, Tensor
from tilewright.dataflow.importers.imported import Imported
from tilewright.dataflow.number_formats import FLOAT, bits_of

from .support import NOT_YET, reason, runs_on
from .text_table import DEFAULT_COLUMNS, Column, label_rows, shorten, table

KIND: Final = Column(head="kind", least=12)
HEADS: Final = (
    Column(head="op", least=12),
    KIND,
    Column(head="result", least=24),
    Column(head="MACs", is_right=True),
    Column(head="weights", is_right=True),
    Column(head="bytes", is_right=True),
    Column(head="scale", is_right=True),
    Column(head="runs on"),
)
OPERAND: Final = Column(head="operands", least=14)
ORIGIN: Final = Column(head="from", least=16)
KIND_COLUMNS, OPERAND_COLUMNS, ORIGIN_COLUMNS = 100, 110, 140
"""Terminals from this width on have the column too; kinds are in the names of ops as well."""


@dataclass(frozen=True, kw_only=True)
class ImportTable:
    """What `tilewright import` shows of one model. `file`: its path as the user wrote it."""

    imported: Imported
    file: str
    batch: int

    @property
    def graph(self) -> Graph:
        """The integer graph."""
        return self.imported.graph

    def lines(self, width: int = DEFAULT_COLUMNS) -> list[str]:
        """The whole table; no line is wider than `width`, which is 80 or more."""
        rows = [self._cells(op) for op in self.graph.ops]
        heads = [head for head in (*HEADS, ORIGIN) if self._is_shown(head, width)]
        if width >= OPERAND_COLUMNS:
            heads.insert(2, OPERAND)
        cells = [[row.get(head.head, "") for head in heads] for row in (*rows, self._total())]
        title = f"{Path(self.file).name}: integer graph, batch {self.batch}"
        lines = [shorten(title, width)]
        lines += [f"  {line}" for line in table(heads, cells, width - 2)]
        return [*lines, *label_rows(self.summary(), width)]

    def summary(self) -> list[tuple[str, list[str]]]:
        """Below the table: what comes in and out, what stays with the host, what runs where."""
        return [
            ("inputs", [_end(tensor) for tensor in self.graph.inputs]),
            ("outputs", [_end(tensor) for tensor in self.graph.outputs]),
            ("host before", _host(self.imported.before, self._plain_end("inputs"))),
            ("host after", _host(self.imported.after, self._plain_end("outputs"))),
            ("hardware", self._hardware()),
        ]

    def _plain_end(self, end: str) -> str:
        """What the host does where no float ops are left to it."""
        model = self.imported.model
        tensors = model.inputs if end == "inputs" else model.outputs
        if not any(tensor.number_format == FLOAT for tensor in tensors):
            return f"nothing: the {end} are integers"
        return f"{'quantises' if end == 'inputs' else 'dequantises'} the {end}"

    def _is_shown(self, head: Column, width: int) -> bool:
        if head == KIND:
            is_told = all(op.name.startswith(op.kind) for op in self.graph.ops)
            return width >= KIND_COLUMNS or not is_told
        return head != ORIGIN or width >= ORIGIN_COLUMNS

    def _cells(self, op: Op) -> dict[str, str]:
        graph = self.graph
        result = graph.tensor(op.outputs[0])
        macs = graph.macs_of(op)
        first, *more = op.origin.split(", ")
        return {
            "op": op.name,
            "kind": op.kind,
            "operands": ", ".join(map(_form, _activations(op, graph))),
            "result": _form(result),
            "MACs": count(macs) if macs else "-",
            "weights": count(sum(map(num_bytes, _constants(op, graph)))),
            "bytes": count(num_bytes(result)),
            "scale": _scale(result),
            "runs on": runs_on(op, graph),
            "from": first + (f" +{len(more)}" if more else ""),
        }

    def _total(self) -> dict[str, str]:
        totals = self.totals()
        return {
            "op": f"total, {totals['ops']} ops",
            "MACs": count(totals["macs"]),
            "weights": count(totals["weight_bytes"]),
            "bytes": count(totals["activation_bytes"]),
            "runs on": f"{totals['ops'] - totals['not_yet']} of {totals['ops']}",
        }

    def totals(self) -> dict[str, int]:
        """Sums over all ops; a constant that several ops use counts once."""
        graph = self.graph
        constants = {t.name: t for op in graph.ops for t in _constants(op, graph)}
        return {
            "ops": len(graph.ops),
            "macs": graph.macs,
            "weight_bytes": sum(map(num_bytes, constants.values())),
            "activation_bytes": sum(num_bytes(graph.tensor(op.outputs[0])) for op in graph.ops),
            "not_yet": sum(reason(op, graph) is not None for op in graph.ops),
        }

    def _hardware(self) -> list[str]:
        late = Counter(op.kind for op in self.graph.ops if reason(op, self.graph))
        if not late:
            return ["an accelerator runs every op"]
        return [f"{NOT_YET}: {_counted(late)[0]}", *_counted(late)[1:]]

    def to_json(self) -> dict[str, Any]:
        """The same and more, for programs: nothing is shortened or rounded."""
        imported = self.imported
        return {
            "file": self.file,
            "name": self.graph.name,
            "batch": self.batch,
            "inputs": [tensor_data(tensor) for tensor in self.graph.inputs],
            "outputs": [tensor_data(tensor) for tensor in self.graph.outputs],
            "ops": [self._op_data(op) for op in self.graph.ops],
            "totals": self.totals(),
            "host_before": _host_data(imported.before),
            "host_after": _host_data(imported.after),
        }

    def _op_data(self, op: Op) -> dict[str, Any]:
        graph = self.graph
        return {
            "name": op.name,
            "kind": op.kind,
            "origin": op.origin,
            "operands": [tensor_data(graph.tensor(name)) for name in op.inputs],
            "result": tensor_data(graph.tensor(op.outputs[0])),
            "attributes": {
                key: list(value) if isinstance(value, tuple) else value
                for key, value in op.attributes.items()
            },
            "macs": graph.macs_of(op),
            "weight_bytes": sum(map(num_bytes, _constants(op, graph))),
            "activation_bytes": num_bytes(graph.tensor(op.outputs[0])),
            "runs_on": runs_on(op, graph),
            "why_not": reason(op, graph),
        }


def num_bytes(tensor: Tensor) -> int:
    """Bytes of a tensor whose numbers lie close together: two int4 in a byte."""
    return -(-math.prod(tensor.shape) * bits_of(tensor.number_format) // 8)


def count(value: int) -> str:
    """A whole number for a narrow column: exact below a million, else with a unit of thousands."""
    if value < 1_000_000:
        return f"{value:,}"
    for unit in ("M", "G", "T"):
        value_in_unit = value / 1000 ** ("MGT".index(unit) + 2)
        if value_in_unit < 999.95 or unit == "T":
            return f"{value_in_unit:,.1f} {unit}"
    raise AssertionError("the last unit takes all")


def tensor_data(tensor: Tensor) -> dict[str, Any]:
    """A tensor without its values, as plain data."""
    return {
        "name": tensor.name,
        "origin": tensor.origin,
        "role": tensor.role,
        "shape": list(tensor.shape),
        "number_format": tensor.number_format,
        "scale": list(tensor.scale),
        "zero_point": list(tensor.zero_point),
        "axis": tensor.axis,
        "bytes": num_bytes(tensor),
    }


def _constants(op: Op, graph: Graph) -> list[Tensor]:
    """The op's constants, each once."""
    found = {name: graph.tensor(name) for name in op.inputs}
    return [tensor for tensor in found.values() if tensor.role == "constant"]


def _activations(op: Op, graph: Graph) -> list[Tensor]:
    tensors = [graph.tensor(name) for name in op.inputs]
    return [tensor for tensor in tensors if tensor.role != "constant"]


def _form(tensor: Tensor) -> str:
    return f"{tensor.number_format} {'x'.join(map(str, tensor.shape)) or 'scalar'}"


def _scale(tensor: Tensor) -> str:
    if not tensor.scale:
        return "-"
    more = f" x{len(tensor.scale)}" if len(tensor.scale) > 1 else ""
    return f"{tensor.scale[0]:.3g}{more}"


def _end(tensor: Tensor) -> str:
    """An input or output of the graph: its name in the file, its form, what its integers mean."""
    zero = f" zero point {tensor.zero_point[0]}" if len(tensor.zero_point) == 1 else ""
    scale = f" scale {_scale(tensor)}" if tensor.scale else ""
    name = shorten(tensor.origin or tensor.name, DEFAULT_COLUMNS // 3)
    return f"{name}: {_form(tensor)}{scale}{zero}"


def _host(part: Graph | None, otherwise: str) -> list[str]:
    if part is None:
        return [otherwise]
    return _counted(Counter(op.kind for op in part.ops))


def _counted(kinds: Counter[str]) -> list[str]:
    return [f"{kind} x {times}" if times > 1 else kind for kind, times in kinds.items()]


def _host_data(part: Graph | None) -> list[dict[str, Any]] | None:
    if part is None:
        return None
    return [{"name": op.name, "kind": op.kind, "origin": op.origin} for op in part.ops]

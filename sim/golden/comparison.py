"""Our integers against onnxruntime's, for a whole model: outputs and what is inside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from tilewright.dataflow.importers.imported import Imported
from tilewright.dataflow.number_formats import is_integer_format

from .model_run import ModelRun, run_model
from .oracle import ELEMENT_TYPES, EXACT_IN_FLOATS, Observer

SHOWN = 5
OWN = frozenset(["QLinearSoftmax"])
"""Integer kernels of floats inside, for which we have an integer definition of our own."""


@dataclass(kw_only=True)
class Count:
    """Values compared and values that differ; `largest` difference, in steps of the integers."""

    checked: int = 0
    mismatches: int = 0
    largest: float = 0.0
    tensors: set[str] = field(default_factory=set)
    examples: list[str] = field(default_factory=list)

    def add(self, name: str, ours: NDArray[Any], theirs: NDArray[Any], step: float = 1.0) -> None:
        """Compare two arrays; `step` is what one integer step is worth."""
        self.tensors.add(name)
        self.checked += theirs.size
        if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
            self.mismatches += theirs.size
            found = f"{ours.dtype} {ours.shape} for {theirs.dtype} {theirs.shape}"
            self.examples.append(f"{name}: {found}")
            return
        wrong = (ours != theirs) & ~((ours != ours) & (theirs != theirs))  # NaN equals NaN
        if not wrong.any():
            return
        self.mismatches += int(wrong.sum())
        difference = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))[wrong]
        self.largest = max(self.largest, float(difference.max()) / step)
        if len(self.examples) < SHOWN:
            place = tuple(int(i) for i in np.argwhere(wrong)[0])
            text = f"ours {ours[place]}, onnxruntime's {theirs[place]}"
            self.examples.append(f"{name}{list(place)}: {text}")


class Comparison:
    """A model's outputs and inner integers, ours and onnxruntime's, over any number of runs.

    `outputs` counts the model's outputs, or, if floats are computed behind the integer graph's
    outputs on the host, those; the floats are then in `floats`, and no two programs need agree in
    them to the last bit. `inner` counts all other tensors.
    """

    def __init__(
        self, data: bytes, imported: Imported, has_inner: bool = True, threads: int = 1
    ) -> None:
        self.imported = imported
        formats = inner_formats(data, imported) if has_inner else {}
        self.observer = Observer(data, formats, threads)
        self.outputs, self.inner, self.floats = Count(), Count(), Count()

    @property
    def left_out(self) -> tuple[str, ...]:
        """Inner tensors that cannot be seen without another choice of kernels."""
        return self.observer.left_out

    @property
    def float_kernels(self) -> Counter[str]:
        return self.observer.oracle.float_kernels

    @property
    def is_exact(self) -> bool:
        """Whether onnxruntime rounds where we do: integer kernels that we equal, or mere moves.

        And whether its sums keep all bits on this processor.
        """
        oracle = self.observer.oracle
        if oracle.saturating_kernels:
            return False
        kernels = {name.rpartition(":")[2] for name in oracle.nodes}
        return EXACT_IN_FLOATS.issuperset(self.float_kernels) and kernels.isdisjoint(OWN)

    def run(
        self, inputs: Mapping[str, NDArray[Any]], one_by_one: bool = False
    ) -> tuple[ModelRun, dict[str, NDArray[Any]]]:
        """Compare on these inputs; what both answered.

        With `one_by_one`, onnxruntime gets one row after the other, for models of a fixed batch.
        """
        theirs = self._theirs(inputs, one_by_one)
        return self.compare(inputs, theirs), theirs

    def compare(
        self, inputs: Mapping[str, NDArray[Any]], theirs: Mapping[str, NDArray[Any]]
    ) -> ModelRun:
        """Run ours and count; `theirs` are onnxruntime's answers on the same inputs."""
        ours = run_model(self.imported, inputs)
        ends = {item.name for item in self.observer.oracle.session.get_outputs()}
        last = {tensor.name for tensor in self.imported.graph.outputs}
        given = {tensor.name for tensor in self.imported.graph.inputs}
        for name in sorted(set(theirs) & set(ours.integers) - given - ends):
            count = self.outputs if self.imported.after and name in last else self.inner
            count.add(name, ours.integers[name], theirs[name])
        for name in sorted(ends):
            is_float = theirs[name].dtype == np.float32
            step = self._step(name) if is_float else 1.0
            count = self.floats if is_float and self.imported.after else self.outputs
            count.add(name, ours.outputs[name], theirs[name], step)
        return ours

    def _theirs(
        self, inputs: Mapping[str, NDArray[Any]], one_by_one: bool
    ) -> dict[str, NDArray[Any]]:
        if not one_by_one:
            return self.observer.run(inputs)
        count = len(next(iter(inputs.values())))
        rows = [
            self.observer.run({name: values[row : row + 1] for name, values in inputs.items()})
            for row in range(count)
        ]
        return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}

    def _step(self, name: str) -> float:
        found = [t for t in self.imported.graph.outputs if t.origin == name and t.scale]
        return found[0].scale[0] if found else 1.0


def inner_formats(data: bytes, imported: Imported) -> dict[str, str]:
    """The integer formats of values that both the file and the integer graph have, by name."""
    model = onnx.load_model_from_string(data)
    made = {
        name
        for node in model.graph.node
        for name in node.output
        if node.op_type == "QuantizeLinear" or node.op_type.startswith(("QLinear", "QGemm"))
    }
    return {
        tensor.name: tensor.number_format
        for tensor in imported.graph.tensors
        if tensor.name in made
        and is_integer_format(tensor.number_format)
        and tensor.number_format in ELEMENT_TYPES
    }

"""Calibration data: arrays of an `.npz` or `.npy` file, checked against a model's inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from tilewright.build.quantize import Feed
from tilewright.spec.diagnostics import Diagnostic, SpecError, suggestion

from .arrays import UnreadableArrays, load_arrays

MAX_BATCH = 32
"""Samples of one run where the model's first extent is free."""

Extent = int | None


@dataclass(frozen=True, kw_only=True)
class ModelInput:
    """An input of the model. `extents`: None where any number will do."""

    name: str
    dtype: np.dtype[Any]
    extents: tuple[Extent, ...]

    @property
    def form(self) -> str:
        """What its array must be, in words."""
        rest = "".join(f"[{'any' if extent is None else extent}]" for extent in self.extents[1:])
        return f"{self.dtype} [samples]{rest}"


def model_inputs(model: onnx.ModelProto) -> list[ModelInput]:
    """The inputs that a caller must give: those that are no constants."""
    constants = {item.name for item in model.graph.initializer}
    return [_input(item) for item in model.graph.input if item.name not in constants]


def _input(item: onnx.ValueInfoProto) -> ModelInput:
    kind = item.type.tensor_type
    extents = tuple(
        dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None
        for dim in kind.shape.dim
    )
    dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)
    return ModelInput(name=item.name, dtype=np.dtype(dtype), extents=extents)


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """`count` samples as `feeds`, each one run of the model."""

    count: int
    feeds: Sequence[Feed]


def read_calibration(
    path: Path,
    inputs: Sequence[ModelInput],
    *,
    arrays: Mapping[str, str],
    samples: int | None,
    max_batch: int = MAX_BATCH,
) -> Calibration:
    """The samples in the file `path` as runs of the model, of at most `max_batch` samples each.

    Args:
        inputs: what the model needs; the first axis of each counts the samples.
        arrays: the array to take for an input; by default the one of its name, or for a model with
            one input the only array there is.
        samples: how many to take from the front; all if None.

    Raises:
        SpecError: with every array that is missing or wrong.
    """
    data = _load(path)
    reader = _Reader(str(path), data, arrays)
    reader.refuse_unknown_inputs(inputs)
    chosen = {item.name: reader.array(item, is_only=len(inputs) == 1) for item in inputs}
    found = {name: values for name, values in chosen.items() if values is not None}
    reader.check_counts(found, samples)
    fixed = {extent for item in inputs for extent in item.extents[:1] if extent is not None}
    if len(fixed) > 1:
        reader.refuse(
            "", f"the inputs' first extents are the batch, but the model has {sorted(fixed)}"
        )
    if reader.diagnostics:
        raise SpecError(reader.diagnostics)
    count = min(map(len, found.values())) if samples is None else samples
    batch = fixed.pop() if fixed else min(max_batch, count)
    return Calibration(count=count, feeds=_feeds(found, count, batch))


def _feeds(arrays: Mapping[str, NDArray[Any]], count: int, batch: int) -> list[Feed]:
    """Groups of `batch` samples; the last is filled up with copies of the last sample."""
    feeds: list[Feed] = []
    for start in range(0, count, batch):
        chosen = np.minimum(np.arange(start, start + batch), count - 1)
        feeds.append({name: values[chosen] for name, values in arrays.items()})
    return feeds


class _Reader:
    """Chooses and checks arrays; collects what is wrong."""

    def __init__(
        self, file: str, data: Mapping[str, NDArray[Any]], arrays: Mapping[str, str]
    ) -> None:
        self.file, self.data, self.arrays = file, data, arrays
        self.diagnostics: list[Diagnostic] = []

    def refuse(self, place: str, rule: str, help: str | None = None) -> None:
        self.diagnostics.append(Diagnostic.plain(self.file, place, rule, help=help))

    def refuse_unknown_inputs(self, inputs: Sequence[ModelInput]) -> None:
        """`--array` may name only inputs that the model has."""
        known = [item.name for item in inputs]
        for name in self.arrays:
            if name not in known:
                help_text = suggestion(name, known, "input")
                self.refuse(f"--array {name}=", "the model has no such input", help_text)

    def array(self, item: ModelInput, *, is_only: bool) -> NDArray[Any] | None:
        """The values for one input in its number format; None if they are not there or wrong."""
        name = self.arrays.get(item.name, item.name)
        is_single = is_only and len(self.data) == 1 and item.name not in self.arrays
        if is_single:
            name = next(iter(self.data))
        if name not in self.data:
            shown = ", ".join(self.data) or "none"
            help_text = f"it has {shown}; choose one with --array {item.name}=NAME"
            self.refuse(f"array {name}", f"is not in the file (input {item.name})", help_text)
            return None
        values = self.data[name]
        if not item.extents:
            self.refuse(f"input {item.name}", "has no axis that could count samples")
            return None
        if not self._is_of_form(name, values, item):
            return None
        given = values.astype(item.dtype)
        if item.dtype.kind == "f" and not np.isfinite(given).all():
            place = ", ".join(map(str, np.argwhere(~np.isfinite(given))[0]))
            bad = int((~np.isfinite(given)).sum())
            rule = f"must hold finite {item.dtype} numbers; {bad} are not, the first at [{place}]"
            self.refuse(f"array {name}", rule)
            return None
        return given

    def _is_of_form(self, name: str, values: NDArray[Any], item: ModelInput) -> bool:
        shape = values.shape
        fits = len(shape) == len(item.extents) and all(
            wanted in (None, extent)
            for extent, wanted in zip(shape[1:], item.extents[1:], strict=True)
        )
        kinds = "fiu" if item.dtype.kind == "f" else "iu"
        if fits and min(shape) > 0 and values.dtype.kind in kinds:
            return True
        found = f"{values.dtype} {list(shape)}"
        self.refuse(f"array {name}", f"must be {item.form} for input {item.name}, got {found}")
        return False

    def check_counts(self, found: Mapping[str, NDArray[Any]], samples: int | None) -> None:
        """All arrays have as many samples, and as many as are asked for."""
        counts = {name: len(values) for name, values in found.items()}
        if len(set(counts.values())) > 1:
            told = ", ".join(f"{name} {number}" for name, number in counts.items())
            self.refuse("", f"all inputs must have as many samples, got {told}")
        least = min(counts.values(), default=0)
        if found and samples is not None and samples > least:
            self.refuse("", f"{samples} samples are asked for, it has {least}")


def _load(path: Path) -> dict[str, NDArray[Any]]:
    try:
        return load_arrays(path)
    except UnreadableArrays as error:
        help_text = "numpy.savez(FILE, INPUT=array) writes one"
        raise SpecError([Diagnostic.plain(str(path), "", str(error), help_text)]) from error

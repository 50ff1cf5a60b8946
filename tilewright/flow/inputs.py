"""Inputs for a run: arrays of an `.npz` file, checked against the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilewright.errors import UsageError
from tilewright.spec import AcceleratorSpec

from .arrays import UnreadableArrays, load_arrays
from .design import Design


@dataclass(frozen=True, kw_only=True)
class Samples:
    """`count` samples: float arrays `[sample][...]` by model input; `labels` where known."""

    count: int
    arrays: Mapping[str, NDArray[np.float32]]
    labels: NDArray[np.int64] | None

    def batches(self, batch: int) -> Iterator[dict[str, NDArray[np.float32]]]:
        """Groups of `batch` samples; the last is filled up with copies of the last sample."""
        for start in range(0, self.count, batch):
            chosen = np.minimum(np.arange(start, start + batch), self.count - 1)
            yield {name: values[chosen] for name, values in self.arrays.items()}


def load_samples(spec: AcceleratorSpec, design: Design, samples: int | None) -> Samples:
    """What the spec's `verify:` section names, or random inputs where it names none.

    Raises:
        UsageError: if the file or its arrays are not what the model needs.
    """
    section = spec.verify
    if section is None or spec.inputs_path is None:
        raise UsageError(
            f"{spec.name}: nothing to run on", help="add a section `verify: {inputs: FILE.npz}`"
        )
    names = {t.name: section.arrays.get(t.origin, t.origin) for t in design.graph.inputs}
    wanted = section.samples if samples is None else samples
    return read_arrays(spec.inputs_path, design, names, labels=section.labels, samples=wanted)


def read_arrays(
    path: Path,
    design: Design,
    names: Mapping[str, str],
    *,
    labels: str | None,
    samples: int | None,
) -> Samples:
    """The arrays that `names` maps model inputs to, cut to `samples`."""
    data = _load(path)
    problems = []
    arrays: dict[str, NDArray[np.float32]] = {}
    for tensor in design.graph.inputs:
        name = names[tensor.name]
        if name not in data:
            problems.append(f"no array {name!r} for input {tensor.name}; it has {', '.join(data)}")
            continue
        values = data[name]
        shape = (len(values) if values.ndim else 0, *tensor.shape[1:])
        if values.shape != shape or not shape[0] or values.dtype.kind not in "fiu":
            problems.append(
                f"{name}: must be numbers [samples][{tensor.shape[1]}], "
                f"got {values.dtype} {list(values.shape)}"
            )
            continue
        if not np.isfinite(values).all():
            problems.append(f"{name}: must be finite numbers, some are not")
            continue
        arrays[tensor.name] = values.astype(np.float32)
    count = min((len(values) for values in arrays.values()), default=0)
    if samples is not None and samples > count and not problems:
        problems.append(f"{samples} samples are asked for, it has {count}")
    if labels is not None and labels not in data:
        problems.append(f"no array {labels!r} with labels")
    if problems:
        raise UsageError(f"{path}: " + "; ".join(problems))
    count = count if samples is None else samples
    chosen = None if labels is None else np.asarray(data[labels][:count], np.int64)
    return Samples(count=count, arrays={n: v[:count] for n, v in arrays.items()}, labels=chosen)


def _load(path: Path) -> dict[str, NDArray[Any]]:
    try:
        return load_arrays(path)
    except UnreadableArrays as error:
        raise UsageError(f"{path}: {error}") from error

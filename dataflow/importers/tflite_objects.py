"""A TFLite file as plain frozen objects, after everything in it was checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from numpy.typing import NDArray

NO_TENSOR = -1
OptionValue: TypeAlias = int | float | tuple[int, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class FileTensor:
    """A tensor as the file has it; `data` if it is a constant. Scales have one entry or one for
    each index along `axis`, or none."""

    index: int
    name: str
    shape: tuple[int, ...]
    type: str
    scale: tuple[float, ...] = ()
    zero_point: tuple[int, ...] = ()
    axis: int = 0
    data: NDArray[Any] | None = None

    @property
    def place(self) -> str:
        return f"tensor {self.index} ({self.name})"


@dataclass(frozen=True, kw_only=True)
class FileOp:
    """An operator; `inputs` and `outputs` are numbers of tensors, -1 for one left out."""

    index: int
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, OptionValue] = field(default_factory=dict)

    @property
    def place(self) -> str:
        return f"operator {self.index} ({self.kind})"

    def integer(self, name: str, default: int = 0) -> int:
        """An option that is a number; `default` is the schema's."""
        value = self.options.get(name, default)
        return value if isinstance(value, int) else default

    def integers(self, name: str) -> tuple[int, ...]:
        """An option that lists integers; none if it is left out."""
        value = self.options.get(name, ())
        return value if isinstance(value, tuple) else ()

    def number(self, name: str, default: float) -> float:
        """An option that is a real number."""
        value = self.options.get(name, default)
        return default if isinstance(value, tuple) else float(value)


@dataclass(frozen=True, kw_only=True)
class FileModel:
    """The one graph of a file; all references are in range and every value is made once."""

    path: Path
    tensors: tuple[FileTensor, ...]
    ops: tuple[FileOp, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

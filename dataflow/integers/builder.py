"""`Builder`: the integer graph while it grows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..graph import Graph, Op
from ..tensor import Role, Tensor
from .values import Attributes


class Builder:
    """Tensors and ops in order. Names that the model's file has are kept for its own values."""

    def __init__(self, reserved: Iterable[str]) -> None:
        self.tensors: dict[str, Tensor] = {}
        self.ops: list[Op] = []
        self._reserved = set(reserved)
        self._op_names: set[str] = set()

    @property
    def number(self) -> int:
        """The number of the next op, for names of its constants."""
        return len(self.ops)

    def free_name(self, wanted: str, is_of_file: bool = False) -> str:
        """`wanted`, with underscores behind it until nothing else has the name."""
        name = wanted
        while name in self.tensors or (name in self._reserved and not is_of_file):
            name, is_of_file = f"{name}_", False
        return name

    def add(self, tensor: Tensor) -> str:
        assert tensor.name not in self.tensors, tensor.name
        self.tensors[tensor.name] = tensor
        return tensor.name

    def constant(
        self,
        name: str,
        data: NDArray[Any],
        layout: str = "",
        origin: str = "",
        like: Tensor | None = None,
    ) -> str:
        """Add a constant, with the number format and the quantisation of `like`; its name."""
        known: dict[str, Any] = {"number_format": data.dtype.name}
        if like is not None:
            known = {
                "number_format": like.number_format,
                "scale": like.scale,
                "zero_point": like.zero_point,
                "axis": like.axis,
            }
        frozen = np.ascontiguousarray(data)
        return self.add(
            Tensor(
                name=self.free_name(name),
                shape=frozen.shape,
                layout=layout,
                role="constant",
                data=frozen.reshape(data.shape),
                origin=origin,
                **known,
            )
        )

    def op(
        self,
        kind: str,
        inputs: Iterable[str],
        result: Tensor,
        attributes: Attributes | None = None,
        origin: str = "",
    ) -> str:
        """Add an op and its result; the result's name."""
        self.add(result)
        name = f"{kind}_{self.number}"
        self.ops.append(
            Op(
                name=name,
                kind=kind,
                inputs=tuple(inputs),
                outputs=(result.name,),
                attributes=attributes or {},
                origin=origin,
            )
        )
        return result.name

    def set_role(self, name: str, role: Role, origin: str) -> None:
        self.tensors[name] = replace(self.tensors[name], role=role, origin=origin)

    def graph(self, name: str) -> Graph:
        """What was built, without ops and constants that no output needs."""
        tensors = self.tensors
        needed = {name for name, tensor in tensors.items() if tensor.role in ("input", "output")}
        ops = []
        for op in reversed(self.ops):
            if not needed.isdisjoint(op.outputs):
                ops.append(op)
                needed.update(op.inputs)
        kept = tuple(tensor for tensor in tensors.values() if tensor.name in needed)
        return Graph(name=name, ops=tuple(reversed(ops)), tensors=kept)


def limits_of(minimum: int, maximum: int, limits: tuple[int, int]) -> Mapping[str, int]:
    """Attributes of a saturation that is narrower than the number format's."""
    if (minimum, maximum) == limits:
        return {}
    return {"minimum": minimum, "maximum": maximum}

"""Graphs made from sizes alone: what benchmarks and tests run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilewright.dataflow.graph import Graph, Op, Role, Tensor


def matmul_graph(m: int, k: int, n: int | Sequence[int], *, seed: int) -> Graph:
    """`m x k @ k x n`, int8, with random weights, bias and per-channel scales; a chain of matmuls
    for several `n`.

    Scales are such that results fill the int8 range without saturating all.
    """
    widths = [n] if isinstance(n, int) else list(n)
    rng = np.random.default_rng(seed)
    tensors = [_activation("x", (m, k), "input")]
    ops = []
    for place, width in enumerate(widths):
        is_last = place == len(widths) - 1
        name, source = f"matmul_{place}", tensors[0].name if place == 0 else f"y_{place - 1}"
        spread = 1.0 / (73.0 * 73.0 * np.sqrt(k)) * 50.0
        scale = (spread * rng.uniform(0.5, 2.0, width)).astype(np.float32)
        weight = rng.integers(-127, 128, (k, width), dtype=np.int8)
        bias = rng.integers(-(1 << 12), 1 << 12, width, dtype=np.int32)
        tensors += [
            _constant(f"{name}_weight", weight, "KN"),
            _constant(f"{name}_bias", bias, "N"),
            _constant(f"{name}_scale", scale, "N"),
            _activation(f"y_{place}", (m, width), "output" if is_last else "intermediate"),
        ]
        ops.append(
            Op(
                name=name,
                kind="matmul",
                inputs=(source, f"{name}_weight", f"{name}_bias", f"{name}_scale"),
                outputs=(f"y_{place}",),
                attributes={"zero_point": 3, "minimum": -128, "maximum": 127},
            )
        )
        k = width
    return Graph(name="matmul", ops=tuple(ops), tensors=tuple(tensors))


def _activation(name: str, shape: tuple[int, int], role: Role) -> Tensor:
    return Tensor(
        name=name,
        shape=shape,
        number_format="int8",
        scale=(0.05,),
        zero_point=(3,),
        layout="MK",
        role=role,
    )


def _constant(name: str, data: NDArray[Any], layout: str) -> Tensor:
    return Tensor(
        name=name,
        shape=data.shape,
        number_format=data.dtype.name,
        layout=layout,
        role="constant",
        data=data,
    )

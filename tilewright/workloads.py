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
    return matmul_tree(m, k, [(place - 1, width) for place, width in enumerate(widths)], seed=seed)


def matmul_tree(m: int, k: int, ops: Sequence[tuple[int, int]], *, seed: int) -> Graph:
    """Matmuls of `m` rows as in `matmul_graph`: op *i* reads the result of op `ops[i][0]` (-1: the
    model's input, of `k` columns) and makes `ops[i][1]` columns. What no op reads is an output.
    """
    rng = np.random.default_rng(seed)
    tensors = [_activation("x", (m, k), "input")]
    depths = [k]
    made = []
    read = {source for source, _ in ops}
    for place, (source, width) in enumerate(ops):
        name, depth = f"matmul_{place}", depths[source + 1]
        tensors += _constants(rng, name, depth, width)
        role: Role = "intermediate" if place in read else "output"
        tensors.append(_activation(f"y_{place}", (m, width), role))
        depths.append(width)
        made.append(
            Op(
                name=name,
                kind="matmul",
                inputs=(
                    "x" if source < 0 else f"y_{source}",
                    *(f"{name}_{kind}" for kind in ("weight", "bias", "scale")),
                ),
                outputs=(f"y_{place}",),
                attributes={"zero_point": 3, "minimum": -128, "maximum": 127},
            )
        )
    return Graph(name="matmul", ops=tuple(made), tensors=tuple(tensors))


def _constants(rng: np.random.Generator, name: str, k: int, n: int) -> list[Tensor]:
    """Weights, bias and scales of one matmul."""
    spread = 1.0 / (73.0 * 73.0 * np.sqrt(k)) * 50.0
    scale = (spread * rng.uniform(0.5, 2.0, n)).astype(np.float32)
    weight = rng.integers(-127, 128, (k, n), dtype=np.int8)
    bias = rng.integers(-(1 << 12), 1 << 12, n, dtype=np.int32)
    return [
        _constant(f"{name}_weight", weight, "KN"),
        _constant(f"{name}_bias", bias, "N"),
        _constant(f"{name}_scale", scale, "N"),
    ]


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

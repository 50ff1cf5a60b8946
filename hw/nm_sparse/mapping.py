"""How a matrix product with compressed weights becomes words, and output words a matrix. Pure.

Matrices are sequences of rows of integers. Ragged edges (K no multiple of the group, M of the rows,
N of the columns) are filled with zeros and cut off again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..systolic.mapping import (
    Matrix,
    TileLoops,
    pack_parameters,
    pack_word,
    tile_loops,
    unpack_outputs,
)
from ..systolic.mapping import command_fields as systolic_command_fields
from .params import NMSparseParams

__all__ = [
    "Compressed",
    "GroupLoops",
    "command_fields",
    "compress",
    "group_loops",
    "pack_a",
    "pack_b",
    "pack_parameters",
    "unpack_outputs",
]


@dataclass(frozen=True, kw_only=True)
class GroupLoops(TileLoops):
    """Loop bounds of a command: `k_blocks` steps of a tile, `kept` of them per group."""

    kept: int

    @property
    def groups(self) -> int:
        """Groups of k."""
        return self.k_blocks // self.kept


@dataclass(frozen=True, kw_only=True)
class Compressed:
    """Compressed weights: `values[group][step][column]` and `indices` likewise.

    Groups with fewer weights that are not zero end in (0, 0). Within a group indices rise.
    """

    kept: int
    values: Sequence[Sequence[Sequence[int]]]
    indices: Sequence[Sequence[Sequence[int]]]


def group_loops(
    params: NMSparseParams, m: int, k: int, n: int, *, kept: int, subpanels: int = 1
) -> GroupLoops:
    """Loops that cover an m x k by k x n product with `kept` weights per group."""
    if not 1 <= kept <= params.group:
        raise ValueError(f"kept: 1..{params.group} (group), got {kept}")
    if k < 1:
        raise ValueError(f"k: at least 1, got {k}")
    tiles = tile_loops(params, m, -(-k // params.group), n, subpanels=subpanels)
    return GroupLoops(
        k_blocks=tiles.k_blocks * kept,
        subpanels=tiles.subpanels,
        m_tiles=tiles.m_tiles,
        panels=tiles.panels,
        kept=kept,
    )


def command_fields(params: NMSparseParams, loops: GroupLoops, **settings: int) -> dict[str, int]:
    """Fields of the command that walks `loops`; settings as those of a systolic command."""
    fields = systolic_command_fields(params, loops, **settings)
    return fields | {"last_0": loops.groups - 1, "last_step": loops.kept - 1}


def compress(params: NMSparseParams, b: Matrix, kept: int) -> Compressed:
    """Weights K x N, zeros and all, in the compressed form; ValueError where a group has too many.

    With `mux: row` the columns of a tile share one pattern: k that are zero in all of them.
    """
    num_k, num_n = len(b), len(b[0])
    width = params.cols if params.mux == "row" else 1
    values: list[list[list[int]]] = []
    indices: list[list[list[int]]] = []
    for start in range(0, num_k, params.group):
        lines = b[start : start + params.group]
        group_values = [[0] * num_n for _ in range(kept)]
        group_indices = [[0] * num_n for _ in range(kept)]
        for first in range(0, num_n, width):
            columns = range(first, min(first + width, num_n))
            used = [i for i, line in enumerate(lines) if any(line[c] for c in columns)]
            if len(used) > kept:
                raise ValueError(_too_many(start, columns, len(used), kept))
            for step, index in enumerate(used):
                for c in columns:
                    group_values[step][c] = int(lines[index][c])
                    group_indices[step][c] = index
        values.append(group_values)
        indices.append(group_indices)
    return Compressed(kept=kept, values=values, indices=indices)


def _too_many(k: int, columns: range, found: int, kept: int) -> str:
    last = f"..{columns[-1]}" if len(columns) > 1 else ""
    return f"group at k {k}, column {columns[0]}{last}: {found} weights not zero, kept is {kept}"


def pack_a(params: NMSparseParams, loops: GroupLoops, a: Matrix) -> Iterator[int]:
    """Activation words in the order in which the kernel takes them."""
    tiles = [_a_tile(params, loops, a, m_tile) for m_tile in range(loops.m_tiles)]
    for _, m_tile, _ in loops.walk():
        yield from tiles[m_tile]


def _a_tile(params: NMSparseParams, loops: GroupLoops, a: Matrix, m_tile: int) -> list[int]:
    first = m_tile * params.rows
    rows = [a[r] if r < len(a) else () for r in range(first, first + params.rows)]
    words = []
    for group in range(loops.groups):
        for part in range(params.group_words):
            start = part * params.feed_lanes
            ks = range(start, start + params.feed_lanes)
            elements = (
                int(row[group * params.group + k])
                if k < params.group and group * params.group + k < len(row)
                else 0
                for row in rows
                for k in ks
            )
            words.append(pack_word(elements, params.a_format.bits))
    return words


def pack_b(params: NMSparseParams, loops: GroupLoops, b: Compressed) -> Iterator[int]:
    """Weight words in the order in which the kernel takes them."""
    if b.kept != loops.kept:
        raise ValueError(f"weights keep {b.kept} of a group, the command {loops.kept}")
    for panel in range(loops.panels):
        subpanels = range(panel * loops.subpanels, (panel + 1) * loops.subpanels)
        tiles = [_b_tile(params, loops, b, subpanel * params.cols) for subpanel in subpanels]
        for _ in range(loops.m_tiles):
            for tile in tiles:
                yield from tile


def _b_tile(params: NMSparseParams, loops: GroupLoops, b: Compressed, first: int) -> list[int]:
    bits, columns = params.b_format.bits, slice(first, first + params.cols)
    words = []
    for group in range(loops.groups):
        for step in range(loops.kept):
            values, indices = b.values[group][step][columns], b.indices[group][step][columns]
            if params.mux == "row":
                index = indices[0] if len(indices) else 0
                words.append(pack_word(values, bits) | int(index) << params.cols * bits)
            else:
                mask = (1 << bits) - 1
                pairs = zip(values, indices, strict=True)
                elements = ((int(v) & mask) | int(i) << bits for v, i in pairs)
                words.append(pack_word(elements, params.weight_bits))
    return words

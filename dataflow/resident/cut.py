"""Ops cut into tasks that fit the scratchpad, and the planner's problem that they make.

A task is a block of row tiles times a group of panels of one op. Its operands lie whole in the
scratchpad: the block of rows as `[k block][row, padded to whole tiles]`, the group's weights as in
memory. The results of an op's groups fill one block of the next op's input in place: each group
overwrites what the one before left, so the planner sees one version of the block for each. Results
that no op reads are a block for each group, which leaves at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..graph import Graph, Op
from ..planning.problem import Item, Problem, Step
from ..tiling import Matmul, split_evenly


@dataclass(frozen=True, kw_only=True)
class Cut:
    """At most `tiles` row tiles in a block, at most `group_words` words of weights in a group."""

    tiles: int
    group_words: int


@dataclass(frozen=True, kw_only=True)
class Part:
    """One task: row tiles `[first_tile, first_tile + tiles)`, panels `[first_panel, + panels)`."""

    op: Op
    size: Matmul
    first_tile: int
    tiles: int
    first_panel: int
    panels: int
    is_read: bool

    @property
    def first_row(self) -> int:
        return self.first_tile * self.size.array.rows

    @property
    def rows(self) -> int:
        """Valid rows; the last tile may have fewer than the array."""
        return min(self.size.m - self.first_row, self.padded_rows)

    @property
    def padded_rows(self) -> int:
        return self.tiles * self.size.array.rows

    @property
    def input_words(self) -> int:
        """Of the input block in the scratchpad."""
        return self.size.k_blocks * self.padded_rows

    @property
    def result_panels(self) -> int:
        """Panels of the block that the results are part of: of all groups if an op reads it."""
        return self.size.panels if self.is_read else self.panels

    @property
    def result_tile(self) -> tuple[int, ...]:
        return (self.first_tile,) if self.is_read else (self.first_tile, self.first_panel)

    @property
    def result_words(self) -> int:
        """Of the block of results in the scratchpad."""
        return self.result_panels * self.padded_rows

    @property
    def weight_words(self) -> int:
        return self.panels * self.size.b_panel_words

    @property
    def parameter_words(self) -> int:
        return self.panels * self.size.parameter_panel_words


@dataclass(frozen=True, kw_only=True)
class Piece:
    """What an item of the problem is: a tile of a tensor, and its words over the memory port."""

    tensor: str
    tile: tuple[int, ...]
    moved_words: int
    is_weight: bool


@dataclass(frozen=True, kw_only=True)
class Work:
    """The tasks, the planner's problem (sizes in words, one step for each task), and its items."""

    parts: tuple[Part, ...]
    pieces: tuple[Piece, ...]
    problem: Problem

    @property
    def parameter_words(self) -> int:
        """Loaded for every task."""
        return sum(part.parameter_words for part in self.parts)

    def fits(self, a_words: int, w_words: int) -> bool:
        """Whether every task has room in ranges of so many words."""
        return all(
            part.input_words + part.result_words <= a_words and part.weight_words <= w_words
            for part in self.parts
        )

    def orders(self) -> Iterator[tuple[int, ...]]:
        """Orders that are tried whatever the planner finds: op after op, with all blocks for a
        group of weights or all groups for a block; and block after block through all ops."""
        parts, indices = self.parts, range(len(self.parts))
        op_of = [part.op.name for part in parts]
        tile_of = [part.first_tile for part in parts]
        by_op = sorted(indices, key=lambda i: (op_of.index(op_of[i]), tile_of[i]))
        by_block = sorted(indices, key=lambda i: (tile_of[i], i))
        yield from dict.fromkeys(map(tuple, (indices, by_op, by_block)))


def tile_words(graph: Graph, size: Matmul) -> int:
    """The least words of activations for each row tile of an op: its input, and its results, all
    panels of them if another op reads them.
    """
    results = {op.name: op.outputs[0] for op in graph.ops}
    is_read = any(op.inputs[0] == results[size.op] for op in graph.ops)
    return size.array.rows * (size.k_blocks + (size.panels if is_read else 1))


def least_words(graph: Graph, sizes: Sequence[Matmul]) -> tuple[int, int]:
    """The least words of activations and of weights that any cut needs: one row tile, one panel."""
    activations = max(tile_words(graph, size) for size in sizes)
    return activations, max(size.b_panel_words for size in sizes)


def make_work(graph: Graph, sizes: Sequence[Matmul], cut: Cut) -> Work:
    """The tasks of `graph` under `cut`, op after op."""
    read = {op.inputs[0] for op in graph.ops}
    parts = [
        part
        for op, size in zip(graph.ops, sizes, strict=True)
        for part in _parts(op, size, cut, is_read=op.outputs[0] in read)
    ]
    items = _Items()
    steps = tuple(items.step(part) for part in parts)
    problem = Problem(name=graph.name, items=tuple(items.items), steps=steps, budget=1 << 62)
    return Work(parts=tuple(parts), pieces=tuple(items.pieces), problem=problem)


def _parts(op: Op, size: Matmul, cut: Cut, *, is_read: bool) -> Iterator[Part]:
    most = max(1, cut.group_words // size.b_panel_words)
    first_panel = 0
    for panels in split_evenly(size.panels, most):
        first_tile = 0
        for tiles in split_evenly(size.m_tiles, cut.tiles):
            yield Part(
                op=op,
                size=size,
                first_tile=first_tile,
                tiles=tiles,
                first_panel=first_panel,
                panels=panels,
                is_read=is_read,
            )
            first_tile += tiles
        first_panel += panels


class _Items:
    """Numbers the items as the tasks name them."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.pieces: list[Piece] = []
        self.known: dict[tuple[str, tuple[int, ...]], int] = {}

    def step(self, part: Part) -> Step:
        size, tile = part.size, (part.first_tile,)
        source, weight, result = part.op.inputs[0], part.op.inputs[1], part.op.outputs[0]
        block = Piece(
            tensor=source, tile=tile, moved_words=part.rows * size.k_blocks, is_weight=False
        )
        weights = Piece(
            tensor=weight,
            tile=(part.first_panel,),
            moved_words=part.weight_words,
            is_weight=True,
        )
        reads = [self._find(block, part.input_words), self._find(weights, part.weight_words)]
        old = self.known.get((result, part.result_tile))
        made = Piece(
            tensor=result,
            tile=part.result_tile,
            moved_words=part.rows * part.result_panels,
            is_weight=False,
        )
        version = part.first_panel if part.is_read else 0
        new = self._add(made, part.result_words, version)
        return Step(
            name=f"{part.op.name}.{part.first_tile}.{part.first_panel}",
            reads=(*reads, *(() if old is None else (old,))),
            writes=(new,),
            overwrites=old,
        )

    def _find(self, piece: Piece, words: int) -> int:
        known = self.known.get((piece.tensor, piece.tile))
        return self._add(piece, words) if known is None else known

    def _add(self, piece: Piece, words: int, version: int = 0) -> int:
        name = f"{piece.tensor}{list(piece.tile)}"
        self.items.append(Item(name=name + f".{version}" * bool(version), size=words))
        self.pieces.append(piece)
        self.known[piece.tensor, piece.tile] = len(self.items) - 1
        return len(self.items) - 1

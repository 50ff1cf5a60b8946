"""Sizes of a matmul on a systolic engine: what an operator is split into."""

from __future__ import annotations

from dataclasses import dataclass

from tilewright.spec.numbers import word_bytes_of

from .checks import at_least
from .graph import Graph
from .machine import DATAFLOWS, ELEMENT_BITS, Machine

PARAMETER_BYTES = 8
"""One output channel's bias and scale."""


def ceil_div(value: int, divisor: int) -> int:
    """`value / divisor` rounded up."""
    return -(-value // divisor)


class DoesNotFit(ValueError):
    """The machine is too small for the model; the text names the least size that works."""


@dataclass(frozen=True, kw_only=True)
class ArrayShape:
    """A systolic engine's sizes, and what follows from them."""

    engine: str
    rows: int
    cols: int
    lanes: int
    dataflow: str
    param_sets: int

    def __post_init__(self) -> None:
        for name in ("rows", "cols", "lanes", "param_sets"):
            at_least(f"engine {self.engine}: {name}", getattr(self, name), 1)
        if self.lanes < max(self.rows, self.cols):
            raise ValueError(
                f"engine {self.engine}: lanes must be at least rows and cols "
                f"({self.rows} x {self.cols}), got {self.lanes}"
            )
        if self.lanes % self.cols:
            raise ValueError(
                f"engine {self.engine}: lanes must be a multiple of cols {self.cols}, "
                f"got {self.lanes}"
            )
        if self.dataflow not in DATAFLOWS:
            raise ValueError(f"engine {self.engine}: dataflow {self.dataflow!r} is unknown")
        if self.param_sets < self.subpanels:
            raise ValueError(
                f"engine {self.engine}: param_sets must hold a panel's {self.subpanels} subpanels, "
                f"got {self.param_sets}"
            )

    @property
    def subpanels(self) -> int:
        """Groups of `cols` channels in a panel of `lanes`."""
        return ceil_div(self.lanes, self.cols)

    @property
    def subblocks(self) -> int:
        """Groups of `rows` values of k in a word (weight stationary)."""
        return ceil_div(self.lanes, self.rows)

    @property
    def b_block_words(self) -> int:
        """Words of a k block of one subpanel: its columns, or its rows of weights."""
        if self.dataflow == "weight_stationary":
            return self.subblocks * self.rows
        return self.cols

    @property
    def word_bytes(self) -> int:
        """Bytes of a word in memory."""
        return word_bytes_of(self.lanes)

    @property
    def parameter_words(self) -> int:
        """Words of the parameters of one subpanel."""
        return ceil_div(self.cols * PARAMETER_BYTES, self.word_bytes)


def array_shape(machine: Machine) -> ArrayShape:
    """Sizes of the machine's systolic engine.

    Raises:
        ValueError: if there is not exactly one, or its sizes do not go together.
    """
    engines = [engine for engine in machine.engines if engine.kind == "systolic"]
    if len(engines) != 1:
        raise ValueError(f"engines: exactly one systolic engine is needed, got {len(engines)}")
    engine = engines[0]
    shape = ArrayShape(
        engine=engine.name,
        rows=engine.integer("rows"),
        cols=engine.integer("cols"),
        lanes=engine.integer("lanes"),
        dataflow=engine.text("dataflow"),
        param_sets=engine.integer("param_sets"),
    )
    if shape.lanes != machine.lanes:
        raise ValueError(
            f"scratchpad.word_bits: must be lanes x {ELEMENT_BITS} = "
            f"{shape.lanes * ELEMENT_BITS}, got {machine.scratchpad.word_bits}"
        )
    return shape


@dataclass(frozen=True, kw_only=True)
class Matmul:
    """`m x k @ k x n` of op `op` on an array: counts of tiles, blocks and panels."""

    op: str
    m: int
    k: int
    n: int
    array: ArrayShape

    @property
    def m_tiles(self) -> int:
        return ceil_div(self.m, self.array.rows)

    @property
    def k_blocks(self) -> int:
        return ceil_div(self.k, self.array.lanes)

    @property
    def panels(self) -> int:
        return ceil_div(self.n, self.array.lanes)

    @property
    def a_panel_words(self) -> int:
        """[k block][row] of one row tile."""
        return self.k_blocks * self.array.rows

    @property
    def b_panel_words(self) -> int:
        """[subpanel][k block][column], or [subpanel][k block][subblock][row], of one panel."""
        return self.array.subpanels * self.k_blocks * self.array.b_block_words

    @property
    def parameter_panel_words(self) -> int:
        return self.array.subpanels * self.array.parameter_words

    def cycles(self, m_tiles: int) -> int:
        """Cycles of `m_tiles` row tiles times all panels without a stall, in the array alone."""
        steps = m_tiles * self.panels * self.array.subpanels * self.k_blocks
        return steps * self.array.lanes


def matmuls(graph: Graph, array: ArrayShape) -> tuple[Matmul, ...]:
    """The sizes of every op of the graph, in order.

    Raises:
        ValueError: if an op is no matmul.
    """
    found = []
    for op in graph.ops:
        if op.kind != "matmul":
            raise ValueError(f"op {op.name}: kind {op.kind!r} runs on no engine of this machine")
        m, k = graph.tensor(op.inputs[0]).shape
        inner, n = graph.tensor(op.inputs[1]).shape
        if inner != k or graph.tensor(op.outputs[0]).shape != (m, n):
            raise ValueError(f"op {op.name}: shapes do not go together")
        found.append(Matmul(op=op.name, m=m, k=k, n=n, array=array))
    return tuple(found)


def split_evenly(tiles: int, most: int) -> tuple[int, ...]:
    """`tiles` in the fewest blocks of at most `most`, sizes as equal as possible, falling."""
    blocks = ceil_div(tiles, most)
    small, extra = divmod(tiles, blocks)
    return (small + 1,) * extra + (small,) * (blocks - extra)

"""How a matrix product becomes the words of a systolic kernel, and its output words a matrix. Pure.

Matrices are sequences of rows of integers (lists, NumPy arrays). Ragged edges are filled with zeros
and cut off again. Output stationary only: weight-stationary packing is in `mapping_ws`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product

from .cost import block_cycles
from .params import ENTRY_BITS, RESULT_BITS, SystolicParams

Matrix = Sequence[Sequence[int]]


@dataclass(frozen=True, kw_only=True)
class TileLoops:
    """Loop bounds of a command, innermost first."""

    k_blocks: int
    subpanels: int
    m_tiles: int
    panels: int

    @property
    def tiles(self) -> int:
        """Tiles of the command."""
        return self.subpanels * self.m_tiles * self.panels

    @property
    def blocks(self) -> int:
        """k blocks of the command."""
        return self.k_blocks * self.tiles

    def walk(self) -> Iterator[tuple[int, int, int]]:
        """(panel, m tile, subpanel) of each tile, in the order in which they are computed."""
        return product(range(self.panels), range(self.m_tiles), range(self.subpanels))


def tile_loops(params: SystolicParams, m: int, k: int, n: int, *, subpanels: int = 1) -> TileLoops:
    """Loops that cover an m x k by k x n product with panels of `subpanels` x cols columns."""
    for name, value in (("m", m), ("k", k), ("n", n), ("subpanels", subpanels)):
        if value < 1:
            raise ValueError(f"{name}: at least 1, got {value}")
    if params.has_parameters and subpanels > params.param_sets:
        raise ValueError(f"subpanels: at most param_sets = {params.param_sets}, got {subpanels}")
    loops = TileLoops(
        k_blocks=-(-k // block_cycles(params)),
        subpanels=subpanels,
        m_tiles=-(-m // params.rows),
        panels=-(-n // (params.cols * subpanels)),
    )
    for name in ("k_blocks", "m_tiles", "panels"):
        if getattr(loops, name) > 1 << params.bound_bits:
            bounds = f"{getattr(loops, name)} {name}"
            raise ValueError(f"{bounds} do not fit bound_bits = {params.bound_bits}")
    return loops


def command_fields(
    params: SystolicParams,
    loops: TileLoops,
    *,
    zero_point: int = 0,
    minimum: int | None = None,
    maximum: int | None = None,
) -> dict[str, int]:
    """Fields of the command that walks `loops`; limits default to those of the result format."""
    bounds = (loops.k_blocks, loops.subpanels, loops.m_tiles, loops.panels)
    fields = {f"last_{d}": bound - 1 for d, bound in enumerate(bounds)}
    if params.has_parameters:
        low, high = params.requantize_params.output_range
        fields["zero_point"] = zero_point
        fields["minimum"] = low if minimum is None else minimum
        fields["maximum"] = high if maximum is None else maximum
    return fields


def pack_word(elements: Iterable[int], bits: int) -> int:
    """Element e in bits [e * bits, (e + 1) * bits), two's complement."""
    mask = (1 << bits) - 1
    return sum((int(element) & mask) << (e * bits) for e, element in enumerate(elements))


def unpack_word(word: int, bits: int, num: int) -> list[int]:
    """The `num` signed elements of a word."""
    half = 1 << (bits - 1)
    fields = ((word >> (e * bits)) & (2 * half - 1) for e in range(num))
    return [(field ^ half) - half for field in fields]


def pack_a(params: SystolicParams, loops: TileLoops, a: Matrix) -> Iterator[int]:
    """A words in the order in which the kernel takes them."""
    bits, feed = params.a_format.bits, params.a_feed
    for _, m_tile, _ in loops.walk():
        tile = _Tile(a, (m_tile * params.rows, params.rows), is_transposed=False)
        yield from tile.words(params, loops, feed, bits)


def pack_b(params: SystolicParams, loops: TileLoops, b: Matrix) -> Iterator[int]:
    """B words in the order in which the kernel takes them."""
    bits, feed = params.b_format.bits, params.b_feed
    for panel, _, subpanel in loops.walk():
        first = (panel * loops.subpanels + subpanel) * params.cols
        tile = _Tile(b, (first, params.cols), is_transposed=True)
        yield from tile.words(params, loops, feed, bits)


@dataclass(frozen=True)
class _Tile:
    """Lines [first, first + num) of a matrix; a line runs along k (rows of A, columns of B)."""

    matrix: Matrix
    lines: tuple[int, int]
    is_transposed: bool

    def at(self, line: int, k: int) -> int:
        row, col = (k, line) if self.is_transposed else (line, k)
        if row < len(self.matrix) and col < len(self.matrix[0]):
            return int(self.matrix[row][col])
        return 0

    def words(
        self, params: SystolicParams, loops: TileLoops, feed: str, bits: int
    ) -> Iterator[int]:
        steps = block_cycles(params)
        lines = range(self.lines[0], sum(self.lines))
        for start in range(0, loops.k_blocks * steps, steps):
            ks = range(start, start + steps)
            if feed == "k_inner":
                yield from (pack_word((self.at(line, k) for k in ks), bits) for line in lines)
            else:
                yield from (pack_word((self.at(line, k) for line in lines), bits) for k in ks)


def parameter_entry(bias: int, scale_word: int) -> int:
    """Entry of one output channel: bias in the low half, encoded scale in the high half."""
    return (int(bias) & 0xFFFFFFFF) | (int(scale_word) << 32)


def pack_parameters(
    params: SystolicParams, loops: TileLoops, biases: Sequence[int], scale_words: Sequence[int]
) -> Iterator[int]:
    """Parameter words of a command: a set of `cols` entries, padded to a word, per subpanel."""
    entries = [parameter_entry(*pair) for pair in zip(biases, scale_words, strict=True)]
    for first in range(0, loops.panels * loops.subpanels * params.cols, params.cols):
        line = pack_word(entries[first : first + params.cols], ENTRY_BITS)
        mask = (1 << params.param_word_bits) - 1
        for w in range(params.words_per_set):
            yield (line >> (w * params.param_word_bits)) & mask


def unpack_outputs(
    params: SystolicParams, loops: TileLoops, words: Iterable[int], m: int, n: int
) -> list[list[int]]:
    """The m x n results in the output words of a command; row after row."""
    bits = RESULT_BITS if params.has_parameters else params.accumulator_bits
    result = [[0] * n for _ in range(m)]
    stream = iter(words)
    for panel, m_tile, subpanel in loops.walk():
        first_col = (panel * loops.subpanels + subpanel) * params.cols
        rows = range(m_tile * params.rows, (m_tile + 1) * params.rows)
        tile = list(islice(stream, params.rows))
        for row, word in zip(rows, tile, strict=True):
            if row < m:
                values = unpack_word(word, bits, params.cols)
                result[row][first_col : first_col + params.cols] = values[: max(0, n - first_col)]
    return result

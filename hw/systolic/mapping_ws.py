"""Packing for the weight-stationary dataflow; see `mapping` for the output-stationary one. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product

from . import mapping
from .cost_ws import subblocks
from .mapping import Matrix, TileLoops, pack_word, unpack_word
from .params import RESULT_BITS, SystolicParams


@dataclass(frozen=True, kw_only=True)
class PassLoops:
    """Loop bounds of a command, innermost first."""

    m: int
    k_blocks: int
    subpanels: int
    panels: int

    @property
    def packets(self) -> int:
        """Packets of results of the command, `m` rows each."""
        return self.subpanels * self.panels


def pass_loops(params: SystolicParams, m: int, k: int, n: int, *, subpanels: int = 1) -> PassLoops:
    """Loops that cover an m x k by k x n product with panels of `subpanels` x cols columns."""
    for name, value in (("m", m), ("k", k), ("n", n), ("subpanels", subpanels)):
        if value < 1:
            raise ValueError(f"{name}: at least 1, got {value}")
    if m > params.accumulator_rows:
        raise ValueError(f"m: at most accumulator_rows = {params.accumulator_rows}, got {m}")
    if params.has_parameters and subpanels > params.param_sets:
        raise ValueError(f"subpanels: at most param_sets = {params.param_sets}, got {subpanels}")
    loops = PassLoops(
        m=m,
        k_blocks=-(-k // params.lanes),
        subpanels=subpanels,
        panels=-(-n // (params.cols * subpanels)),
    )
    for name in ("m", "k_blocks", "subpanels", "panels"):
        if getattr(loops, name) > 1 << params.bound_bits:
            bounds = f"{getattr(loops, name)} {name}"
            raise ValueError(f"{bounds} do not fit bound_bits = {params.bound_bits}")
    return loops


def command_fields(
    params: SystolicParams,
    loops: PassLoops,
    *,
    zero_point: int = 0,
    minimum: int | None = None,
    maximum: int | None = None,
) -> dict[str, int]:
    """Fields of the command that walks `loops`; limits default to those of the result format."""
    fields = mapping.command_fields(
        params, _tiles(loops), zero_point=zero_point, minimum=minimum, maximum=maximum
    )
    bounds = (loops.m, loops.k_blocks, loops.subpanels, loops.panels)
    return fields | {f"last_{d}": bound - 1 for d, bound in enumerate(bounds)}


def pack_a(params: SystolicParams, loops: PassLoops, a: Matrix) -> Iterator[int]:
    """A words in the order in which the kernel takes them: those of a k block for each subblock."""
    columns = range(0, loops.k_blocks * params.lanes, params.lanes)
    blocks = [
        [pack_word(list(row[k : k + params.lanes]), params.a_format.bits) for row in a]
        for k in columns
    ]
    for _, block, _ in product(range(loops.packets), blocks, range(subblocks(params))):
        yield from block


def pack_b(params: SystolicParams, loops: PassLoops, b: Matrix) -> Iterator[int]:
    """B words in the order in which the kernel takes them: a row of weights each."""
    walk = product(
        range(loops.packets), range(loops.k_blocks), range(subblocks(params)), range(params.rows)
    )
    for packet, k_block, subblock, row in walk:
        lane = subblock * params.rows + row
        k = k_block * params.lanes + lane
        # Rows for lanes beyond the word meet operands that are zero.
        is_inside = lane < params.lanes and k < len(b)
        first = packet * params.cols
        elements = list(b[k][first : first + params.cols]) if is_inside else []
        yield pack_word(elements, params.b_format.bits)


def pack_parameters(
    params: SystolicParams, loops: PassLoops, biases: Sequence[int], scale_words: Sequence[int]
) -> Iterator[int]:
    """Parameter words of a command: a set of `cols` entries, padded to a word, per subpanel."""
    return mapping.pack_parameters(params, _tiles(loops), biases, scale_words)


def unpack_outputs(
    params: SystolicParams, loops: PassLoops, words: Iterable[int], m: int, n: int
) -> list[list[int]]:
    """The m x n results in the output words of a command."""
    bits = RESULT_BITS if params.has_parameters else params.accumulator_bits
    result = [[0] * n for _ in range(m)]
    stream = iter(words)
    for packet in range(loops.packets):
        first = packet * params.cols
        for row, word in zip(range(m), islice(stream, m), strict=True):
            values = unpack_word(word, bits, params.cols)
            result[row][first : first + params.cols] = values[: max(0, n - first)]
    return result


def _tiles(loops: PassLoops) -> TileLoops:
    """The same panels and subpanels, for what does not depend on the dataflow."""
    return TileLoops(
        k_blocks=loops.k_blocks, subpanels=loops.subpanels, m_tiles=1, panels=loops.panels
    )

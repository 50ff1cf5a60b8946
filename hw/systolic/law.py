"""The output-stationary law of `cost` as a recurrence over blocks. Pure.

Times are cycles. `starts_from_transfers` follows transfers that were observed (any stall); `Timing`
is the kernel alone with sources that always have a word and a destination that always takes one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from . import closed, cost
from .mapping import TileLoops
from .params import SystolicParams

BEFORE = -(1 << 60)
"""A time that holds nothing up."""


@dataclass(frozen=True, kw_only=True)
class Transfers:
    """Cycles of the transfers of each port, in order."""

    command: Sequence[int]
    a: Sequence[int]
    b: Sequence[int]
    o: Sequence[int]
    p: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Starts of all blocks, and per tile the start of its last block; release of each panel."""

    starts: list[int] = field(default_factory=list)
    tile_ends: list[int] = field(default_factory=list)
    releases: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """What a block is for: its command, and whether it begins or ends something."""

    command: int
    is_first_of_panel: bool
    is_last_of_tile: bool
    is_last_of_panel: bool
    num_sets: int


def places(commands: Sequence[TileLoops]) -> Iterator[Place]:
    """The blocks of `commands` in order."""
    for c, loops in enumerate(commands):
        of_panel = loops.k_blocks * loops.subpanels * loops.m_tiles
        for j in range(loops.blocks):
            yield Place(
                c,
                j % of_panel == 0,
                (j + 1) % loops.k_blocks == 0,
                (j + 1) % of_panel == 0,
                loops.subpanels,
            )


def starts_from_transfers(
    params: SystolicParams, commands: Sequence[TileLoops], seen: Transfers
) -> Timing:
    """When each block started, given every transfer."""
    timing = Timing()
    words_a, words_b = cost.a_block_words(params), cost.b_block_words(params)
    num_sets = 0
    for j, place in enumerate(places(commands)):
        causes = [
            seen.a[(j + 1) * words_a - 1] + cost.WORD_TO_START_CYCLES,
            seen.b[(j + 1) * words_b - 1] + cost.WORD_TO_START_CYCLES,
            seen.command[place.command] + cost.COMMAND_TO_START_CYCLES,
        ]
        if place.is_first_of_panel and params.has_parameters:
            num_sets += place.num_sets
            causes.append(seen.p[num_sets * params.words_per_set - 1] + cost.WORD_TO_START_CYCLES)
        tile = len(timing.tile_ends) - cost.output_tiles(params)
        if place.is_last_of_tile and tile >= 0:
            causes.append(seen.o[(tile + 1) * params.rows - 1] + cost.ROOM_CYCLES)
        _start(params, timing, place, max(causes))
    return timing


def _start(params: SystolicParams, timing: Timing, place: Place, earliest: int) -> int:
    """Records the start of the next block, `earliest` or later as the array allows."""
    start = earliest
    if timing.starts:
        start = max(start, timing.starts[-1] + cost.block_cycles(params))
    if place.is_last_of_tile and timing.tile_ends:
        start = max(start, timing.tile_ends[-1] + cost.packet_cycles(params))
    timing.starts.append(start)
    if place.is_last_of_tile:
        timing.tile_ends.append(start)
    if place.is_last_of_panel:
        timing.releases.append(start + cost.release_cycles(params))
    return start


def kernel_cycles(params: SystolicParams, commands: Sequence[TileLoops]) -> int:
    """Cycles from the first command's transfer to the last output word, both included.

    Commands, operands and parameters are offered from the cycle of the first command on without a
    pause, and every output word is taken at once.
    """
    if len(commands) == 1:
        return closed.one_command_cycles(params, commands[0])
    return recurrence_cycles(params, commands)


def recurrence_cycles(params: SystolicParams, commands: Sequence[TileLoops]) -> int:
    """`kernel_cycles` block by block, for any number of commands."""
    a = WordSource(params, cost.a_block_words(params))
    b = WordSource(params, cost.b_block_words(params))
    return cycles_with_sources(params, commands, a, b)


class BlockSource(Protocol):
    """An edge's words."""

    def next_block(self, starts: Sequence[int]) -> int:
        """Transfer of the last word that the next block needs, given the starts so far."""


def cycles_with_sources(
    params: SystolicParams, commands: Sequence[TileLoops], a: BlockSource, b: BlockSource
) -> int:
    """`kernel_cycles` with edges of any kind."""
    timing = Timing()
    sets = _SetSource(params)
    outputs: list[int] = []  # last word of each tile
    for place in places(commands):
        earliest = max(a.next_block(timing.starts), b.next_block(timing.starts))
        earliest += cost.WORD_TO_START_CYCLES
        if not timing.starts:  # later commands are there in time
            earliest = max(earliest, cost.COMMAND_TO_START_CYCLES)
        if place.is_first_of_panel and params.has_parameters:
            earliest = max(earliest, sets.next_panel(place.num_sets, timing.releases))
        tile = len(outputs) - cost.output_tiles(params)
        if place.is_last_of_tile and tile >= 0:
            earliest = max(earliest, outputs[tile] + cost.ROOM_CYCLES)
        start = _start(params, timing, place, earliest)
        if place.is_last_of_tile:
            first = start + cost.first_output_cycles(params)
            if outputs:
                first = max(first, outputs[-1] + 1)
            outputs.append(first + params.rows - 1)
    return outputs[-1] + 1


class WordSource:
    """Operand words offered without a pause to an edge buffer."""

    def __init__(self, params: SystolicParams, block_words: int) -> None:
        self.edge_blocks, self.block_words = params.edge_blocks, block_words
        self.last_word = -1

    def next_block(self, starts: Sequence[int]) -> int:
        """Transfer of the last word of the next block, given the starts so far."""
        block = len(starts) - self.edge_blocks
        freed = starts[block] + cost.ROOM_CYCLES - 1 if block >= 0 else BEFORE
        self.last_word = max(self.last_word, freed) + self.block_words
        return self.last_word


class _SetSource:
    """Parameter words offered without a pause to the ring."""

    def __init__(self, params: SystolicParams) -> None:
        self.params = params
        self.last_word = -1
        self.panel_of_set: list[int] = []
        self.num_panels = 0

    def next_panel(self, num_sets: int, releases: Sequence[int]) -> int:
        """Earliest start of a panel with `num_sets` sets, given the releases so far."""
        for _ in range(num_sets):
            old = len(self.panel_of_set) - self.params.param_sets
            freed = releases[self.panel_of_set[old]] - 1 if old >= 0 else BEFORE
            self.last_word = max(self.last_word, freed) + self.params.words_per_set
            self.panel_of_set.append(self.num_panels)
        self.num_panels += 1
        return self.last_word + cost.WORD_TO_START_CYCLES

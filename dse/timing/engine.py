"""The output-stationary systolic engine as a timed process: the law of `hw/systolic/cost.py`."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

from tilewright.dataflow.program import Command
from tilewright.hw.systolic import cost
from tilewright.hw.systolic.params import SystolicParams

from .network import Channel, Process
from .parts import FIRST_COMMAND_CYCLE, NEVER, Delays, Ports, give_all
from .streams import Feed, Results


@dataclass(kw_only=True, eq=False)
class CommandSlots:
    """When commands become active in an engine that holds one command and one behind it."""

    delays: Delays
    transfer: int = FIRST_COMMAND_CYCLE - 1
    active: int = NEVER

    def next_active(self, last_step: int) -> int:
        """The cycle in which the next command's first block may start, after the last block
        started.
        """
        self.transfer = max(self.transfer + self.delays.command_interval, self.active + 1)
        self.active = max(self.transfer + self.delays.command_to_start - 1, last_step)
        return self.active + 1


@dataclass(frozen=True, slots=True)
class Block:
    """One k block: its command, and what it begins or ends."""

    command: int
    subpanels: int
    is_first_of_command: bool
    is_first_of_panel: bool
    is_last_of_tile: bool
    is_last_of_panel: bool
    is_last_of_command: bool


def blocks(commands: Sequence[Command]) -> Iterator[Block]:
    """All k blocks in order: panels, row tiles, subpanels, k blocks."""
    for number, command in enumerate(commands):
        k_blocks, subpanels, m_tiles, panels = command.bounds
        of_panel = k_blocks * subpanels * m_tiles
        middle = Block(number, subpanels, False, False, False, False, False)
        end_of_tile = Block(number, subpanels, False, False, True, False, False)
        for place in range(panels * of_panel):
            within = place % of_panel
            ends_tile = within % k_blocks == k_blocks - 1
            if within and within != of_panel - 1:
                yield end_of_tile if ends_tile else middle
                continue
            ends_panel = within == of_panel - 1
            ends = ends_panel and place == panels * of_panel - 1
            yield Block(number, subpanels, place == 0, within == 0, ends_tile, ends_panel, ends)


@dataclass(kw_only=True, eq=False)
class CoreStreams:
    """What the engine is connected to."""

    a: Feed
    b: Feed
    parameters: Channel
    results: Results


def core_process(
    commands: Sequence[Command], params: SystolicParams, ports: Ports, streams: CoreStreams
) -> Process:
    """Starts blocks; gives them to both feeds, packets to `results`, and its tokens."""
    a, b, results = streams.a, streams.b, streams.results
    block_cycles, packet_cycles = cost.block_cycles(params), cost.packet_cycles(params)
    output_tiles = cost.output_tiles(params)
    slots = CommandSlots(delays=ports.delays)
    tile = num_sets = 0
    earliest = start = last_end = NEVER
    for number, block in enumerate(blocks(commands)):
        if number == 0:  # later commands are there in time: the loops run ahead of the blocks
            earliest = slots.next_active(start)
        for feed in (a, b):
            if len(feed.arrived.times) <= number:
                yield feed.arrived, number + 1
        words = max(a.arrived.times[number], b.arrived.times[number])
        start = max(earliest, words + cost.WORD_TO_START_CYCLES)
        if block.is_first_of_panel and params.has_parameters:
            num_sets += block.subpanels
            arrived = yield from sets_arrived(streams.parameters, params, num_sets)
            start = max(start, arrived + cost.WORD_TO_START_CYCLES)
        if block.is_last_of_tile:
            start = max(start, last_end + packet_cycles)
            if (room_of := tile - output_tiles) >= 0:
                if len(results.left.times) <= room_of:
                    yield results.left, room_of + 1
                start = max(start, results.left.times[room_of] + cost.ROOM_CYCLES)
            last_end, tile = start, tile + 1
            # Words wait for those before them; the streamer keeps their order.
            results.valid.give(start + cost.first_output_cycles(params))
        a.starts.give(start)
        b.starts.give(start)
        earliest = start + block_cycles
        ports.did(start, earliest, is_new=block.is_first_of_command)
        if block.is_last_of_panel:
            # A panel's parameters are free once its last tile has read them.
            end_level = 4 if block.is_last_of_command else 3
            signals = ports.signals(commands[block.command])
            give_all(signals, end_level, start + cost.release_cycles(params))


def sets_arrived(
    parameters: Channel, params: SystolicParams, num_sets: int
) -> Generator[tuple[Channel, int], None, int]:
    """The cycle in which the last parameter word of the first `num_sets` sets is taken."""
    needed = num_sets * params.words_per_set
    if len(parameters.times) < needed:
        yield parameters, needed
    return parameters.times[needed - 1]

"""The output-stationary systolic engine as a timed process: the law of `hw/systolic/cost.py`."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from tilewright.dataflow.program import Command
from tilewright.hw.lib import cost as parts_cost
from tilewright.hw.systolic import cost
from tilewright.hw.systolic.params import SystolicParams

from .network import Channel, Process
from .parts import FIRST_COMMAND_CYCLE, NEVER, Ports, give_all
from .streams import Feed, Results


@dataclass(kw_only=True, eq=False)
class CommandSlots:
    """When commands become active in an engine that holds one command and one behind it."""

    transfer: int = FIRST_COMMAND_CYCLE - 1
    active: int = NEVER

    def next_active(self, last_step: int) -> int:
        """The cycle in which the next command's first block may start, after the last block started."""
        self.transfer = max(self.transfer + parts_cost.QUEUE_COMMAND_INTERVAL, self.active + 1)
        self.active = max(self.transfer + cost.COMMAND_TO_START_CYCLES - 1, last_step)
        return self.active + 1


def core_process(
    commands: Sequence[Command],
    params: SystolicParams,
    ports: Ports,
    a: Feed,
    b: Feed,
    parameters: Channel,
    results: Results,
) -> Process:
    """Starts blocks; gives them to both feeds, packets to `results`, and its tokens."""
    block_cycles = cost.block_cycles(params)
    output_tiles = cost.output_tiles(params)
    first_output = cost.first_output_cycles(params)
    slots = CommandSlots()
    block = tile = num_sets = 0
    next_start = NEVER
    last_start = last_end = NEVER
    for command in commands:
        blocks, subpanels, m_tiles, panels = command.bounds
        signals = ports.signals(command)
        active = slots.next_active(last_start)
        for panel in range(panels):
            for tile_of_panel in range(m_tiles * subpanels):
                for k in range(blocks):
                    if len(a.arrived.times) <= block:
                        yield a.arrived, block + 1
                    if len(b.arrived.times) <= block:
                        yield b.arrived, block + 1
                    words = max(a.arrived.times[block], b.arrived.times[block])
                    start = max(next_start, active, words + cost.WORD_TO_START_CYCLES)
                    if k == 0 and tile_of_panel == 0 and params.has_parameters:
                        num_sets += subpanels
                        arrived = yield from sets_arrived(parameters, params, num_sets)
                        start = max(start, arrived + cost.WORD_TO_START_CYCLES)
                    if k == blocks - 1:
                        start = max(start, last_end + cost.packet_cycles(params))
                        room_of = tile - output_tiles
                        if room_of >= 0:
                            if len(results.left.times) <= room_of:
                                yield results.left, room_of + 1
                            start = max(start, results.left.times[room_of] + cost.ROOM_CYCLES)
                        last_end = start
                        # Words wait for those before them; the streamer keeps their order.
                        results.valid.give(start + first_output)
                        tile += 1
                    a.starts.give(start)
                    b.starts.give(start)
                    block += 1
                    last_start = start
                    next_start = start + block_cycles
            # A panel's parameters are free once its last tile has read them.
            end_level = 4 if panel == panels - 1 else 3
            give_all(signals, end_level, last_start + cost.release_cycles(params))


def sets_arrived(
    parameters: Channel, params: SystolicParams, num_sets: int
) -> Generator[tuple[Channel, int], None, int]:
    """The cycle in which the last parameter word of the first `num_sets` sets is taken."""
    needed = num_sets * params.words_per_set
    if len(parameters.times) < needed:
        yield parameters, needed
    return parameters.times[needed - 1]

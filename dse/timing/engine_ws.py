"""The weight-stationary systolic engine as timed processes: the law of `hw/systolic/cost_ws.py`.

Weights and steps are two processes: weights of the next pass are taken while the present one runs.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

from tilewright.dataflow.program import Command
from tilewright.hw.systolic import cost, cost_ws
from tilewright.hw.systolic.params import SystolicParams

from .engine import CommandSlots, sets_arrived
from .network import Channel, Process
from .parts import NEVER, Ports, give_all
from .streams import Results, WordFeed


@dataclass(frozen=True)
class Pass:
    """One pass: `rows_of_a` steps, and what it begins or ends."""

    command: int
    steps: int
    subpanels: int
    is_first_of_command: bool
    is_first_of_packet: bool
    is_last_of_packet: bool
    is_first_packet: bool
    is_last_packet: bool
    is_last_of_command: bool


def passes(commands: Sequence[Command], params: SystolicParams) -> Iterator[Pass]:
    """All passes in order: of each panel's subpanels, each k block's subblocks."""
    for number, command in enumerate(commands):
        steps, k_blocks, subpanels, panels = command.bounds
        of_packet = k_blocks * cost_ws.subblocks(params)
        for panel in range(panels):
            for subpanel in range(subpanels):
                for k in range(of_packet):
                    is_last = k == of_packet - 1
                    ends_panel = subpanel == subpanels - 1
                    yield Pass(
                        number,
                        steps,
                        subpanels,
                        panel == subpanel == k == 0,
                        k == 0,
                        is_last,
                        subpanel == 0,
                        ends_panel,
                        is_last and ends_panel and panel == panels - 1,
                    )


def weights_process(
    commands: Sequence[Command],
    params: SystolicParams,
    b: WordFeed,
    swaps: Channel,
    loaded: Channel,
) -> Process:
    """Takes the B words of a pass once the one before has begun; `loaded`: when it may start."""
    last = NEVER
    word = 0
    for number, _ in enumerate(passes(commands, params)):
        if number:
            if len(swaps.times) < number:
                yield swaps, number
            last = max(last, swaps.times[number - 1] - 1)
        for _ in range(params.rows):
            if len(b.offered.times) <= word:
                yield b.offered, word + 1
            last = max(last + 1, b.offered.times[word])
            b.taken.give(last)
            word += 1
        loaded.give(last + cost.WORD_TO_START_CYCLES)


@dataclass(kw_only=True, eq=False)
class StepStreams:
    """What the steps are connected to; `swaps`: passes begun, `loaded`: weights there."""

    a: WordFeed
    swaps: Channel
    loaded: Channel
    parameters: Channel
    results: Results


def steps_process(
    commands: Sequence[Command], params: SystolicParams, ports: Ports, streams: StepStreams
) -> Process:
    """Starts steps; gives results, the beginnings of passes, and its tokens."""
    slots = CommandSlots(delays=ports.delays)
    last_step = last_packet = active = NEVER
    num_sets = 0
    for number, place in enumerate(passes(commands, params)):
        if place.is_first_of_command:
            active = slots.next_active(last_step)
        if len(streams.loaded.times) <= number:
            yield streams.loaded, number + 1
        first = max(active, streams.loaded.times[number], last_step + 1)
        if not place.is_first_of_packet:
            first = max(first, last_step + cost_ws.pass_distance(place.steps))
        if place.is_last_of_packet and params.has_parameters:
            first = max(first, last_packet + params.cols)
            if place.is_first_packet:
                num_sets += place.subpanels
                arrived = yield from sets_arrived(streams.parameters, params, num_sets)
                first = max(first, arrived + cost.WORD_TO_START_CYCLES)
        begun = len(streams.a.taken.times)
        last_step = yield from _steps(place, params, streams, first)
        started = streams.a.taken.times[begun]
        ports.did(started, last_step + 1, is_new=place.is_first_of_command)
        if place.is_last_of_packet:
            last_packet = started
            if place.is_last_packet:
                signals = ports.signals(commands[place.command])
                end_level = 4 if place.is_last_of_command else 3
                give_all(signals, end_level, last_packet + cost_ws.release_cycles(params))


def _steps(
    place: Pass, params: SystolicParams, streams: StepStreams, first: int
) -> Generator[tuple[Channel, int], None, int]:
    """The steps of one pass, the first no earlier than `first`; the cycle of the last."""
    a, results = streams.a, streams.results
    depth = cost_ws.output_words(params)
    first_output = cost_ws.first_output_cycles(params)
    start = first
    for step in range(place.steps):
        word = len(a.taken.times)
        if len(a.offered.times) <= word:
            yield a.offered, word + 1
        start = max(first, a.offered.times[word])
        if place.is_last_of_packet:
            behind = len(results.valid.times) - depth
            if behind >= 0:
                if len(results.left.times) <= behind:
                    yield results.left, behind + 1
                start = max(start, results.left.times[behind] + cost.ROOM_CYCLES)
            results.valid.give(start + first_output)
        if step == 0:
            streams.swaps.give(start)
        a.taken.give(start)
        first = start + 1
    return start

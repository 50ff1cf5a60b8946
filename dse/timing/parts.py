"""What the processes of a timed program share: command issue, waits, signals, bursts."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tilewright.dataflow.program import Command
from tilewright.hw.lib import cost
from tilewright.hw.systolic.cost import COMMAND_TO_START_CYCLES

from .network import Channel

LAUNCH_CYCLE = cost.REGISTER_WRITE_TO_PULSE
"""Cycle of the launch; cycle 0 is the W handshake of the start bit."""

FIRST_COMMAND_CYCLE = LAUNCH_CYCLE + cost.QUEUE_START_TO_COMMAND
NEVER = -(10**9)


@dataclass(frozen=True, kw_only=True)
class Delays:
    """Cycles that commands, tokens and streamers take; by default the hardware's.

    `first_element`: the cycle of a streamer's first element. Others `X_to_Y` as in
    `hw/lib/cost.py`.
    """

    token: int = cost.TOKEN_GIVE_TO_AVAILABLE
    first_element: int = FIRST_COMMAND_CYCLE + cost.COMMAND_TO_ELEMENT
    issue_to_output: int = cost.STREAMER_ISSUE_TO_REQUEST + cost.streamer_grant_to_output(
        cost.READ_LATENCY
    )
    issue_to_give: int = cost.STREAMER_ISSUE_TO_REQUEST + cost.STREAMER_GRANT_TO_GIVE
    take_to_issue: int = cost.STREAMER_TAKE_TO_REQUEST - cost.STREAMER_ISSUE_TO_REQUEST
    command_interval: int = cost.QUEUE_COMMAND_INTERVAL
    command_to_start: int = COMMAND_TO_START_CYCLES


NO_DELAYS = Delays(
    token=0,
    first_element=FIRST_COMMAND_CYCLE,
    issue_to_output=0,
    issue_to_give=0,
    take_to_issue=0,
    command_interval=0,
    command_to_start=0,
)
"""What if control cost nothing: the array's own time is left, and the start of the program."""


@dataclass(kw_only=True, eq=False)
class Ports:
    """The token channels of one unit; `spans` gets [first, end) of each command that it did."""

    tokens: Mapping[str, Channel]
    delays: Delays = Delays()
    spans: list[tuple[int, int]] = field(default_factory=list)

    def did(self, start: int, end: int, *, is_new: bool) -> None:
        """Work in [start, end), of a new command or of the one before."""
        if is_new:
            self.spans.append((start, end))
        else:
            self.spans[-1] = (self.spans[-1][0], end)

    def waits(self, command: Command) -> list[tuple[Channel, int, int]]:
        """(channel, count, level) of each wait."""
        return [(self.tokens[w.token], w.count, w.level) for w in command.waits]

    def signals(self, command: Command, kind: str = "") -> list[tuple[Channel, int, int]]:
        """(channel, count, level) of each signal of this kind."""
        return [
            (self.tokens[s.token], s.count, s.level)
            for s in command.signals
            if not kind or (s.kind or "read") == kind
        ]


Waits = Sequence[tuple[Channel, int, int]]


def take_all(
    waits: Waits, start_level: int, earliest: int
) -> Generator[tuple[Channel, int], None, int]:
    """Take what a body with this `start_level` waits for; when it may start, from `earliest`."""
    for channel, count, level in waits:
        if start_level >= level:
            if not channel.has(count):
                yield channel, channel.taken + count
            earliest = max(earliest, channel.take(count))
    return earliest


def give_all(signals: Sequence[tuple[Channel, int, int]], end_level: int, give_cycle: int) -> None:
    """Signal what is due after a body with this `end_level`."""
    for channel, count, level in signals:
        if end_level >= level:
            channel.give(give_cycle, count)


def memory_offsets(command: Command, space: str) -> Iterator[int]:
    """The word address of each body of the command's innermost loop in an address space."""
    counters = [0] * len(command.loops)
    strides = [loop.stride(space) for loop in command.loops]
    bounds = command.bounds
    address = command.bases[space]
    while True:
        yield address
        for d, bound in enumerate(bounds):
            counters[d] += 1
            address += strides[d]
            if counters[d] < bound:
                break
            address -= strides[d] * bound
            counters[d] = 0
        else:
            return


def burst_words(address_words: int, run_words: int, *, page_words: int, most: int) -> list[int]:
    """How a run is cut: at page boundaries and at the longest burst, counted from its start."""
    bursts = []
    while run_words:
        size = min(run_words, most, page_words - address_words % page_words)
        bursts.append(size)
        address_words += size
        run_words -= size
    return bursts

"""Read and write streamers as timed processes.

The operand streams of an output-stationary engine move in *blocks* of words that the engine
consumes one per cycle, so a whole block is one step of the recurrence: inside a block the words
move without a gap (a streamer waits for tokens, and the engine's edge makes room, only at the ends
of blocks), and only a streamer's first and last word of a block need to be known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tilewright.dataflow.program import Command

from .network import Channel, Process
from .parts import NEVER, Ports, give_all, take_all
from .walk import walk


class NotExact(ValueError):
    """The program has a shape for which there is no exact law."""


@dataclass(kw_only=True, eq=False)
class Feed:
    """An operand stream of `block_words` words a block.

    `arrived` gives, for each block, the cycle in which its last word is taken by the engine; the
    engine gives to `starts` the cycles in which blocks start.
    """

    block_words: int
    buffered_blocks: int
    arrived: Channel
    starts: Channel
    room_cycles: int


def read_process(commands: Sequence[Command], ports: Ports, feed: Feed, credits: int) -> Process:
    """A read streamer before an engine's edge buffer."""
    size = feed.block_words
    first_taken: list[
        int
    ] = []  # by block: cycle in which its first word is taken; the others follow
    delays, last_issue = ports.delays, NEVER

    def taken(word: int) -> int:
        return first_taken[word // size] + word % size

    for command in commands:
        if command.loops[0].bound != size:
            raise NotExact(f"a read of {command.loops[0].bound} words where a block has {size}")
        waits, signals = ports.waits(command), ports.signals(command)
        begun = NEVER
        for start_level, end_level in walk(command.bounds[1:]):
            issue = max(delays.first_element, last_issue + 1)
            if waits:
                issue = yield from take_all(waits, start_level + 1, issue)
            block = len(first_taken)
            start = block * size
            if start >= credits:
                issue = max(issue, taken(start - credits) + delays.take_to_issue)
            begun = issue if begun == NEVER else begun
            take = issue + delays.issue_to_output
            if block:
                take = max(take, first_taken[-1] + size)
            if block >= feed.buffered_blocks:
                room_of = block - feed.buffered_blocks
                if len(feed.starts.times) <= room_of:
                    yield feed.starts, room_of + 1
                take = max(take, feed.starts.times[room_of] + feed.room_cycles)
            first_taken.append(take)
            last_issue = issue + size - 1
            if start + size > credits:
                behind = taken(start + size - 1 - credits)
                last_issue = max(last_issue, behind + delays.take_to_issue)
            feed.arrived.give(take + size - 1)
            give_all(signals, end_level + 1, last_issue + delays.issue_to_give)
        ports.spans.append((begun, last_issue + 1))


@dataclass(kw_only=True, eq=False)
class WordFeed:
    """An operand stream whose words the engine takes one by one, whenever it wants.

    `offered` gives for each word the cycle from which it is offered if the one before has been
    taken; the engine gives to `taken` the cycle of each transfer.
    """

    offered: Channel
    taken: Channel


def read_words_process(
    commands: Sequence[Command], ports: Ports, feed: WordFeed, credits: int
) -> Process:
    """A read streamer before an engine without an edge buffer, word by word."""
    delays, last_issue = ports.delays, NEVER
    word = 0
    for command in commands:
        waits, signals = ports.waits(command), ports.signals(command)
        begun = NEVER
        for start_level, end_level in walk(command.bounds):
            issue = max(delays.first_element, last_issue + 1)
            if waits:
                issue = yield from take_all(waits, start_level, issue)
            if word >= credits:
                behind = word - credits
                if len(feed.taken.times) <= behind:
                    yield feed.taken, behind + 1
                issue = max(issue, feed.taken.times[behind] + delays.take_to_issue)
            begun = issue if begun == NEVER else begun
            feed.offered.give(issue + delays.issue_to_output)
            last_issue = issue
            word += 1
            give_all(signals, end_level, issue + delays.issue_to_give)
        ports.spans.append((begun, last_issue + 1))


@dataclass(kw_only=True, eq=False)
class Results:
    """Result words between an engine and its write streamer, in packets whose words follow each
    other without a gap.

    The engine gives to `valid` the cycle in which a packet's first word is valid if the words
    before have left; the write streamer gives to `left` the cycle in which its last word leaves.
    With `is_by_word` every word is a packet.
    """

    valid: Channel
    left: Channel
    is_by_word: bool = False


def write_process(commands: Sequence[Command], ports: Ports, results: Results) -> Process:
    """A write streamer behind an engine's output buffer; a packet is the innermost loop."""
    last_take = NEVER
    packet = 0
    outer = 0 if results.is_by_word else 1
    delays = ports.delays
    for command in commands:
        size = 1 if results.is_by_word else command.loops[0].bound
        waits, signals = ports.waits(command), ports.signals(command)
        begun = NEVER
        for start_level, end_level in walk(command.bounds[outer:]):
            take = max(delays.first_element, last_take + 1)
            if waits:
                take = yield from take_all(waits, start_level + outer, take)
            if len(results.valid.times) <= packet:
                yield results.valid, packet + 1
            take = max(take, results.valid.times[packet])
            packet += 1
            begun = take if begun == NEVER else begun
            last_take = take + size - 1
            results.left.give(last_take)
            give_all(signals, end_level + outer, last_take + delays.issue_to_give)
        ports.spans.append((begun, last_take + 1))

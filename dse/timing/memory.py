"""The two DMA engines against a memory of fixed latency, as timed processes.

Cycles are counted from the W handshake of the start bit. The laws are those of `hw/lib/cost.py` and
of the memory model in `docs/architecture.md`: a read address accepted in *t* has its first beat no
earlier than `t + latency`, beats follow one per cycle in order, a write whose last beat is accepted
in *t* is answered no earlier than `t + latency`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tilewright.dataflow.machine import Machine
from tilewright.dataflow.program import Command
from tilewright.hw.lib import cost
from tilewright.hw.lib.dma_params import PAGE_BYTES

from .network import Channel, Process
from .parts import (
    FIRST_COMMAND_CYCLE,
    NEVER,
    Ports,
    burst_words,
    give_all,
    memory_offsets,
    take_all,
)
from .walk import walk

PARAMETERS = 1
"""`target` of a load into the parameter ring."""


@dataclass(kw_only=True, eq=False)
class BurstCutter:
    """The address side of a DMA engine: when each burst's address is accepted.

    `finished[i]` is the cycle from which burst i no longer counts as outstanding.
    """

    machine: Machine
    next_element: int = NEVER
    last_address: int = NEVER
    finished: list[int] = field(default_factory=list)

    def bursts(self, address_words: int, run_words: int) -> list[int]:
        """Words of each burst of a run."""
        beats = self.machine.memory.max_burst_beats
        page_words = PAGE_BYTES // self.machine.word_bytes
        most = min(max(1, beats // self.machine.beats_per_word), page_words)
        return burst_words(address_words, run_words, page_words=page_words, most=most)

    def take_run(self, cycle: int) -> int:
        """The run's element leaves the loops in this cycle or later; returns the cycle."""
        cycle = max(cycle, self.next_element, self.last_address)
        self.next_element = cycle + 1
        self.last_address = cycle
        return cycle

    def accept(self) -> int:
        """The cycle in which the next burst's address is accepted."""
        cycle = self.last_address + cost.DMA_ELEMENT_TO_ADDRESS
        behind = len(self.finished) - self.machine.memory.outstanding_bursts
        if behind >= 0:
            cycle = max(cycle, self.finished[behind] + 1)
        self.last_address = cycle
        return cycle


@dataclass(kw_only=True, eq=False)
class Traffic:
    """What a DMA engine did: last event, words moved, bursts."""

    last_cycle: int = 0
    words: int = 0
    bursts: int = 0


def load_process(
    commands: Sequence[Command],
    machine: Machine,
    ports: Ports,
    parameters: Channel,
    traffic: Traffic,
) -> Process:
    """The load DMA: gives its tokens, and to `parameters` the cycle of each parameter word's
    transfer.
    """
    cutter = BurstCutter(machine=machine)
    latency = max(1, machine.memory.latency_cycles)
    beats_per_word = machine.beats_per_word
    first_element = FIRST_COMMAND_CYCLE + cost.COMMAND_TO_ELEMENT
    last_beat = NEVER
    for command in commands:
        waits, signals = ports.waits(command), ports.signals(command)
        run_words = command.fields["run_words"]
        to_parameters = command.fields.get("target", 0) == PARAMETERS
        addresses = memory_offsets(command, "memory")
        begun = NEVER
        for (start_level, end_level), address in zip(walk(command.bounds), addresses, strict=True):
            cutter.take_run((yield from take_all(waits, start_level, first_element)))
            begun = cutter.last_address if begun == NEVER else begun
            for words in cutter.bursts(address, run_words):
                first_beat = max(cutter.accept() + latency, last_beat + 1)
                last_beat = first_beat + words * beats_per_word - 1
                cutter.finished.append(last_beat)
                traffic.bursts += 1
                if to_parameters:
                    for word in range(words):
                        end_of_word = first_beat + (word + 1) * beats_per_word - 1
                        parameters.give(end_of_word + cost.LOAD_BEAT_TO_WORD)
            give = last_beat + cost.LOAD_BEAT_TO_WORD + cost.LOAD_GRANT_TO_GIVE
            give_all(signals, end_level, give)
            traffic.words += run_words
        ports.spans.append((begun, last_beat + 1))
    traffic.last_cycle = last_beat


def store_process(
    commands: Sequence[Command], machine: Machine, ports: Ports, credits: int, traffic: Traffic
) -> Process:
    """The store DMA; `traffic.last_cycle` is the cycle of the last write response."""
    cutter = BurstCutter(machine=machine)
    latency = max(1, machine.memory.latency_cycles)
    beats_per_word = machine.beats_per_word
    first_element = FIRST_COMMAND_CYCLE + cost.COMMAND_TO_ELEMENT
    grant_to_beat = cost.store_grant_to_beat(cost.READ_LATENCY)
    last_request = last_beat = response = NEVER
    word_ends: list[int] = []
    for command in commands:
        waits = ports.waits(command)
        on_read, on_response = ports.signals(command, "read"), ports.signals(command, "response")
        addresses = memory_offsets(command, "memory")
        begun = NEVER
        for (start_level, end_level), address in zip(walk(command.bounds), addresses, strict=True):
            cutter.take_run((yield from take_all(waits, start_level, first_element)))
            begun = cutter.last_address if begun == NEVER else begun
            for words in cutter.bursts(address, command.fields["run_words"]):
                earliest = cutter.accept() + cost.STORE_ADDRESS_TO_REQUEST
                for _ in range(words):
                    last_request = max(last_request + 1, earliest)
                    if len(word_ends) >= credits:
                        last_request = max(last_request, word_ends[-credits] + 1)
                    last_beat = max(last_beat + 1, last_request + grant_to_beat)
                    last_beat += beats_per_word - 1
                    word_ends.append(last_beat)
                response = max(response + 1, last_beat + latency)
                cutter.finished.append(response)
                traffic.bursts += 1
            give_all(on_read, end_level, last_request + cost.STORE_GRANT_TO_GIVE)
            give_all(on_response, end_level, response + cost.STORE_RESPONSE_TO_GIVE)
            traffic.words += command.fields["run_words"]
        ports.spans.append((begun, response + 1))
    traffic.last_cycle = response

"""How wide the parts of a unit must be: for one program, or for any. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tilewright.dataflow.machine import Machine
from tilewright.dataflow.program import Command
from tilewright.hw.hardware_config import CORE, STREAMERS, ConfigureError, UnitParams
from tilewright.hw.lib.dma_params import AxiParams, LoadParams, StoreParams
from tilewright.hw.lib.memory_params import ScratchpadParams
from tilewright.hw.lib.params import StreamerParams
from tilewright.hw.systolic.params import SystolicParams

GROUP_LOOP = 1
"""The loop of a write command whose counter selects the group of lanes."""

PROGRAMMABLE_ROWS = 512
"""Commands of each unit that a programmable accelerator can hold."""

PROGRAMMABLE_BOUND_BITS = 16
PROGRAMMABLE_RUN_BITS = 16
PROGRAMMABLE_LOOPS = {"load": 4, "store": 3, "array.a": 6, "array.b": 6, "array.o": 5}
PROGRAMMABLE_MEMORY_ADDRESS_BITS = 28
TOKEN_BITS = 12
"""A counter must hold every token that can be outstanding: the words of a scratchpad, at most."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What all units of an accelerator share."""

    machine: Machine
    scratchpad: ScratchpadParams
    axi: AxiParams
    systolic: SystolicParams
    is_programmable: bool
    has_ram_fifos: bool = False


def unit_params(
    unit: str,
    commands: Sequence[Command],
    waits: Sequence[str],
    signals: Sequence[str],
    around: Surroundings,
) -> UnitParams:
    """Parameters of a unit's part that has these commands and tokens."""
    if unit == CORE:
        return around.systolic
    if unit in STREAMERS:
        return _streamer_params(unit, commands, waits, signals, around)
    return _dma_params(unit, commands, waits, signals, around)


def _streamer_params(
    unit: str,
    commands: Sequence[Command],
    waits: Sequence[str],
    signals: Sequence[str],
    around: Surroundings,
) -> StreamerParams:
    is_ram = around.is_programmable
    groups = -(-around.systolic.lanes // around.systolic.cols) if unit == "array.o" else 1
    return StreamerParams(
        num_loops=_num_loops(unit, commands, is_ram),
        address_bits=around.scratchpad.address_bits,
        bound_bits=bound_bits(commands, is_ram),
        word_bits=around.scratchpad.word_bits,
        num_waits=len(waits),
        num_signals=len(signals),
        token_bits=TOKEN_BITS,
        has_ram_words=around.has_ram_fifos,
        lane_bits=around.scratchpad.lane_bits,
        num_groups=groups,
        group_loop=GROUP_LOOP if groups > 1 else None,
    )


def _dma_params(
    unit: str,
    commands: Sequence[Command],
    waits: Sequence[str],
    signals: Sequence[str],
    around: Surroundings,
) -> LoadParams | StoreParams:
    is_ram = around.is_programmable
    common: dict[str, int | AxiParams] = {
        "num_loops": _num_loops(unit, commands, is_ram),
        "bound_bits": bound_bits(commands, is_ram),
        "run_bits": _run_bits(commands, is_ram),
        "local_address_bits": around.scratchpad.address_bits,
        "memory_address_bits": _memory_address_bits(commands, is_ram),
        "word_bits": around.scratchpad.word_bits,
        "word_bytes": around.machine.word_bytes,
        "axi": around.axi,
        "outstanding": around.machine.memory.outstanding_bursts,
        "max_burst_beats": around.machine.memory.max_burst_beats,
        "num_waits": len(waits),
        "token_bits": TOKEN_BITS,
        "lane_bits": around.scratchpad.lane_bits,
    }
    if unit == "load":
        return LoadParams(**common, num_signals=len(signals))  # type: ignore[arg-type]
    kinds = {s.token: s.kind for command in commands for s in command.signals}
    # A signal that this program never gives may be given by the next: the later kind is safe.
    order = tuple(kinds.get(name) or "response" for name in signals)
    return StoreParams(
        **common,  # type: ignore[arg-type]
        signal_kinds=order,
        has_ram_words=around.has_ram_fifos,
    )


def _num_loops(unit: str, commands: Sequence[Command], is_ram: bool) -> int:
    needed = max((len(command.loops) for command in commands), default=1)
    if is_ram and needed > PROGRAMMABLE_LOOPS[unit]:
        raise ConfigureError(
            f"{unit}: at most {PROGRAMMABLE_LOOPS[unit]} loops in a programmable accelerator, "
            f"the program has {needed}"
        )
    # A write command's loop 1 selects lanes, so it must exist.
    return PROGRAMMABLE_LOOPS[unit] if is_ram else max(needed, GROUP_LOOP + 1)


def bound_bits(commands: Sequence[Command], is_ram: bool) -> int:
    needed = max((loop.bound - 1 for c in commands for loop in c.loops), default=0).bit_length()
    return PROGRAMMABLE_BOUND_BITS if is_ram else max(1, needed)


def _run_bits(commands: Sequence[Command], is_ram: bool) -> int:
    needed = max((c.fields["run_words"] - 1 for c in commands), default=0).bit_length()
    return PROGRAMMABLE_RUN_BITS if is_ram else max(1, needed)


def _memory_address_bits(commands: Sequence[Command], is_ram: bool) -> int:
    """Bits for every word address that the commands reach."""
    if is_ram:
        return PROGRAMMABLE_MEMORY_ADDRESS_BITS
    last = 0
    for command in commands:
        reach = sum(max(0, loop.stride("memory")) * (loop.bound - 1) for loop in command.loops)
        last = max(last, command.bases["memory"] + reach + command.fields["run_words"] - 1)
    return max(1, last.bit_length())

"""Machine and Program to `HardwareConfig`. Pure.

A *fixed* accelerator (`program: rom`) has commands just as wide as its program needs. A
*programmable* one (`program: ram`) has commands as wide as any program for its scratchpad and
memory may need; programs are written over AXI4-Lite as rows of 32-bit chunks, one row per token
(its initial count), one per unit (its length), then the commands (`program_words.program_rows`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tilewright.dataflow.machine import Machine
from tilewright.dataflow.program import Command, Program, Token
from tilewright.hw.hardware_config import (
    CORE,
    UNITS,
    ConfigureError,
    HardwareConfig,
    TokenWire,
    UnitConfig,
)
from tilewright.hw.lib.dma_params import AxiParams
from tilewright.hw.lib.memory_params import QueueParams, ScratchpadParams
from tilewright.hw.lib.params import TokenParams
from tilewright.hw.program_words import command_word
from tilewright.hw.systolic.params import SystolicParams, engine_params
from tilewright.hw.unit_params import TOKEN_BITS, Surroundings, bound_bits, unit_params

READ_PORTS = ("array.a", "array.b", "store")
WRITE_PORTS = ("array.o", "load")


def configure(
    machine: Machine,
    program: Program,
    *,
    name: str,
    spec_hash: int = 0,
    programmable_rows: int = 0,
    has_counters: bool = True,
    address_bits: int = 64,
    has_ram_fifos: bool = False,
) -> HardwareConfig:
    """The hardware for `program` alone, or for any program with its tokens.

    `programmable_rows` is the number of commands of each unit that a programmable accelerator
    holds; 0 makes a fixed one. `has_counters`: activity counters; `address_bits`: byte addresses of
    the memory port; `has_ram_fifos`: words that were read wait in RAM blocks.

    Raises:
        ConfigureError: if the program needs more than the hardware can have.
    """
    around = surroundings_of(machine, program, is_programmable=programmable_rows > 0)
    around = replace(
        around, axi=replace(around.axi, address_bits=address_bits), has_ram_fifos=has_ram_fifos
    )
    units = tuple(_unit(unit, program, around, programmable_rows) for unit in UNITS)
    return HardwareConfig(
        name=name,
        is_programmable=around.is_programmable,
        axi=around.axi,
        scratchpad=around.scratchpad,
        systolic=around.systolic,
        units=units,
        tokens=tuple(_wire(token, units, around.is_programmable) for token in program.tokens),
        spec_hash=spec_hash,
        has_counters=has_counters,
    )


def surroundings_of(machine: Machine, program: Program, *, is_programmable: bool) -> Surroundings:
    """What all units share: scratchpad, memory port, engine."""
    bits = bound_bits(program.units[CORE], is_programmable)
    systolic = engine_params(machine.engines[0].params, bound_bits=bits)
    if systolic.lanes % systolic.cols:
        raise ConfigureError(
            f"lanes: a multiple of cols = {systolic.cols}, got {systolic.lanes}: a result row must "
            "fill whole groups of lanes"
        )
    return Surroundings(
        machine=machine,
        scratchpad=ScratchpadParams(
            banks=machine.scratchpad.banks,
            words_per_bank=machine.scratchpad.words_per_bank,
            word_bits=machine.scratchpad.word_bits,
            num_read_ports=len(READ_PORTS),
            num_write_ports=len(WRITE_PORTS),
            # Results are written by groups of lanes, everything else by whole words.
            lane_bits=machine.scratchpad.word_bits // (systolic.lanes // systolic.cols),
            read_reach=None if is_programmable else _reach(READ_PORTS, program, machine),
            write_reach=None if is_programmable else _reach(WRITE_PORTS, program, machine),
        ),
        axi=AxiParams(data_bytes=machine.port_bytes),
        systolic=systolic,
        is_programmable=is_programmable,
    )


def _reach(units: Sequence[str], program: Program, machine: Machine) -> tuple[tuple[int, ...], ...]:
    """The banks that a fixed program's units use: a port needs no wires to the others."""
    pad = machine.scratchpad
    reach = []
    for unit in units:
        banks = {0}  # a port without commands must still lead somewhere
        for command in program.units.get(unit, ()):
            if command.fields.get("target", 0):
                continue  # to the parameter memory
            steps = [loop.stride("local") * (loop.bound - 1) for loop in command.loops]
            first = command.bases["local"] + sum(min(0, step) for step in steps)
            last = command.bases["local"] + sum(max(0, step) for step in steps)
            last += command.fields.get("run_words", 1) - 1
            touched = range(first // pad.words_per_bank, last // pad.words_per_bank + 1)
            banks |= {bank % pad.banks for bank in touched}
        reach.append(tuple(sorted(banks)))
    return tuple(reach)


def _unit(unit: str, program: Program, around: Surroundings, programmable_rows: int) -> UnitConfig:
    waits = tuple(token.name for token in program.tokens if token.consumer == unit)
    signals = tuple(token.name for token in program.tokens if token.producer == unit)
    commands: Sequence[Command] = program.units.get(unit, ())
    params = unit_params(unit, commands, waits, signals, around)
    words = (
        ()
        if programmable_rows
        else tuple(command_word(params, waits, signals, command) for command in commands)
    )
    if words and not isinstance(params, SystolicParams):
        # Fields that are equal in all commands then fold to constants.
        params = replace(params, initial_command=words[0])
    queue = QueueParams(
        command_format=params.command_format,
        depth=programmable_rows or max(1, len(words)),
        is_rom=not programmable_rows,
        initial=words,
    )
    return UnitConfig(name=unit, params=params, queue=queue, waits=waits, signals=signals)


def _wire(token: Token, units: Sequence[UnitConfig], is_programmable: bool) -> TokenWire:
    by_name = {unit.name: unit for unit in units}
    if token.maximum >= 1 << TOKEN_BITS:
        raise ConfigureError(
            f"token {token.name}: up to {token.maximum} at once, a counter holds "
            f"{(1 << TOKEN_BITS) - 1}"
        )
    initial = 0 if is_programmable else token.initial
    return TokenWire(
        token=token,
        params=TokenParams(initial=initial, bits=TOKEN_BITS),
        producer_port=by_name[token.producer].signals.index(token.name),
        consumer_port=by_name[token.consumer].waits.index(token.name),
    )

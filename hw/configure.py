"""Machine and Program to `HardwareConfig`: the parameters of every part of one accelerator. Pure.

A *fixed* accelerator (`program: rom`) has commands just as wide as its program needs. A *programmable* one (`program: ram`)
has commands as wide as any program for its scratchpad and memory may need; programs are written over AXI4-Lite as rows of
32-bit chunks, one row per token (its initial count), one per unit (its length), then the commands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tilewright.dataflow.machine import Engine, Machine
from tilewright.dataflow.program import Command, Program, Token
from tilewright.hw.lib.dma_params import AxiParams, DmaParams, LoadParams, StoreParams
from tilewright.hw.lib.memory_params import QueueParams, ScratchpadParams
from tilewright.hw.lib.params import CommandFormat, StreamerParams, TokenParams, jumps
from tilewright.hw.systolic.params import SystolicParams

UNITS = ("load", "store", "array.a", "array.b", "array.core", "array.o")
STREAMERS = ("array.a", "array.b", "array.o")
CORE = "array.core"
GROUP_LOOP = 1
"""The loop of a write command whose counter selects the group of lanes."""

PROGRAMMABLE_BOUND_BITS = 16
PROGRAMMABLE_RUN_BITS = 16
PROGRAMMABLE_LOOPS = {"load": 4, "store": 3, "array.a": 6, "array.b": 6, "array.o": 5}
PROGRAMMABLE_MEMORY_ADDRESS_BITS = 28
TOKEN_BITS = 12
"""A counter must hold every token that can be outstanding: the words of a scratchpad, at most."""


class ConfigureError(ValueError):
    """A program does not fit the hardware; the text names the unit and what does not fit."""


@dataclass(frozen=True, kw_only=True)
class TokenWire:
    """A token, its counter, and which port of its producer and consumer it is wired to."""

    token: Token
    params: TokenParams
    producer_port: int
    consumer_port: int


@dataclass(frozen=True, kw_only=True)
class UnitConfig:
    """One unit: the parameters of its part, its queue, and the tokens of its ports, in order."""

    name: str
    params: LoadParams | StoreParams | StreamerParams | SystolicParams
    queue: QueueParams
    waits: tuple[str, ...]
    signals: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class HardwareConfig:
    """Everything that `hw.top.Accelerator` needs, and nothing of how it was found."""

    name: str
    is_programmable: bool
    axi: AxiParams
    scratchpad: ScratchpadParams
    systolic: SystolicParams
    units: tuple[UnitConfig, ...]
    tokens: tuple[TokenWire, ...]
    spec_hash: int = 0

    def unit(self, name: str) -> UnitConfig:
        """The unit of this name."""
        return next(unit for unit in self.units if unit.name == name)

    @cached_property
    def program_row_chunks(self) -> int:
        """32-bit chunks that a row takes in the program window: the widest command's, as 2**n."""
        chunks = max(unit.queue.chunks for unit in self.units)
        return 1 << (chunks - 1).bit_length()

    @cached_property
    def program_unit_rows(self) -> int:
        """Rows of the program window for each unit, a power of two."""
        return 1 << (max(unit.queue.depth for unit in self.units) - 1).bit_length()


def systolic_params(engine: Engine, *, bound_bits: int) -> SystolicParams:
    """Parameters of a `systolic` engine of a machine."""
    return SystolicParams(
        rows=engine.integer("rows"),
        cols=engine.integer("cols"),
        lanes=engine.integer("lanes"),
        dataflow=engine.text("dataflow"),  # type: ignore[arg-type]
        requantize=engine.text("requantize"),  # type: ignore[arg-type]
        multiplier_bits=engine.integer("multiplier_bits"),
        param_sets=engine.integer("param_sets"),
        accumulator_rows=engine.integer("accumulator_rows"),
        bound_bits=bound_bits,
    )


def configure(
    machine: Machine,
    program: Program,
    *,
    name: str,
    spec_hash: int = 0,
    programmable_rows: int = 0,
) -> HardwareConfig:
    """The hardware for `program` alone, or, with `programmable_rows` commands per unit, for any program with its tokens.

    Raises:
        ConfigureError: if the program needs more than the hardware can have.
    """
    is_ram = programmable_rows > 0
    axi = AxiParams(data_bytes=machine.port_bytes)
    scratchpad = ScratchpadParams(
        banks=machine.scratchpad.banks,
        words_per_bank=machine.scratchpad.words_per_bank,
        word_bits=machine.scratchpad.word_bits,
        num_read_ports=3,
        num_write_ports=2,
    )
    systolic = systolic_params(
        machine.engines[0], bound_bits=_bound_bits(program.units[CORE], is_ram)
    )
    units = []
    for unit in UNITS:
        waits = tuple(token.name for token in program.tokens if token.consumer == unit)
        signals = tuple(token.name for token in program.tokens if token.producer == unit)
        commands = program.units.get(unit, ())
        params = _unit_params(
            unit, commands, waits, signals, machine, scratchpad, axi, systolic, is_ram
        )
        config = UnitConfig(
            name=unit,
            params=params,
            queue=QueueParams(command_format=params.command_format, depth=1),
            waits=waits,
            signals=signals,
        )
        units.append(_with_queue(config, commands, programmable_rows))
    if systolic.lanes % systolic.cols:
        raise ConfigureError(
            f"lanes: a multiple of cols = {systolic.cols}, got {systolic.lanes}: a result row must "
            "fill whole groups of lanes"
        )
    wires = tuple(_wire(token, units, is_ram) for token in program.tokens)
    return HardwareConfig(
        name=name,
        is_programmable=is_ram,
        axi=axi,
        scratchpad=scratchpad,
        systolic=systolic,
        units=tuple(units),
        tokens=wires,
        spec_hash=spec_hash,
    )


def _unit_params(
    unit: str,
    commands: Sequence[Command],
    waits: Sequence[str],
    signals: Sequence[str],
    machine: Machine,
    scratchpad: ScratchpadParams,
    axi: AxiParams,
    systolic: SystolicParams,
    is_ram: bool,
) -> LoadParams | StoreParams | StreamerParams | SystolicParams:
    if unit == CORE:
        return systolic
    if unit in STREAMERS:
        groups = -(-systolic.lanes // systolic.cols) if unit == "array.o" else 1
        return StreamerParams(
            num_loops=_num_loops(unit, commands, is_ram),
            address_bits=scratchpad.address_bits,
            bound_bits=_bound_bits(commands, is_ram),
            word_bits=scratchpad.word_bits,
            num_waits=len(waits),
            num_signals=len(signals),
            token_bits=TOKEN_BITS,
            num_groups=groups,
            group_loop=GROUP_LOOP if groups > 1 else None,
        )
    common: dict[str, int | AxiParams] = {
        "num_loops": _num_loops(unit, commands, is_ram),
        "bound_bits": _bound_bits(commands, is_ram),
        "run_bits": _run_bits(commands, is_ram),
        "local_address_bits": scratchpad.address_bits,
        "memory_address_bits": _memory_address_bits(commands, is_ram),
        "word_bits": scratchpad.word_bits,
        "word_bytes": machine.word_bytes,
        "axi": axi,
        "outstanding": machine.memory.outstanding_bursts,
        "max_burst_beats": machine.memory.max_burst_beats,
        "num_waits": len(waits),
        "token_bits": TOKEN_BITS,
    }
    if unit == "load":
        return LoadParams(**common, num_signals=len(signals))  # type: ignore[arg-type]
    kinds = {s.token: s.kind for command in commands for s in command.signals}
    order = tuple(kinds.get(name) or "read" for name in signals)
    return StoreParams(**common, signal_kinds=order)  # type: ignore[arg-type]


def _num_loops(unit: str, commands: Sequence[Command], is_ram: bool) -> int:
    needed = max((len(command.loops) for command in commands), default=1)
    if is_ram and needed > PROGRAMMABLE_LOOPS[unit]:
        raise ConfigureError(
            f"{unit}: at most {PROGRAMMABLE_LOOPS[unit]} loops in a programmable accelerator, "
            f"the program has {needed}"
        )
    # A write command's loop 1 selects lanes, so it must exist.
    return PROGRAMMABLE_LOOPS[unit] if is_ram else max(needed, GROUP_LOOP + 1)


def _bound_bits(commands: Sequence[Command], is_ram: bool) -> int:
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


def _with_queue(unit: UnitConfig, commands: Sequence[Command], depth: int) -> UnitConfig:
    command_format = unit.params.command_format
    if depth:
        queue = QueueParams(command_format=command_format, depth=depth, is_rom=False)
    else:
        words = tuple(command_format.encode(command_values(unit, c)) for c in commands)
        queue = QueueParams(command_format=command_format, depth=max(1, len(words)), initial=words)
    return UnitConfig(
        name=unit.name,
        params=unit.params,
        queue=queue,
        waits=unit.waits,
        signals=unit.signals,
    )


def _wire(token: Token, units: Sequence[UnitConfig], is_ram: bool) -> TokenWire:
    by_name = {unit.name: unit for unit in units}
    initial = 0 if is_ram else token.initial
    return TokenWire(
        token=token,
        params=TokenParams(initial=initial, bits=TOKEN_BITS),
        producer_port=by_name[token.producer].signals.index(token.name),
        consumer_port=by_name[token.consumer].waits.index(token.name),
    )


def command_values(unit: UnitConfig, command: Command) -> Mapping[str, int]:
    """The fields of `command` in the unit's format; loops it lacks get bound 1."""
    if isinstance(unit.params, SystolicParams):
        return _loops(command, 4) | {
            name: command.fields[name] for name in ("zero_point", "minimum", "maximum")
        }
    loops = unit.params.num_loops
    values = _loops(command, loops) | _tokens(unit, command, loops)
    if isinstance(unit.params, StreamerParams):
        return values | _address("", command, "local", loops)
    values |= _address("memory_", command, "memory", loops)
    values |= _address("local_", command, "local", loops)
    values["run_last"] = command.fields["run_words"] - 1
    if unit.params.has_target:
        values["target"] = command.fields.get("target", 0)
    return values


def _loops(command: Command, num_loops: int) -> dict[str, int]:
    bounds = [*command.bounds, *([1] * (num_loops - len(command.loops)))]
    return {f"last_{d}": bound - 1 for d, bound in enumerate(bounds)}


def _address(prefix: str, command: Command, space: str, num_loops: int) -> dict[str, int]:
    strides = [loop.stride(space) for loop in command.loops]
    steps = jumps(list(command.bounds), strides)
    steps += [0] * (num_loops - len(steps))
    return {f"{prefix}base": command.bases[space]} | {
        f"{prefix}jump_{d}": step for d, step in enumerate(steps)
    }


def _tokens(unit: UnitConfig, command: Command, num_loops: int) -> dict[str, int]:
    never = num_loops + 1
    values: dict[str, int] = {}
    for kind, names, events in (
        ("wait", unit.waits, {w.token: w for w in command.waits}),
        ("signal", unit.signals, {s.token: s for s in command.signals}),
    ):
        for port, name in enumerate(names):
            event = events.get(name)
            values[f"{kind}{port}_level"] = event.level if event else never
            values[f"{kind}{port}_count"] = event.count if event else 0
    return values


def program_rows(config: HardwareConfig, program: Program) -> Mapping[int, tuple[int, ...]]:
    """What to write into the program window: byte offset of a row to its 32-bit chunks.

    Raises:
        ConfigureError: if the program has other tokens, more commands, or values out of range.
    """
    if [t.name for t in program.tokens] != [w.token.name for w in config.tokens]:
        raise ConfigureError("the program's tokens are not those the accelerator was made for")
    row_bytes = 4 * config.program_row_chunks
    rows: dict[int, tuple[int, ...]] = {}
    for place, token in enumerate(program.tokens):
        rows[place * row_bytes] = (token.initial,)
    for place, unit in enumerate(config.units):
        commands = program.units.get(unit.name, ())
        if len(commands) > unit.queue.depth:
            raise ConfigureError(
                f"{unit.name}: {unit.queue.depth} commands fit, the program has {len(commands)}"
            )
        rows[(len(config.tokens) + place) * row_bytes] = (len(commands),)
        start = (place + 1) * config.program_unit_rows
        for row, command in enumerate(commands):
            word = unit.queue.command_format.encode(command_values(unit, command))
            rows[(start + row) * row_bytes] = tuple(
                word >> 32 * chunk & 0xFFFF_FFFF for chunk in range(unit.queue.chunks)
            )
    return rows

"""Commands and programs as the bits that queues hold. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tilewright.dataflow.program import Command, Program
from tilewright.hw.hardware_config import ConfigureError, HardwareConfig, UnitParams
from tilewright.hw.lib.params import StreamerParams, jumps
from tilewright.hw.systolic.params import NUM_LOOPS, SystolicParams


def command_word(
    params: UnitParams, waits: Sequence[str], signals: Sequence[str], command: Command
) -> int:
    """`command` as a row of a unit's queue; `waits` and `signals` name the tokens of its ports."""
    return params.command_format.encode(command_values(params, waits, signals, command))


def command_values(
    params: UnitParams, waits: Sequence[str], signals: Sequence[str], command: Command
) -> Mapping[str, int]:
    """The fields of `command` in a unit's format; loops it lacks get bound 1."""
    if isinstance(params, SystolicParams):
        return _loops(command, NUM_LOOPS) | {
            name: command.fields[name] for name in ("zero_point", "minimum", "maximum")
        }
    loops = params.num_loops
    values = _loops(command, loops) | _tokens(waits, signals, command, loops)
    if isinstance(params, StreamerParams):
        return values | _address("", command, "local", loops)
    values |= _address("memory_", command, "memory", loops)
    values |= _address("local_", command, "local", loops)
    values["run_last"] = command.fields["run_words"] - 1
    if params.has_target:
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


def _tokens(
    waits: Sequence[str], signals: Sequence[str], command: Command, num_loops: int
) -> dict[str, int]:
    never = num_loops + 1
    values: dict[str, int] = {}
    for kind, names, events in (
        ("wait", waits, {w.token: w for w in command.waits}),
        ("signal", signals, {s.token: s for s in command.signals}),
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
            word = command_word(unit.params, unit.waits, unit.signals, command)
            rows[(start + row) * row_bytes] = tuple(
                word >> 32 * chunk & 0xFFFF_FFFF for chunk in range(unit.queue.chunks)
            )
    return rows

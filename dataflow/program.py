"""`Program`: for each unit a queue of commands, and the tokens between the units.

Loops are listed innermost first. A wait or signal at level *l* (0..number of loops) happens at the
boundaries of the body of loop *l*; at the number of loops, once per command. Loops of bound 1 may
be added outside without changing any level's meaning. Addresses are in words: `memory` counts from
the base register, `local` is bank * words_per_bank + row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .checks import at_least, distinct, not_empty
from .serial import frozen_mapping

SignalKind = Literal["", "read", "response"]
SPACES = ("memory", "local")


@dataclass(frozen=True, kw_only=True)
class Loop:
    """`bound` iterations; each adds `strides[space]` words to the address in that space."""

    bound: int
    strides: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        at_least("loop bound", self.bound, 1)
        unknown = sorted(set(self.strides) - set(SPACES))
        if unknown:
            raise ValueError(f"loop strides: no address space {', '.join(unknown)}")
        object.__setattr__(self, "strides", frozen_mapping(self.strides))

    def stride(self, space: str) -> int:
        """Words per iteration; 0 where none is given."""
        return self.strides.get(space, 0)


@dataclass(frozen=True, kw_only=True)
class Token:
    """A counter that `producer` adds to and `consumer` takes from; starts at `initial`.

    `maximum` is the most it can hold, whatever the timing: it gives the counter's width.
    """

    name: str
    producer: str
    consumer: str
    initial: int = 0
    maximum: int

    def __post_init__(self) -> None:
        not_empty("token name", self.name)
        at_least(f"token {self.name}: initial", self.initial, 0)
        at_least(f"token {self.name}: maximum", self.maximum, max(1, self.initial))


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Needs and takes `count` of `token` before each body at `level`."""

    token: str
    count: int
    level: int


@dataclass(frozen=True, kw_only=True)
class Signal:
    """Adds `count` to `token` after each body at `level`.

    `kind` is for stores: `read`, the words have left the scratchpad; `response`, memory answered.
    """

    token: str
    count: int
    level: int
    kind: SignalKind = ""


@dataclass(frozen=True, kw_only=True)
class Command:
    """One row of a unit's queue.

    `operation`: `load` (fields `run_words`, `target` 0 scratchpad, 1 parameters), `store`
    (`run_words`), `read`, `write` (streamers; loop 1 of a `write` is the group of lanes), `matmul`
    (loops: k blocks, subpanels, m tiles, panels; fields `zero_point`, `minimum`, `maximum`),
    `matmul_weight_stationary` (loops: m, k blocks, subpanels, panels; `subblocks` too).
    """

    operation: str
    loops: tuple[Loop, ...]
    bases: Mapping[str, int] = field(default_factory=dict)
    fields: Mapping[str, int] = field(default_factory=dict)
    waits: tuple[Wait, ...] = ()
    signals: tuple[Signal, ...] = ()

    def __post_init__(self) -> None:
        not_empty("operation", self.operation)
        distinct(f"{self.operation}: waits", (wait.token for wait in self.waits))
        distinct(f"{self.operation}: signals", (signal.token for signal in self.signals))
        events: tuple[Wait | Signal, ...] = (*self.waits, *self.signals)
        for event in events:
            at_least(f"{self.operation}: count of {event.token}", event.count, 1)
            if not 0 <= event.level <= len(self.loops):
                raise ValueError(
                    f"{self.operation}: level of {event.token}: 0..{len(self.loops)}, "
                    f"got {event.level}"
                )
        object.__setattr__(self, "bases", frozen_mapping(self.bases))
        object.__setattr__(self, "fields", frozen_mapping(self.fields))

    @property
    def bounds(self) -> tuple[int, ...]:
        return tuple(loop.bound for loop in self.loops)


@dataclass(frozen=True, kw_only=True)
class Program:
    """Commands of each unit in order, and the tokens."""

    units: Mapping[str, tuple[Command, ...]]
    tokens: tuple[Token, ...]

    def __post_init__(self) -> None:
        distinct("tokens", (token.name for token in self.tokens))
        object.__setattr__(self, "units", frozen_mapping(self.units))
        known = {token.name: token for token in self.tokens}
        for token in self.tokens:
            missing = {token.producer, token.consumer} - set(self.units)
            if missing:
                raise ValueError(f"token {token.name}: no unit {', '.join(sorted(missing))}")
        for unit, commands in self.units.items():
            for command in commands:
                for wait in command.waits:
                    if wait.token not in known or known[wait.token].consumer != unit:
                        raise ValueError(f"{unit} may not wait for token {wait.token}")
                for signal in command.signals:
                    if signal.token not in known or known[signal.token].producer != unit:
                        raise ValueError(f"{unit} may not signal token {signal.token}")

    @property
    def num_commands(self) -> int:
        return sum(len(commands) for commands in self.units.values())

    def __str__(self) -> str:
        lines = [f"program of {self.num_commands} commands"]
        for unit, commands in self.units.items():
            lines.append(f"  {unit}")
            lines += [f"    {_line(command)}" for command in commands]
        return "\n".join(lines)


def _line(command: Command) -> str:
    loops = " ".join(
        f"{loop.bound}" + "".join(f"[{space} {by:+d}]" for space, by in loop.strides.items() if by)
        for loop in command.loops
    )
    bases = " ".join(f"{space}@{base}" for space, base in command.bases.items())
    fields = " ".join(f"{name}={value}" for name, value in command.fields.items())
    waits = " ".join(f"-{w.count} {w.token} at {w.level}" for w in command.waits)
    signals = " ".join(f"+{s.count} {s.token} at {s.level}" for s in command.signals)
    parts = (command.operation, bases, f"({loops})", fields, waits, signals)
    return " ".join(part for part in parts if part)

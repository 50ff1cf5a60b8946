"""Runs a program without time: proves that it cannot deadlock.

Every token has one producer and one consumer, so the program is a marked graph: if one run
completes, all do. The streams inside an engine are tokens too, with the least room that the
hardware has: one k block at each edge, one tile of results.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .program import Command, Program, Signal, Wait

GRAIN = {"load": 0, "store": 0, "read": 1, "write": 1, "matmul": 0, "matmul_weight_stationary": 1}
"""The loop level whose bodies are one step: a run, a k block, a tile's rows of one subpanel."""

Action = Callable[[str, Command, tuple[int, ...], int], None]
"""Called for each step with unit, command, counters of all loops, and the levels that start."""


class Deadlock(Exception):
    """Some units wait for each other for ever; `waiting` maps each to the token it waits for."""

    def __init__(self, waiting: Mapping[str, str]) -> None:
        self.waiting = dict(waiting)
        pairs = ", ".join(f"{unit} waits for {token}" for unit, token in self.waiting.items())
        super().__init__(f"the program can never finish: {pairs}")


class ProgramError(ValueError):
    """A program breaks a rule that every program must keep."""


@dataclass(frozen=True, kw_only=True)
class StreamTokens:
    """What one command does at the engine's own streams, written as waits and signals."""

    waits: tuple[Wait, ...] = ()
    signals: tuple[Signal, ...] = ()


def stream_tokens(unit: str, command: Command) -> StreamTokens:
    """The implicit tokens of a command: `UNIT>` entries to take, `>UNIT` room to fill."""
    engine, _, port = unit.partition(".")
    core = f"{engine}.core"
    if port in ("a", "b"):
        return StreamTokens(
            waits=(Wait(token=f"{core}>{unit}", count=1, level=1),),
            signals=(Signal(token=f"{unit}>{core}", count=1, level=1),),
        )
    if port == "o":
        return StreamTokens(
            waits=(Wait(token=f"{core}>{unit}", count=1, level=1),),
            signals=(Signal(token=f"{unit}>{core}", count=1, level=1),),
        )
    if port == "core":
        a, b, o = (f"{engine}.{name}" for name in "abo")
        if "subblocks" in command.fields:
            return _pass_tokens(core, command.fields["subblocks"])
        return StreamTokens(
            waits=(
                Wait(token=f"load>{core}", count=1, level=3),
                Wait(token=f"{o}>{core}", count=1, level=1),
                Wait(token=f"{a}>{core}", count=1, level=0),
                Wait(token=f"{b}>{core}", count=1, level=0),
            ),
            signals=(
                Signal(token=f"{core}>{a}", count=1, level=0),
                Signal(token=f"{core}>{b}", count=1, level=0),
                Signal(token=f"{core}>{o}", count=1, level=1),
            ),
        )
    if unit == "load" and command.fields.get("target") == 1:
        return StreamTokens(signals=(Signal(token="load>array.core", count=1, level=0),))
    return StreamTokens()


def _pass_tokens(core: str, subblocks: int) -> StreamTokens:
    """Those of a weight-stationary core: a step is a k block, a packet ends with the last one."""
    a, b, o = (core.removesuffix("core") + name for name in "abo")
    return StreamTokens(
        waits=(
            Wait(token=f"load>{core}", count=1, level=3),
            Wait(token=f"{o}>{core}", count=1, level=2),
            Wait(token=f"{a}>{core}", count=subblocks, level=1),
            Wait(token=f"{b}>{core}", count=subblocks, level=1),
        ),
        signals=(
            Signal(token=f"{core}>{a}", count=subblocks, level=1),
            Signal(token=f"{core}>{b}", count=subblocks, level=1),
            Signal(token=f"{core}>{o}", count=1, level=2),
        ),
    )


def initial_tokens(program: Program) -> dict[str, int]:
    """All counters at the start, the implicit ones too."""
    counts = {token.name: token.initial for token in program.tokens}
    counts["load>array.core"] = 0
    for unit in program.units:
        engine, _, port = unit.partition(".")
        core = f"{engine}.core"
        if port in ("a", "b"):
            queue = program.units.get(core, ())
            room = max((command.fields.get("subblocks", 1) for command in queue), default=1)
            counts |= {f"{core}>{unit}": room, f"{unit}>{core}": 0}
        elif port == "o":
            counts |= {f"{core}>{unit}": 0, f"{unit}>{core}": 1}
    return counts


def walk(bounds: Sequence[int], grain: int) -> Iterator[tuple[tuple[int, ...], int, int]]:
    """(counters, start level, end level) of each body of loop `grain`, innermost loop first.

    Levels up to `start level` begin with the body, levels up to `end level` end with it.
    """
    outer = [range(bound) for bound in reversed(bounds[grain:])]
    inner = (0,) * grain
    for index in itertools.product(*outer):
        counters = inner + tuple(reversed(index))
        start = end = grain
        while start < len(bounds) and counters[start] == 0:
            start += 1
        while end < len(bounds) and counters[end] == bounds[end] - 1:
            end += 1
        yield counters, start, end


Steps = Generator[tuple[str, int], None, None]
STEPPED = ("", 0)


def unit_steps(
    unit: str, commands: Sequence[Command], counts: dict[str, int], act: Action | None = None
) -> Steps:
    """Carries out a unit's queue on `counts`; yields what it waits for, or `STEPPED`."""
    for command in commands:
        grain = GRAIN[command.operation]
        implicit = stream_tokens(unit, command)
        waits = (*command.waits, *implicit.waits)
        signals = (*implicit.signals, *command.signals)
        events: tuple[Wait | Signal, ...] = (*waits, *signals)
        if any(event.level < grain for event in events):
            raise ProgramError(f"{unit}: a token of {command.operation} below level {grain}")
        for counters, start, end in walk(command.bounds, grain):
            for wait in waits:
                if wait.level <= start:
                    while counts[wait.token] < wait.count:
                        yield wait.token, wait.count
                    counts[wait.token] -= wait.count
            if act is not None:
                act(unit, command, counters, start)
            for signal in signals:
                if signal.level <= end:
                    counts[signal.token] += signal.count
            yield STEPPED


def run_untimed(
    program: Program, act: Action | None = None, order: Callable[[list[str]], str] | None = None
) -> int:
    """Run to the end; the number of steps. `order` chooses the next of the units that can step.

    Raises:
        Deadlock: if units wait for each other for ever.
        ProgramError: if a counter does not end where it began.
    """
    counts = initial_tokens(program)
    before = dict(counts)
    units = {name: unit_steps(name, queue, counts, act) for name, queue in program.units.items()}
    waiting: dict[str, tuple[str, int]] = {}
    ready = sorted(units)
    num_steps = 0
    while ready:
        name = ready[0] if order is None else order(ready)
        result = next(units[name], None)
        while order is None and result == STEPPED:  # any order does: take the quickest
            num_steps += 1
            result = next(units[name], None)
        if result == STEPPED:
            num_steps += 1
        else:
            ready.remove(name)
            if result is not None:
                waiting[name] = result
        woken = [unit for unit, (token, count) in waiting.items() if counts[token] >= count]
        for unit in woken:
            del waiting[unit]
        ready += woken
    if waiting:
        raise Deadlock({unit: token for unit, (token, _) in waiting.items()})
    changed = [f"{name} {before[name]} -> {n}" for name, n in counts.items() if n != before[name]]
    if changed:
        raise ProgramError(f"tokens left or lost: {', '.join(changed)}")
    return num_steps

"""Proves that no two units use a port of the same bank at one time, whatever the timing.

Units whose banks are disjoint for the whole program cannot meet. Others must be kept apart by
tokens: each command carries a vector clock, the steps of every other unit that are surely over when
it begins (units take their commands in order; a token in a counter with one producer was given by a
known step). Two commands that share a bank are apart if one is over before the other begins.
Room in the engine's buffers is no proof of order: hardware may have more of it.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field

from .program import Command, Program, Wait
from .untimed import GRAIN, ProgramError, stream_tokens, walk

SHARED = (("array.a", "array.b", "store"), ("load", "array.o"))
"""Units that use read ports, and those that use write ports."""

Clock = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Span:
    """Steps `[start, end)` of a unit that a command takes; `before`: steps of each unit that are
    over when it begins."""

    start: int
    end: int
    before: Clock


@dataclass
class _Given:
    """Clocks of the tokens given so far; `taken` of them and of the initial ones are used."""

    initial: int
    clocks: list[Clock] = field(default_factory=list)
    taken: int = 0


def check_ports(program: Program, words_per_bank: int) -> None:
    """No two units may use a read port, or a write port, of the same bank at one time.

    Raises:
        ProgramError: naming both units, the bank, and their commands.
    """
    spans: dict[str, list[Span]] | None = None
    for users in SHARED:
        banks = {
            unit: [_banks(command, words_per_bank) for command in program.units.get(unit, ())]
            for unit in users
        }
        for one, other in itertools.combinations(users, 2):
            if set().union(*banks[one]) & set().union(*banks[other]):
                spans = spans or command_spans(program)
                _check_pair(list(program.units), (one, other), banks, spans)


def _check_pair(
    units: Sequence[str],
    pair: tuple[str, str],
    banks: Mapping[str, list[set[int]]],
    spans: Mapping[str, list[Span]],
) -> None:
    one, other = pair
    place, other_place = units.index(one), units.index(other)
    ends = [span.end for span in spans[one]]
    befores = [span.before[other_place] for span in spans[one]]
    for index, span in enumerate(spans[other]):
        first = bisect_right(ends, span.before[place])
        for rival in range(first, bisect_left(befores, span.end)):
            shared = banks[one][rival] & banks[other][index]
            if shared:
                raise ProgramError(
                    f"{one} and {other} both use bank {min(shared)}, and nothing keeps command "
                    f"{rival} of {one} and command {index} of {other} apart"
                )


def command_spans(program: Program) -> dict[str, list[Span]]:
    """Each unit's commands with what is surely over before them.

    Raises:
        ProgramError: if the program cannot finish.
    """
    names = list(program.units)
    tokens = {token.name: _Given(initial=token.initial) for token in program.tokens}
    spans: dict[str, list[Span]] = {name: [] for name in names}
    running = {name: _play(program.units[name], name, names, tokens, spans[name]) for name in names}
    while running:
        is_moving = False
        for name in list(running):
            is_step = next(running[name], None)
            while is_step:
                is_moving = True
                is_step = next(running[name], None)
            if is_step is None:
                is_moving = True
                del running[name]
        if not is_moving:
            raise ProgramError(f"the program can never finish: {', '.join(sorted(running))} wait")
    return spans


def _play(
    commands: Sequence[Command],
    unit: str,
    names: Sequence[str],
    tokens: dict[str, _Given],
    spans: list[Span],
) -> Generator[bool, None, None]:
    """Yields True after each step, False where it must wait."""
    clock, place, steps = (0,) * len(names), names.index(unit), 0
    for command in commands:
        implicit = stream_tokens(unit, command)
        waits = [wait for wait in (*command.waits, *implicit.waits) if not _is_room(wait)]
        signals = [s for s in (*command.signals, *implicit.signals) if not _is_room(s)]
        first = steps
        before: Clock | None = None
        for _, start, end in walk(command.bounds, GRAIN[command.operation]):
            for wait in waits:
                if wait.level <= start:
                    given = tokens.setdefault(wait.token, _Given(initial=0))
                    while given.initial + len(given.clocks) < given.taken + wait.count:
                        yield False
                    clock = _later(clock, given, wait)
            before = before or clock
            steps += 1
            clock = (*clock[:place], steps, *clock[place + 1 :])
            for signal in signals:
                if signal.level <= end:
                    given = tokens.setdefault(signal.token, _Given(initial=0))
                    given.clocks.extend([clock] * signal.count)
            yield True
        spans.append(Span(start=first, end=steps, before=before or clock))


def _later(clock: Clock, given: _Given, wait: Wait) -> Clock:
    """The clock when the tokens of `wait` have been taken: the last one's giver is the latest."""
    given.taken += wait.count
    last = given.taken - given.initial - 1
    return clock if last < 0 else tuple(map(max, clock, given.clocks[last]))


def _is_room(event: object) -> bool:
    """Whether a token stands for room in a buffer of the engine."""
    name: str = event.token  # type: ignore[attr-defined]
    source, arrow, target = name.partition(">")
    return bool(arrow) and (target.endswith((".a", ".b")) or source.endswith(".o"))


def _banks(command: Command, words_per_bank: int) -> set[int]:
    if command.fields.get("target") == 1:
        return set()
    spans = [loop.stride("local") * (loop.bound - 1) for loop in command.loops]
    low = command.bases.get("local", 0) + sum(span for span in spans if span < 0)
    high = command.bases.get("local", 0) + sum(span for span in spans if span > 0)
    high += command.fields.get("run_words", 1) - 1
    return set(range(low // words_per_bank, high // words_per_bank + 1))

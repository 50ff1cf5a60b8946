"""Proves for all timings that no two units meet at a port of a bank, or at a word.

Each stretch of a unit's work carries a vector clock: the steps of every other unit that are surely
over when it begins. Units take their commands in order, and a token in a counter with one producer
was given by a known step, so clocks follow from the program alone. Two stretches are apart if one
is over before the other begins. Room in the engine's buffers is no proof of order: hardware may
have more of it.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .program import Command, Program, Signal, Wait
from .untimed import GRAIN, ProgramError, stream_tokens, walk

READERS, WRITERS = ("array.a", "array.b", "store"), ("load", "array.o")
"""Units that use read ports of the banks, and those that use write ports."""

Clock = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Span:
    """Steps `[start, end)` of a unit, of its command `command`, at words `[low, high)`.

    `before`: steps of each unit that are over when it begins. A command is one span, or one for
    each time that it waits; a run of `load` is a span of its own.
    """

    command: int
    start: int
    end: int
    before: Clock
    low: int
    high: int


@dataclass
class _Given:
    """Clocks of the tokens given so far; `taken` of them and of the initial ones are used."""

    initial: int
    clocks: list[Clock] = field(default_factory=list)
    taken: int = 0


def check_ports(program: Program, words_per_bank: int) -> None:
    """No two units may use a read port, or a write port, of the same bank at one time.

    Units whose banks are disjoint for the whole program need no proof of order. Where some are not,
    order is proved for every word too (`check_words`).

    Raises:
        ProgramError: naming both units, the bank or words, and their commands.
    """
    banks = {
        unit: _banks(program.units.get(unit, ()), words_per_bank) for unit in (*READERS, *WRITERS)
    }
    pairs = [
        (one, other)
        for users in (READERS, WRITERS)
        for one, other in itertools.combinations(users, 2)
        if banks[one] & banks[other]
    ]
    if not pairs:
        return

    def shared(one: Span, other: Span) -> str | None:
        first = max(one.low // words_per_bank, other.low // words_per_bank)
        last = min((one.high - 1) // words_per_bank, (other.high - 1) // words_per_bank)
        return f"both use bank {first}" if first <= last else None

    spans = unit_spans(program)
    for pair in pairs:
        _check_pair(list(program.units), pair, spans, shared)
    check_words(program, spans)


def check_words(program: Program, spans: Mapping[str, list[Span]]) -> None:
    """No unit may write a word while another reads or writes it: one is over before the other.

    Raises:
        ProgramError: naming both units, the word, and their commands.
    """

    def shared(one: Span, other: Span) -> str | None:
        first, end = max(one.low, other.low), min(one.high, other.high)
        return f"both use word {first}" if first < end else None

    present = [unit for unit in (*READERS, *WRITERS) if unit in program.units]
    for pair in itertools.combinations(present, 2):
        if pair[1] in WRITERS:
            _check_pair(list(program.units), pair, spans, shared)


def _check_pair(
    units: Sequence[str],
    pair: tuple[str, str],
    spans: Mapping[str, list[Span]],
    shared: Callable[[Span, Span], str | None],
) -> None:
    one, other = pair
    place, other_place = units.index(one), units.index(other)
    ends = [span.end for span in spans[one]]
    befores = [span.before[other_place] for span in spans[one]]
    for span in spans[other]:
        first = bisect_right(ends, span.before[place])
        for rival in spans[one][first : bisect_left(befores, span.end)]:
            what = shared(rival, span)
            if what is not None:
                raise ProgramError(
                    f"{one} and {other} {what}, and nothing keeps command {rival.command} of "
                    f"{one} and command {span.command} of {other} apart"
                )


def unit_spans(program: Program) -> dict[str, list[Span]]:
    """What each unit does in the scratchpad, and what is surely over before it.

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
    for number, command in enumerate(commands):
        waits, signals = _events(unit, command)
        is_at_word = unit in (*READERS, *WRITERS) and command.fields.get("target") != 1
        for (_, start, end), (low, high) in _bodies(command):
            is_new = command.operation == "load" or start == len(command.loops)
            for wait in waits:
                if wait.level <= start:
                    is_new = True
                    given = tokens.setdefault(wait.token, _Given(initial=0))
                    while given.initial + len(given.clocks) < given.taken + wait.count:
                        yield False
                    clock = _later(clock, given, wait)
            if is_at_word:
                _note(spans, number, steps, clock, (low, high), is_new=is_new)
            steps += 1
            clock = (*clock[:place], steps, *clock[place + 1 :])
            for signal in signals:
                if signal.level <= end:
                    given = tokens.setdefault(signal.token, _Given(initial=0))
                    given.clocks.extend([clock] * signal.count)
            yield True


def _note(
    spans: list[Span],
    command: int,
    step: int,
    clock: Clock,
    words: tuple[int, int],
    *,
    is_new: bool,
) -> None:
    """One more step, in a span of its own or in the last one."""
    low, high = words
    before = clock
    start = step
    if not is_new:
        last = spans.pop()
        start, before = last.start, last.before
        low, high = min(low, last.low), max(high, last.high)
    spans.append(
        Span(command=command, start=start, end=step + 1, before=before, low=low, high=high)
    )


def _bodies(
    command: Command,
) -> Iterator[tuple[tuple[tuple[int, ...], int, int], tuple[int, int]]]:
    """Each step of a command, as `walk` tells it, and the words `[low, high)` that it touches."""
    grain = GRAIN[command.operation]
    strides = [loop.stride("local") for loop in command.loops]
    inner = [loop.stride("local") * (loop.bound - 1) for loop in command.loops[:grain]]
    base = command.bases.get("local", 0)
    low = base + sum(span for span in inner if span < 0)
    high = base + sum(span for span in inner if span > 0) + command.fields.get("run_words", 1)
    for body in walk(command.bounds, grain):
        offset = sum(s * n for s, n in zip(strides, body[0], strict=True))
        yield body, (low + offset, high + offset)


def _events(unit: str, command: Command) -> tuple[list[Wait], list[Signal]]:
    """Waits and signals that prove an order: all but those for room in a buffer of the engine."""
    implicit = stream_tokens(unit, command)
    waits = [wait for wait in (*command.waits, *implicit.waits) if not _is_room(wait.token)]
    signals = [s for s in (*command.signals, *implicit.signals) if not _is_room(s.token)]
    return waits, signals


def _is_room(token: str) -> bool:
    source, arrow, target = token.partition(">")
    return bool(arrow) and (target.endswith((".a", ".b")) or source.endswith(".o"))


def _later(clock: Clock, given: _Given, wait: Wait) -> Clock:
    """The clock when the tokens of `wait` have been taken: the last one's giver is the latest."""
    given.taken += wait.count
    last = given.taken - given.initial - 1
    return clock if last < 0 else tuple(map(max, clock, given.clocks[last]))


def _banks(commands: Sequence[Command], words_per_bank: int) -> set[int]:
    """All banks that a unit uses."""
    banks: set[int] = set()
    for command in commands:
        if command.fields.get("target") == 1:
            continue
        spans = [loop.stride("local") * (loop.bound - 1) for loop in command.loops]
        low = command.bases.get("local", 0) + sum(span for span in spans if span < 0)
        high = command.bases.get("local", 0) + sum(span for span in spans if span > 0)
        high += command.fields.get("run_words", 1) - 1
        banks.update(range(low // words_per_bank, high // words_per_bank + 1))
    return banks

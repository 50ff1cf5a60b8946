"""Tokens for a list of actions in an order in which they may run: who must wait for whom.

Two actions of different units must keep their order if one reads what the other writes, if one
overwrites what the other reads, or if they would share a port of a bank. All units take their
actions in order, so a unit's waiting is a count of the other's actions, and one token per pair of
units carries all of it. Every edge leads forward in the list: the program cannot deadlock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..program import Command, Signal, SignalKind, Token, Wait

MOST_TOKENS = 4095


@dataclass(frozen=True, kw_only=True)
class Place:
    """Words `[start, end)` of the scratchpad, whose banks have `bank_words` words."""

    start: int
    end: int
    bank_words: int

    def overlaps(self, other: Place) -> bool:
        return self.start < other.end and other.start < self.end

    def shares_bank(self, other: Place) -> bool:
        mine = self.start // self.bank_words, (self.end - 1) // self.bank_words
        theirs = other.start // self.bank_words, (other.end - 1) // self.bank_words
        return mine[0] <= theirs[1] and theirs[0] <= mine[1]


@dataclass(frozen=True, kw_only=True)
class Action:
    """A command of `unit` at `step`, what it reads and writes, and which block it moves.

    `ahead` is where the results of the reader's task go: their writer waits for nothing itself.
    """

    unit: str
    step: int
    command: Command
    reads: Place | None = None
    writes: Place | None = None
    ahead: Place | None = None
    block: tuple[str, tuple[int, ...]] | None = None
    is_weight: bool = False


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Actions of `consumer` wait for those of `producer` before them that `applies` to (earlier,
    later). With `is_round` the last action gives one more, which the first of the next run takes.
    """

    token: str
    producer: str
    consumer: str
    applies: Callable[[Action, Action], bool]
    kind: SignalKind = ""
    is_round: bool = False


@dataclass
class _Tallies:
    """Per rule: for each consumer action that waits, how many producer actions must be over."""

    needs: dict[int, int] = field(default_factory=dict)
    highest: int = 0


def with_tokens(
    actions: Sequence[Action], rules: Sequence[Rule]
) -> tuple[dict[str, list[Command]], list[Token]]:
    """The queues with the waits and signals that `rules` ask for, and the tokens."""
    queues: dict[str, list[Action]] = {}
    tallies = {rule.token: _Tallies() for rule in rules}
    for action in actions:
        for rule in rules:
            if rule.consumer == action.unit:
                _tally(tallies[rule.token], rule, action, queues)
        queues.setdefault(action.unit, []).append(action)
    commands = {unit: [action.command for action in queue] for unit, queue in queues.items()}
    tokens = [_emit(rule, tallies[rule.token].needs, commands) for rule in rules]
    return commands, tokens


def _tally(tally: _Tallies, rule: Rule, action: Action, queues: Mapping[str, list[Action]]) -> None:
    producers = queues.get(rule.producer, [])
    for count in range(len(producers), tally.highest, -1):
        if rule.applies(producers[count - 1], action):
            tally.highest = count
            tally.needs[len(queues.get(action.unit, []))] = count
            return


def _emit(rule: Rule, needs: Mapping[int, int], commands: dict[str, list[Command]]) -> Token:
    """One token each time that another action must be over; waits are at the whole command."""
    for count in needs.values():
        _signal(rule, commands[rule.producer], count - 1)
    for index in needs:
        _wait(rule, commands[rule.consumer], index, 1)
    initial = 0
    if rule.is_round:
        initial = 1
        _signal(rule, commands[rule.producer], len(commands[rule.producer]) - 1)
        _wait(rule, commands[rule.consumer], 0, 1)
    return Token(
        name=rule.token,
        producer=rule.producer,
        consumer=rule.consumer,
        initial=initial,
        maximum=max(1, min(MOST_TOKENS, len(needs) + initial)),
    )


def _wait(rule: Rule, queue: list[Command], index: int, count: int) -> None:
    command = queue[index]
    mine = [wait for wait in command.waits if wait.token == rule.token]
    others = tuple(wait for wait in command.waits if wait.token != rule.token)
    total = count + sum(wait.count for wait in mine)
    wait = Wait(token=rule.token, count=total, level=len(command.loops))
    queue[index] = replace(command, waits=(*others, wait))


def _signal(rule: Rule, queue: list[Command], index: int) -> None:
    command = queue[index]
    mine = [signal for signal in command.signals if signal.token == rule.token]
    others = tuple(signal for signal in command.signals if signal.token != rule.token)
    signal = Signal(token=rule.token, count=1 + len(mine), level=len(command.loops), kind=rule.kind)
    queue[index] = replace(command, signals=(*others, signal))

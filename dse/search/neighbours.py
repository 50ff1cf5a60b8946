"""Designs that differ from a given one in one parameter."""

from __future__ import annotations

from collections.abc import Iterable

from ..space import Space


def neighbours_of(space: Space, numbers: Iterable[int]) -> list[int]:
    """All designs with one free parameter at another value, each once, in order.

    A parameter that comes to life with the change takes its middle value.
    """
    found: dict[int, None] = {}
    centres = list(numbers)
    for number in centres:
        states = {p: int(s[0]) for p, s in space.states_at(space.indices([number])).items()}
        lengths = {parameter.path: len(parameter.points()) for parameter in space.free}
        for path, state in states.items():
            if state == lengths[path]:
                states[path] = lengths[path] // 2
        for path, length in lengths.items():
            for state in range(length):
                found[space.index_of_states({**states, path: state})] = None
    for number in centres:
        found.pop(number, None)
    return list(found)

"""Checks shared by the frozen objects: each raises `ValueError` with the field's name."""

from __future__ import annotations

from collections.abc import Iterable


def at_least(name: str, value: int, minimum: int) -> None:
    """`value` must be an integer of `minimum` or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
        raise ValueError(f"{name}: must be an integer of at least {minimum}, got {value!r}")


def distinct(name: str, values: Iterable[str]) -> None:
    """No name may occur twice."""
    seen: set[str] = set()
    twice: set[str] = set()
    for value in values:
        (twice if value in seen else seen).add(value)
    if twice:
        raise ValueError(f"{name}: named twice: {', '.join(sorted(twice))}")


def not_empty(name: str, value: str) -> None:
    """A name must have characters."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name}: must be a text of at least one character, got {value!r}")

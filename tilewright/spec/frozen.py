"""An immutable mapping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

Value = TypeVar("Value")


class FrozenMapping(Mapping[str, Value]):
    """An immutable, hashable, picklable mapping that keeps its order."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Mapping[str, Value]) -> None:
        object.__setattr__(self, "_entries", dict(entries))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a FrozenMapping cannot be changed")

    def __getitem__(self, key: str) -> Value:
        entries: dict[str, Value] = object.__getattribute__(self, "_entries")
        return entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(object.__getattribute__(self, "_entries"))

    def __len__(self) -> int:
        return len(object.__getattribute__(self, "_entries"))

    def __hash__(self) -> int:
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[type[FrozenMapping[Value]], tuple[dict[str, Value]]]:
        return FrozenMapping, (dict(self),)

    def __repr__(self) -> str:
        return f"FrozenMapping({dict(self)!r})"

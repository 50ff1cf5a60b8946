"""Instances of a synthesised design as a tree of parts: repeated ones together, sums of what is
inside."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Generic, Protocol, Self, TypeVar

__all__ = ["LEAST_SHARE", "Part", "joined_path", "part_tree"]

LEAST_SHARE: Final = 0.01
"""A part with less than this share of the whole is shown with its parent."""
_REPEATED: Final = re.compile(r"(?<=_)\d+(?=\.|$)")


class Sum(Protocol):
    """What adds up."""

    def __add__(self, other: Self, /) -> Self: ...


S = TypeVar("S", bound=Sum)


@dataclass(frozen=True, kw_only=True)
class Part(Generic[S]):
    """Instances of one kind in one place: `path` has `*` for their numbers; `whole` is what they
    and everything inside them take together.
    """

    path: str
    count: int
    whole: S

    @property
    def depth(self) -> int:
        return 0 if not self.path else self.path.count(".") + 1

    def label(self, top: str) -> str:
        """The last name of the path, indented by its depth."""
        return "  " * self.depth + (self.path.rpartition(".")[2] or top)


def joined_path(path: str) -> str:
    """The path of an instance with `*` for the numbers of repeated ones: `bank_*.words`."""
    return _REPEATED.sub("*", path)


def part_tree(rows: Iterable[tuple[str, S]]) -> list[Part[S]]:
    """The parts in the order of the tree; `rows`: the path of each instance and its own take."""
    counts: dict[str, int] = {}
    own: dict[str, S] = {}
    for instance, take in rows:
        path = joined_path(instance)
        counts[path] = counts.get(path, 0) + 1
        own[path] = own[path] + take if path in own else take
    whole = dict(own)
    for path, take in own.items():
        parts = path.split(".") if path else []
        for length in range(len(parts)):
            above = ".".join(parts[:length])
            if above in whole:
                whole[above] += take
    ordered = sorted(own, key=lambda path: path.split("."))
    return [Part(path=path, count=counts[path], whole=whole[path]) for path in ordered]

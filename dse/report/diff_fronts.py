"""Why designs of one front are not on the other one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from ..space_domains import Value
from ..sweep_file import SweepFile
from .page_data import worst_excesses

Key = tuple[tuple[type, Value | None], ...]
Why = Literal["outside", "unlisted", "unevaluated", "no_numbers", "infeasible", "beaten"]
WHY: Final[Mapping[Why, str]] = {
    "outside": "not in the space of the {}",
    "unlisted": "not listed in the {}, which lists a sample",
    "unevaluated": "not evaluated in the {}",
    "no_numbers": "without numbers in the {}",
    "infeasible": "failing a constraint in the {}",
    "beaten": "beaten in the {}",
}
"""`{}`: `first` or `second`."""


def why_absent(
    keys: Mapping[Key, int], parameters: Sequence[str], other: SweepFile, known: Mapping[Key, int]
) -> dict[Why, tuple[int, ...]]:
    """By reason the designs `keys` that are not on the front of `other`, whose designs are `known`
    by the same parameters.
    """
    values = {
        one.path: {(type(value), value) for value in one.values}
        for one in other.space.parameters
        if one.has_all
    }
    excesses = worst_excesses(other)
    found: dict[Why, list[int]] = {why: [] for why in WHY}
    for key, index in keys.items():
        if key in known:
            is_bad = excesses[other.row_of(known[key])] > 0
            found["infeasible" if is_bad else "beaten"].append(index)
        elif all(
            value in values.get(path, {value}) for path, value in zip(parameters, key, strict=True)
        ):
            found[_state(other)].append(index)
        else:
            found["outside"].append(index)
    return {why: tuple(some) for why, some in found.items() if some}


def why_text(absent: Mapping[Why, Sequence[int]], place: str) -> str:
    """`2 not in the space of the second, 1 beaten in the second`."""
    return ", ".join(f"{len(some):,} {WHY[why].format(place)}" for why, some in absent.items())


def _state(file: SweepFile) -> Why:
    """Of a design of the space that has no row."""
    if file.num_left_out:
        return "unlisted"
    return "no_numbers" if file.coverage.kind == "exact" else "unevaluated"

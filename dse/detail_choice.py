"""Which designs of a sweep have details of layers, schedule and memory, and in words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from .sweep_file import ObjectiveSummary, SweepFile

MOST_PRINTED: Final = 12
"""Designs of the front that the command prints."""
MAX_DETAILS: Final = 50
"""Designs with details, unless more were simulated."""


def front_order(file: SweepFile) -> list[int]:
    """The front by the first objective, best first; of equal ones the lower number."""
    return sorted(file.front, key=_cost(file, file.objectives[0]))


def printed_designs(file: SweepFile) -> list[int]:
    """Designs of the front in its order; of many some, with both ends."""
    order = front_order(file)
    steps = min(len(order), MOST_PRINTED)
    last = len(order) - 1
    return [order[step * last // max(1, steps - 1)] for step in range(steps)]


def best_of_each(file: SweepFile) -> list[int]:
    """The best design of each objective; of equal ones the first of the front."""
    order = front_order(file)
    if not order:
        return []
    best = (min(order, key=_cost(file, objective)) for objective in file.objectives)
    return list(dict.fromkeys(best))


def detailed_designs(file: SweepFile) -> list[int]:
    """The best of each objective, those simulated, those printed, and others evenly along the
    front. After Ctrl-C the best alone.
    """
    best = best_of_each(file)
    if file.was_interrupted:
        return best
    confirmed = (one.index for one in file.confirmations)
    chosen = dict.fromkeys([*best, *confirmed, *printed_designs(file)])
    rest = [index for index in front_order(file) if index not in chosen]
    room = min(max(0, MAX_DETAILS - len(chosen)), len(rest))
    return [*chosen, *(rest[(2 * place + 1) * len(rest) // (2 * room)] for place in range(room))]


def kept_text(file: SweepFile, known: Collection[int]) -> str:
    """Whose details there are, where those of the designs `known` are there."""
    text = f"Layers, schedule and memory map are kept for {_kept(file, known)}"
    return f"{text}: the sweep was interrupted." if file.was_interrupted else f"{text}."


def _kept(file: SweepFile, known: Collection[int]) -> str:
    if not known:
        return "no design"
    count, all_of = sum(index in known for index in file.front), len(file.front)
    has_best = all(index in known for index in best_of_each(file))
    has_simulated = all(one.index in known for one in file.confirmations)
    simulated = " and for simulated ones" if has_simulated and not file.was_interrupted else ""
    if count == all_of:
        whole = "the design" if all_of == 1 else f"all {all_of:,} designs"
        return f"{whole} of the front{simulated}"
    part = f"{count:,} of the {all_of:,} designs of the front"
    if has_best:
        return f"{part}, the best of each objective among them{',' if simulated else ''}{simulated}"
    return f"{part}{simulated}"


def _cost(file: SweepFile, objective: ObjectiveSummary) -> Callable[[int], float]:
    """What is small for a good design."""
    column, sign = file.columns[objective.metric], 1 if objective.direction == "min" else -1

    def cost(index: int) -> float:
        value: float = column[file.row_of(index)]  # type: ignore[assignment]
        return sign * value

    return cost

"""The values that a parameter has somewhere in a space, whatever was evaluated of it. Pure."""

from __future__ import annotations

from typing import Final

from .space import Space
from .space_domains import Linked, Parameter, Value
from .space_tree import is_among

MOST_COMBINATIONS: Final = 1 << 18
"""Of the parameters that a link reads: with more its values are not computed."""
Values = tuple[Value | None, ...]


def values_in(space: Space, parameter: Parameter) -> Values | None:
    """In the parameter's order, those of links rising; None is last where a condition leaves it
    out. None in place of them: a link has too many combinations.
    """
    by_path = {one.path: one for one in space.parameters}
    if isinstance(parameter.domain, Linked):
        return _of_link(space, parameter, by_path)
    return _of_free(space, parameter, by_path)


def rising(values: Values) -> Values:
    """Without repetitions: numbers, then text, then nothing."""
    return tuple(sorted(set(values), key=_rank))


def _of_free(space: Space, parameter: Parameter, by_path: dict[str, Parameter]) -> Values:
    """A condition asks one parameter alone, so its own values say whether it can fail."""
    table: list[Value | None] = space.tables[parameter.path].tolist()
    if parameter.when is None:
        return tuple(table)
    asked = _of_free(space, by_path[parameter.when.path], by_path)
    among, (*values, absent) = parameter.when.among, table
    can_fail = any(value is None or not is_among(value, among) for value in asked)
    is_other = absent is None or not is_among(absent, parameter.points())
    return (*values, absent) if can_fail and is_other else tuple(values)


def _of_link(space: Space, parameter: Parameter, by_path: dict[str, Parameter]) -> Values | None:
    """All designs of a space with nothing but what the link hangs on."""
    needed = {parameter.path}
    to_do = [parameter]
    while to_do:
        sources = [by_path[path] for path in to_do.pop().sources if path not in needed]
        needed |= {source.path for source in sources}
        to_do += sources
    part = Space(parameters=tuple(one for one in space.parameters if one.path in needed))
    if part.size > MOST_COMBINATIONS:
        return None
    return rising(tuple(part.columns(0, part.size)[parameter.path].tolist()))


def _rank(value: Value | None) -> tuple[int, float, str]:
    if isinstance(value, int | float):
        return 0, value, ""
    return (2, 0, "") if value is None else (1, 0, value)

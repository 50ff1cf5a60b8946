"""Mistakes of a space and of its goals: all of them at once, each at the key it is about.

Paths are those of a `sweep:` section: `parameters.PATH.KEY`, `objectives.METRIC`,
`constraints.NAME`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tilewright.spec.diagnostics import suggestion
from tilewright.spec.sections.base import Conflict

from .space_bounds import Magnitudes
from .space_domains import Linked, Parameter, Value
from .space_tree import is_among

MAX_EXACT = 2**53
"""Linked numbers stay below: exact as integers and as floats."""


NO_KEY = "is no key of the spec"
MAX_KEYS = 20
"""Keys of a section that are told."""


class SpaceError(ValueError):
    """A space or its goals make no sense; `conflicts` holds every mistake."""

    def __init__(self, conflicts: Iterable[Conflict]) -> None:
        self.conflicts = tuple(conflicts)
        super().__init__("\n".join(_line(conflict) for conflict in self.conflicts))


def _line(conflict: Conflict) -> str:
    text = f"{'.'.join(str(step) for step in conflict.path)}: {conflict.rule}"
    text += f", got {conflict.value}" if conflict.value is not None else ""
    return f"{text}\n  help: {conflict.help}" if conflict.help else text


def conflicts_of(parameters: Sequence[Parameter], known_paths: Sequence[str]) -> list[Conflict]:
    """Every mistake of the parameters; `known_paths` are the keys that a spec has (none: any)."""
    found = list(_domain_conflicts(parameters))
    found += _path_conflicts(parameters, known_paths)
    by_path = {parameter.path: parameter for parameter in parameters}
    found += _source_conflicts(parameters, by_path)
    if not found:
        found += _cycle_conflicts(parameters, by_path)
    if not found and not any(parameter.is_free for parameter in parameters):
        rule = "must name at least one parameter with values"
        found.append(Conflict(path=("parameters",), rule=rule))
    if not found:
        found += _condition_conflicts(parameters, by_path)
    if not found:
        found += _link_conflicts(parameters, by_path)
    return found


def _at(
    parameter: Parameter, *keys: str | int, rule: str, value: str, help: str | None
) -> Conflict:
    return Conflict(path=("parameters", parameter.path, *keys), rule=rule, value=value, help=help)


def _domain_conflicts(parameters: Sequence[Parameter]) -> Iterator[Conflict]:
    for parameter in parameters:
        for mistake in parameter.domain.mistakes():
            keys = (mistake.key,) if mistake.number is None else (mistake.key, mistake.number)
            yield _at(parameter, *keys, rule=mistake.rule, value=mistake.value, help=mistake.help)


def _path_conflicts(
    parameters: Sequence[Parameter], known_paths: Sequence[str]
) -> Iterator[Conflict]:
    seen: set[str] = set()
    for parameter in parameters:
        if parameter.path in seen:
            yield _at(parameter, rule="is there twice", value=parameter.path, help=None)
        seen.add(parameter.path)
        if known_paths and not parameter.is_derived and parameter.path not in known_paths:
            yield _unknown(parameter, known_paths)


def _unknown(parameter: Parameter, known_paths: Sequence[str]) -> Conflict:
    path = parameter.path
    inner = [known for known in known_paths if known.startswith(f"{path}.")]
    if inner:
        help = f"its keys: {', '.join(inner[:MAX_KEYS])}"
        help += ", and others" if len(inner) > MAX_KEYS else ""
        return _at(parameter, rule="is a section: name one of its keys", value=path, help=help)
    help = suggestion(path, known_paths, "path")
    return _at(parameter, rule=NO_KEY, value=path, help=help)


def _source_conflicts(
    parameters: Sequence[Parameter], by_path: Mapping[str, Parameter]
) -> Iterator[Conflict]:
    for parameter in parameters:
        for source in parameter.sources:
            if source not in by_path:
                help = suggestion(source, list(by_path), "parameter")
                rule = "names a parameter that the sweep does not have"
                yield _at(parameter, rule=rule, value=source, help=help)


def _cycle_conflicts(
    parameters: Sequence[Parameter], by_path: Mapping[str, Parameter]
) -> Iterator[Conflict]:
    """One conflict per cycle, with its way round."""
    done: set[str] = set()
    for parameter in parameters:
        trail: list[str] = []
        cycle = _cycle_from(parameter.path, by_path, trail, done)
        if cycle:
            way = " -> ".join([*cycle, cycle[0]])
            yield _at(by_path[cycle[0]], rule="depends on itself", value=way, help="cut one link")
            done.update(cycle)


def _cycle_from(
    path: str, by_path: Mapping[str, Parameter], trail: list[str], done: set[str]
) -> list[str]:
    """The first cycle that is reached from `path`, which none of `done` leads to."""
    if path in trail:
        return trail[trail.index(path) :]
    if path in done:
        return []
    trail.append(path)
    for source in by_path[path].sources:
        cycle = _cycle_from(source, by_path, trail, done)
        if cycle:
            return cycle
    trail.pop()
    done.add(path)
    return []


def _condition_conflicts(
    parameters: Sequence[Parameter], by_path: Mapping[str, Parameter]
) -> Iterator[Conflict]:
    """Conditions that no design can meet, or that ask what is no choice."""
    for parameter in parameters:
        if parameter.when is None:
            continue
        asked = by_path[parameter.when.path]
        if not asked.is_free:
            rule = "must ask a parameter with values of its own, not a linked one"
            yield _at(parameter, "when", rule=rule, value=asked.path, help=None)
            continue
        values = _values_of(asked)
        if not parameter.when.among:
            yield _at(parameter, "when", rule="must name a value", value="none", help=None)
        for i, value in enumerate(parameter.when.among):
            if not is_among(value, values):
                rule = f"is no value of {asked.path}: the condition never holds"
                help = suggestion(str(value), [str(v) for v in values[:20]], "value")
                keys = ("when", asked.path, i)
                yield _at(parameter, *keys, rule=rule, value=str(value), help=help)


def _values_of(parameter: Parameter) -> tuple[Value, ...]:
    extra = () if parameter.otherwise is None else (parameter.otherwise,)
    return (*parameter.points(), *extra)


def _link_conflicts(
    parameters: Sequence[Parameter], by_path: Mapping[str, Parameter]
) -> Iterator[Conflict]:
    """Links to text, to what may be absent, to zero, or to numbers that explode."""
    sizes = Magnitudes(by_path=by_path)
    for parameter in parameters:
        if not isinstance(parameter.domain, Linked):
            continue
        for rule, source in _wrong_sources(parameter.domain, by_path):
            help = "give it a value for `otherwise`" if "absent" in rule else None
            yield _at(parameter, rule=rule, value=source, help=help)
    for parameter in parameters:
        largest = sizes.largest(parameter.path)
        if isinstance(parameter.domain, Linked) and largest >= MAX_EXACT:
            rule = f"must stay below 2^53 = {MAX_EXACT} in every design"
            value = f"up to {largest:.3g}"
            yield _at(parameter, rule=rule, value=value, help="name fewer or smaller parameters")


def _wrong_sources(linked: Linked, by_path: Mapping[str, Parameter]) -> Iterator[tuple[str, str]]:
    for source in dict.fromkeys(linked.sources):  # one that is there twice is told once
        parameter = by_path[source]
        if parameter.when is not None and parameter.otherwise is None:
            yield "reads a parameter that is absent in some designs", source
        if linked.is_reference:
            continue
        values = _values_of(parameter) if parameter.is_free else ()
        if any(isinstance(value, bool | str) for value in values):
            yield "computes with a parameter that is not a number everywhere", source
        elif source in linked.divided_by and any(value == 0 for value in values):
            yield "divides by a parameter that can be 0", source

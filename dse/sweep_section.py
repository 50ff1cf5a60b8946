"""The section `sweep:` of a spec as a `Space`; every mistake at its key. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from tilewright.spec.kinds import Kind
from tilewright.spec.sections.base import Conflict
from tilewright.spec.sweep import SweepParameterSection, SweepSection

from .space import Space
from .space_checks import NO_KEY, SpaceError
from .space_domains import Domain, Linked, Listed, Parameter, Powers, Range, Value, When
from .sweep_values import KeyValues, WrongValue

MAX_TOLD: Final = 5
"""Wrong values of one parameter that are told one by one."""
_FORMS: Final = {"values": ("values",), "range": ("start", "stop", "step", "powers_of_two"),
                 "link": ("times", "divided_by", "factor", "rounding")}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Swept:
    """A space, and by path of a parameter what its key can hold."""

    space: Space
    keys: Mapping[str, KeyValues]

    def unit(self, path: str) -> str:
        """Of a parameter's numbers."""
        return self.keys[path].unit


def swept_of(
    section: SweepSection,
    keys: Mapping[str, Kind | None],
    absent: Mapping[str, str] | None = None,
) -> Swept:
    """The space of a section; `keys` are those of the spec, with the kinds of their values;
    `absent` those of sections that it does not have, each with its section.

    Raises:
        SpaceError: with every mistake, at paths below the section.
    """
    reader = _Reader(
        keys={
            path: KeyValues(kind=None if entry.derived else keys.get(path))
            for path, entry in section.parameters.items()
        }
    )
    parameters = [reader.parameter(path, entry) for path, entry in section.parameters.items()]
    whole = [parameter for parameter in parameters if parameter is not None]
    try:
        space = Space(parameters=tuple(whole), known_paths=tuple(keys))
    except SpaceError as error:
        known = {conflict.path[:2] for conflict in reader.conflicts}
        reader.conflicts += [
            _with_section(conflict, absent or {})
            for conflict in error.conflicts
            if _is_news(conflict, section, known)
        ]
    if reader.conflicts:
        raise SpaceError(reader.conflicts)
    return Swept(space=space, keys=reader.keys)


def _with_section(conflict: Conflict, absent: Mapping[str, str]) -> Conflict:
    """A conflict; of a key whose section the spec does not have it says so."""
    path = conflict.value or ""
    if conflict.rule != NO_KEY or path not in absent:
        return conflict
    rule = f"is a key of a section that the spec does not have: `{absent[path]}`"
    return replace(conflict, rule=rule, help=f"write the section `{absent[path]}:`")


def _is_news(conflict: Conflict, section: SweepSection, known: set[tuple[str | int, ...]]) -> bool:
    """Whether a conflict does not only follow from parameters that are wrong themselves."""
    if not known:
        return True
    follows = conflict.value in section.parameters and ("parameters", conflict.value) in known
    return len(conflict.path) > 1 and conflict.path[:2] not in known and not follows


@dataclass(kw_only=True)
class _Reader:
    """Parameters, and the mistakes in them."""

    keys: Mapping[str, KeyValues]
    conflicts: list[Conflict] = field(default_factory=list)

    def parameter(self, path: str, entry: SweepParameterSection) -> Parameter | None:
        """None where a mistake is in the way."""
        num_known = len(self.conflicts)
        domain = self._domain(path, entry)
        otherwise = entry.otherwise
        if otherwise is not None:
            otherwise = self._value(path, ("otherwise",), path, otherwise)
        when = None
        if entry.when is not None:
            asked, among = entry.when
            read = [
                self._value(path, ("when", asked, i), asked, value) for i, value in enumerate(among)
            ]
            when = When(path=asked, among=tuple(value for value in read if value is not None))
        elif entry.otherwise is not None:
            self._add(path, "otherwise", "stands only beside `when`")
        if domain is not None and not isinstance(domain, Listed | Linked):
            self._check_range(path, domain)
        if domain is None or len(self.conflicts) > num_known:
            return None
        return Parameter(
            path=path, domain=domain, when=when, otherwise=otherwise, is_derived=entry.derived
        )

    def _check_range(self, path: str, domain: Range | Powers) -> None:
        """Every value must be one of the key; told are ends that are not, each where it stands, or
        else the first one between them.
        """
        if any(domain.mistakes()):  # the space tells them
            return
        keys, values = self.keys[path], domain.points()
        wrong: dict[int, WrongValue] = {}
        for number, value in enumerate(values):
            try:
                keys.read(keys.written(value))
            except WrongValue as error:
                wrong[number] = error
        ends = {"start": 0, "stop": len(values) - 1}
        told = {key: number for key, number in ends.items() if number in wrong}
        if wrong and not told:
            told["step"] = min(wrong)
        for key, number in told.items():
            value, mistake = str(keys.written(values[number])), wrong[number]
            self._add(path, key, mistake.rule, value, mistake.help)

    def _domain(self, path: str, entry: SweepParameterSection) -> Domain | None:
        forms = [form for form, keys in _FORMS.items() if entry.model_fields_set & set(keys)]
        if len(forms) != 1:
            rule = "must have values, or a range (start and stop), or a link (times)"
            value = " and ".join(forms) if forms else "none of them"
            self._add(path, None, rule, value)
            return None
        made: Mapping[str, Callable[[str, SweepParameterSection], Domain | None]] = {
            "values": self._listed, "range": self._range, "link": self._linked
        }  # fmt: skip
        return made[forms[0]](path, entry)

    def _listed(self, path: str, entry: SweepParameterSection) -> Domain | None:
        assert entry.values is not None
        read = [
            self._value(path, ("values", i), path, value) for i, value in enumerate(entry.values)
        ]
        return Listed(values=tuple(value for value in read if value is not None))

    def _range(self, path: str, entry: SweepParameterSection) -> Domain | None:
        for key in ("start", "stop"):
            if getattr(entry, key) is None:
                self._add(path, key, "is missing: a range has a start and a stop")
                return None
        ends = [self._number(path, key, getattr(entry, key)) for key in ("start", "stop")]
        step = None if entry.step is None else self._number(path, "step", entry.step)
        start, stop = ends
        if start is None or stop is None:
            return None
        if not entry.powers_of_two:
            return Range(start=start, stop=stop, step=1 if step is None else step)
        if entry.step is not None:
            self._add(path, "step", "must not stand beside powers_of_two")
        if not (isinstance(start, int) and isinstance(stop, int)):
            self._add(path, "powers_of_two", "is for whole numbers", f"{start} to {stop}")
            return None
        return Powers(start=start, stop=stop)

    def _linked(self, path: str, entry: SweepParameterSection) -> Domain:
        rounding: Literal["up", "down"] = entry.rounding
        return Linked(
            times=entry.times or (),
            divided_by=entry.divided_by or (),
            factor=entry.factor,
            rounding=rounding,
        )

    def _value(
        self, path: str, place: tuple[str | int, ...], asked: str, value: Value
    ) -> Value | None:
        """A value of the parameter `asked`, which stands at `place` below the parameter `path`."""
        keys = self.keys.get(asked, KeyValues())
        try:
            return keys.read(value)
        except WrongValue as error:
            told = [c for c in self.conflicts if c.path[:3] == ("parameters", path, place[0])]
            if len(told) < MAX_TOLD:
                self._add(path, place, error.rule, str(value), error.help)
            return None

    def _number(self, path: str, key: str, value: int | float | str) -> int | float | None:
        try:
            return self.keys[path].number(value)
        except WrongValue as error:
            self._add(path, key, error.rule, str(value), error.help)
            return None

    def _add(
        self,
        path: str,
        key: str | tuple[str | int, ...] | None,
        rule: str,
        value: str | None = None,
        help: str | None = None,
    ) -> None:
        below = (key,) if isinstance(key, str) else key or ()
        place = ("parameters", path, *below)
        self.conflicts.append(Conflict(path=place, rule=rule, value=value, help=help))

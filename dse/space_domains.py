"""What a parameter of a sweep can be: a list, a range, powers of two, or linked to others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Value = bool | int | float | str
"""A value of a key of a spec, as it stands there."""

MAX_POINTS = 100_000
"""Values that one parameter may have: more is a slip of the pen in a range."""


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """What is wrong with a domain: the key below it (of a list also the number of the value), the
    rule, what was found, what to do.
    """

    key: str
    number: int | None = None
    rule: str
    value: str
    help: str | None = None


@dataclass(frozen=True, kw_only=True)
class Listed:
    """The values of `values`, in this order."""

    values: tuple[Value, ...]

    def points(self) -> tuple[Value, ...]:
        """All values."""
        return self.values

    def mistakes(self) -> Iterator[Mistake]:
        """No value, too many, one of them twice (`true` and 1 count as one, as in YAML 1.1)."""
        if not self.values:
            yield Mistake(key="values", rule="must have at least one value", value="an empty list")
        yield from _too_many("values", len(self.values))
        seen: set[Value] = set()
        for number, value in enumerate(self.values):
            if value in seen:
                rule = "values must differ: each design is evaluated once"
                yield Mistake(key="values", number=number, rule=rule, value=f"{value} twice")
            seen.add(value)


@dataclass(frozen=True, kw_only=True)
class Range:
    """`start`, `start + step`, ... up to `stop` (included if it is one of them).

    Steps are counted in decimal fractions as they are written: 0.1 to 0.3 in steps of 0.1 are
    three values.
    """

    start: int | float
    stop: int | float
    step: int | float = 1

    @property
    def num_points(self) -> int:
        """Number of values, without making them."""
        if self.step <= 0 or self.stop < self.start:
            return 0
        return int((_exact(self.stop) - _exact(self.start)) / _exact(self.step)) + 1

    def points(self) -> tuple[Value, ...]:
        """All values; integers if `start` and `step` are."""
        first, step = _exact(self.start), _exact(self.step)
        is_whole = isinstance(self.start, int) and isinstance(self.step, int)
        exact = (first + i * step for i in range(self.num_points))
        return tuple(int(x) if is_whole else float(x) for x in exact)

    def mistakes(self) -> Iterator[Mistake]:
        """A step that leads nowhere, an end before the start, too many values."""
        if self.step <= 0:
            yield Mistake(key="step", rule="must be above 0", value=f"{self.step}")
        elif self.stop < self.start:
            rule = f"must be at least the start, {self.start}: the range is empty"
            yield Mistake(key="stop", rule=rule, value=f"{self.stop}")
        else:
            yield from _too_many("step", self.num_points)


@dataclass(frozen=True, kw_only=True)
class Powers:
    """The powers of two from `start` to `stop`, both included."""

    start: int
    stop: int

    def points(self) -> tuple[Value, ...]:
        """All values, rising."""
        return tuple(1 << e for e in range(_log2(self.start), _log2(self.stop) + 1))

    def mistakes(self) -> Iterator[Mistake]:
        """Ends that are no powers of two, or the wrong way round."""
        ends = {"start": self.start, "stop": self.stop}
        wrong = [key for key, end in ends.items() if end < 1 or end & (end - 1)]
        for key in wrong:
            yield Mistake(key=key, rule="must be a power of two", value=f"{ends[key]}",
                          help=_near_power(ends[key]))  # fmt: skip
        if not wrong and self.stop < self.start:
            rule = f"must be at least the start, {self.start}: there is no power between them"
            yield Mistake(key="stop", rule=rule, value=f"{self.stop}")


@dataclass(frozen=True, kw_only=True)
class Linked:
    """`factor` times the product of the parameters `times` over that of `divided_by`.

    With `times` alone of one name it is a reference, to text as well. Integers give an integer:
    a quotient is rounded `up` or `down`. It adds no design of its own.
    """

    times: tuple[str, ...]
    divided_by: tuple[str, ...] = ()
    factor: int | float = 1
    rounding: Literal["up", "down"] = "up"

    @property
    def is_reference(self) -> bool:
        """Whether it is another parameter's value as it is."""
        return len(self.times) == 1 and not self.divided_by and self.factor == 1

    @property
    def sources(self) -> tuple[str, ...]:
        """The parameters that it reads."""
        return (*self.times, *self.divided_by)

    def mistakes(self) -> Iterator[Mistake]:
        """A link to nothing."""
        if not self.times:
            rule = "must name at least one parameter"
            yield Mistake(key="times", rule=rule, value="an empty list")


Domain = Listed | Range | Powers | Linked


@dataclass(frozen=True, kw_only=True)
class When:
    """A parameter exists only where the parameter `path` has one of the values `among`."""

    path: str
    among: tuple[Value, ...]


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """The key `path` of a spec and what it can be.

    Where `when` does not hold, the parameter is `otherwise` (None: the key stays as the spec has
    it). A derived one is no key of the spec: it is there for constraints and other links.
    """

    path: str
    domain: Domain
    when: When | None = None
    otherwise: Value | None = None
    is_derived: bool = False

    @property
    def is_free(self) -> bool:
        """Whether it has values of its own to choose from."""
        return not isinstance(self.domain, Linked)

    @property
    def sources(self) -> tuple[str, ...]:
        """The parameters that must be known before this one."""
        linked = self.domain.sources if isinstance(self.domain, Linked) else ()
        return (*linked, self.when.path) if self.when else linked

    def points(self) -> tuple[Value, ...]:
        """The values of a free parameter."""
        assert not isinstance(self.domain, Linked)
        return self.domain.points()


def _exact(number: int | float) -> Fraction:
    """As it is written, so that 0.1 is a tenth."""
    return Fraction(str(number))


def _log2(power: int) -> int:
    return power.bit_length() - 1


def _near_power(number: int) -> str:
    low = 1 << max(number.bit_length() - 1, 0)
    return f"write {low} or {2 * low}" if number > 0 else "write 1 or more"


def _too_many(key: str, num_points: int) -> Iterator[Mistake]:
    if num_points > MAX_POINTS:
        rule = f"one parameter has at most {MAX_POINTS} values"
        yield Mistake(key=key, rule=rule, value=f"{num_points}", help="take larger steps")

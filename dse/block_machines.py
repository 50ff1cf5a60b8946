"""Columns of designs as machines: every distinct engine, scratchpad, port and clock read once.

The sections of the spec read them (`tilewright.spec`), with their defaults and rules: a design that
they refuse is told with the rule's text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from tilewright.spec import AcceleratorSpec
from tilewright.spec.key_values import leaves
from tilewright.spec.kinds import Section
from tilewright.spec.machine import AcceleratorSection, MemorySection, ScratchpadSection
from tilewright.spec.numbers import parse_frequency_hz
from tilewright.spec.paths import spec_keys
from tilewright.spec.sections.systolic import SystolicSection

from .block_columns import Indices, Kinds, kinds_of
from .sweep_values import KeyValues, written_value

Columns = Mapping[str, NDArray[Any]]
Plain = dict[str, Any]
Made = TypeVar("Made")

MACHINE = "accelerator"
SCRATCHPAD, MEMORY, CLOCK = "accelerator.scratchpad.", "accelerator.memory.", "clock"
OPTIONS = ("accelerator.counters", "accelerator.fifos")


class Options(NamedTuple):
    """Keys of an accelerator that change nothing but its resources."""

    has_counters: bool = True
    has_ram_fifos: bool = False


@dataclass(frozen=True, kw_only=True)
class Machines:
    """The designs of a block: sections that occur, and which one each design has.

    `name` is the engine's; `refusals`: by design why there is no such machine, else None.
    """

    name: str
    engines: list[SystolicSection]
    scratchpads: list[ScratchpadSection]
    memories: list[MemorySection]
    options: list[Options]
    clocks_hz: list[int | None]
    engine_of: Indices
    scratchpad_of: Indices
    memory_of: Indices
    option_of: Indices
    clock_of: Indices
    refusals: NDArray[np.object_]

    def of(self, designs: Indices) -> Machines:
        """Some of the designs, and no section that none of them has."""
        engines, engine_of = _used(self.engines, self.engine_of[designs])
        scratchpads, scratchpad_of = _used(self.scratchpads, self.scratchpad_of[designs])
        memories, memory_of = _used(self.memories, self.memory_of[designs])
        options, option_of = _used(self.options, self.option_of[designs])
        clocks_hz, clock_of = _used(self.clocks_hz, self.clock_of[designs])
        return Machines(
            name=self.name, engines=engines, scratchpads=scratchpads, memories=memories,
            options=options, clocks_hz=clocks_hz, engine_of=engine_of,
            scratchpad_of=scratchpad_of, memory_of=memory_of, option_of=option_of,
            clock_of=clock_of, refusals=self.refusals[designs],
        )  # fmt: skip

    def section(self, design: int) -> AcceleratorSection:
        """One design as the section of a spec."""
        return AcceleratorSection.model_construct(
            engines={self.name: self.engines[self.engine_of[design]]},
            scratchpad=self.scratchpads[self.scratchpad_of[design]],
            memory=self.memories[self.memory_of[design]],
        )


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Reads columns over the keys that a spec has `written`. `units`: of the numbers of every key,
    empty where they have none. It may be sent to workers.
    """

    engine: str
    written: Mapping[str, Any]
    units: Mapping[str, str] = field(repr=False)

    @property
    def engine_prefix(self) -> str:
        """Of the paths of the engine's keys."""
        return f"accelerator.engines.{self.engine}."

    def unread(self, paths: Iterable[str]) -> list[str]:
        """Keys of the spec among `paths` on which nothing here depends."""
        read = (self.engine_prefix, SCRATCHPAD, MEMORY, *OPTIONS, CLOCK)
        return [path for path in paths if path in self.units and not path.startswith(read)]

    def machines(self, columns: Columns, rows: int) -> Machines:
        """The machines of some designs."""
        refusals = np.full(rows, None, dtype=object)
        prefix = self.engine_prefix
        engines, engine_of = self._read(columns, prefix, refusals, _engine)
        pads, scratchpad_of = self._read(columns, SCRATCHPAD, refusals, _section(ScratchpadSection))
        ports, memory_of = self._read(columns, MEMORY, refusals, _section(MemorySection))
        options, option_of = self._read(columns, OPTIONS, refusals, _options)
        clocks, clock_of = self._read(columns, CLOCK, refusals, _clock)
        found = Machines(
            name=self.engine, engines=engines, scratchpads=pads, memories=ports, options=options,
            clocks_hz=clocks, engine_of=engine_of, scratchpad_of=scratchpad_of,
            memory_of=memory_of, option_of=option_of, clock_of=clock_of, refusals=refusals,
        )  # fmt: skip
        self._check_together(found)
        return found

    def _read(
        self,
        columns: Columns,
        prefix: str | tuple[str, ...],
        refusals: NDArray[np.object_],
        make: Callable[[str, Plain], Made],
    ) -> tuple[list[Made], Indices]:
        """Each distinct section below `prefix` (or of keys that begin with one of several); where
        one is refused, it is some other one.
        """
        below = prefix if isinstance(prefix, str) else f"{MACHINE}."
        paths = [path for path in columns if path.startswith(prefix) and path in self.units]
        kinds = kinds_of([columns[path] for path in paths], len(refusals))
        made: list[Made] = []
        place = np.zeros(len(kinds), np.intp)
        wrong: dict[int, str] = {}
        for number, row in enumerate(kinds.first):
            try:
                plain = self._plain(prefix, paths, columns, int(row))
                plain = {path.removeprefix(below): value for path, value in plain.items()}
                made.append(make(below, _nested(plain)))
                place[number] = len(made) - 1
            except Refusal as error:
                wrong[number] = str(error)
        _refuse(refusals, kinds, wrong)
        return made, place[kinds.of]

    def _plain(
        self, prefix: str | tuple[str, ...], paths: list[str], columns: Columns, row: int
    ) -> Plain:
        """What the spec would say of keys that begin with `prefix`."""
        plain = {path: value for path, value in self.written.items() if path.startswith(prefix)}
        for path in paths:
            value = columns[path][row]
            value = value.item() if isinstance(value, np.generic) else value
            if value is not None:
                plain[path] = written_value(value, self.units[path])
        return plain

    def _check_together(self, found: Machines) -> None:
        """Rules between engine, scratchpad and memory port."""
        if not (found.engines and found.scratchpads and found.memories):
            return
        lanes = np.array([engine.lanes for engine in found.engines])[found.engine_of]
        alignments = np.array([memory.alignment_bytes for memory in found.memories])
        columns = (lanes, found.scratchpad_of, alignments[found.memory_of])
        kinds = kinds_of(columns, len(found.refusals))
        wrong = {}
        for number, row in enumerate(kinds.first):
            for conflict in found.section(int(row)).conflicts():
                wrong[number] = f"{_path(MACHINE, conflict.path)}: {conflict.rule}"
        _refuse(found.refusals, kinds, wrong)


def reader_of(spec: AcceleratorSpec, *, is_planned: bool = False) -> Reader:
    """A reader over `spec`. `is_planned`: the planner schedules it.

    Raises:
        ValueError: its schedule is another one than the streaming one.
    """
    if spec.schedule.objective != "cycles" and not is_planned:
        raise ValueError("schedule.objective: a workload's layers are streamed, write `cycles`")
    plain = spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
    units = {path: KeyValues(kind=kind).unit for path, kind in spec_keys(spec).items()}
    written = dict(leaves(plain))
    return Reader(engine=next(iter(spec.accelerator.engines)), written=written, units=units)


def is_none(values: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Where an array of objects has None."""
    return np.array([value is None for value in values.tolist()], np.bool_)


class Refusal(Exception):
    """There is no such section."""


def _section(kind: type[Section]) -> Callable[[str, Plain], Any]:
    return partial(_validated, kind)


def _engine(prefix: str, plain: Plain) -> SystolicSection:
    found: SystolicSection = _validated(SystolicSection, prefix, plain)
    for conflict in (*found.conflicts(), *found.accelerator_conflicts()):
        raise Refusal(f"{_path(prefix, conflict.path)}: {conflict.rule}")
    return found


def _options(prefix: str, plain: Plain) -> Options:
    return Options(
        has_counters=plain.get("counters", True),
        has_ram_fifos=plain.get("fifos") == "ram_blocks",
    )


def _clock(prefix: str, plain: Plain) -> int | None:
    return parse_frequency_hz(plain[""]) if "" in plain else None


def _validated(kind: type[Section], prefix: str, plain: Plain) -> Any:
    try:
        return kind.model_validate(plain)
    except ValidationError as error:
        first = error.errors()[0]
        raise Refusal(f"{_path(prefix, first['loc'])}: {first['msg']}") from None


def _path(prefix: str, path: tuple[str | int, ...]) -> str:
    return ".".join((prefix.rstrip("."), *map(str, path)))


def _refuse(refusals: NDArray[np.object_], kinds: Kinds, wrong: Mapping[int, str]) -> None:
    """Tell designs of wrong kinds why, unless they know a reason already."""
    if not wrong:
        return
    texts = np.full(len(kinds), None, dtype=object)
    texts[list(wrong)] = list(wrong.values())
    told = texts[kinds.of]
    is_news = is_none(refusals) & ~is_none(told)
    refusals[is_news] = told[is_news]


def _used(items: list[Made], of: Indices) -> tuple[list[Made], Indices]:
    used, places = np.unique(of, return_inverse=True)
    return [items[number] for number in used], places


def _nested(flat: Mapping[str, Any]) -> Plain:
    found: Plain = {}
    for path, value in flat.items():
        *sections, key = path.split(".")
        place = found
        for section in sections:
            place = place.setdefault(section, {})
        place[key] = value
    return found

"""What ASIC synthesis must know of a cell library: areas, flip-flops, ties, a buffer, units.

From a liberty file, plain or gzipped. The tools read the file themselves; here it is checked first,
because a broken one makes them crash or, worse, count cells as nothing.
"""

import gzip
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tilewright.build.synth.liberty_text import Group, LibertyText
from tilewright.spec.diagnostics import Diagnostic, SpecError

__all__ = ["Cell", "Library", "liberty_text", "parse_library", "read_library"]

MAX_FILE_BYTES: Final = 64 << 20
"""Of the plain text; a library with many corners in one file is of no use here."""
MAX_CELLS: Final = 20_000
MAX_DIAGNOSTICS: Final = 100
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_TIME: Final = re.compile(r"(1|10|100)(ns|ps|fs)")
_TIME_UNITS: Final = {"ns": 1e-9, "ps": 1e-12, "fs": 1e-15}
_CAPACITANCE_UNITS: Final = {"pf": 1e-12, "ff": 1e-15}
_PIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}(\[[0-9]{1,4}\])?")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell: its area in the library's unit, and what it is.

    kind : `logic`, `flip_flop`, `latch` or `other` (fillers, antennas, pads).
    functions : of its outputs, by pin, without blanks and parentheses: enough to know ties, buffers
        and inverters. inputs : capacitance of each input in farads.
    clock : the pin whose edge a flip-flop waits for.
    """

    name: str
    area: float
    kind: str
    functions: Mapping[str, str]
    inputs: Mapping[str, float]
    clock: str = ""
    may_be_used: bool = True


@dataclass(frozen=True, kw_only=True)
class Library:
    """A cell library. Areas are in the library's own unit, um2 in practice: liberty names none.

    text : all of it, for the tools, which read it themselves.
    """

    name: str
    cells: Mapping[str, Cell]
    time_unit_seconds: float
    capacitance_unit_farads: float
    text: str = field(repr=False)

    @property
    def flip_flops(self) -> dict[str, str]:
        """Clock pin of each flip-flop by the cell's name."""
        return {c.name: c.clock for c in self.cells.values() if c.kind == "flip_flop"}

    @property
    def tie_cells(self) -> tuple[tuple[str, str], tuple[str, str]] | None:
        """Cell and pin of constant 1, and of constant 0; None if one of them is missing."""
        found = [self._constant(value) for value in ("1", "0")]
        return None if None in found else (found[0], found[1])  # type: ignore[return-value]

    @property
    def buffer(self) -> Cell | None:
        """The smallest cell that repeats its input."""
        buffers = [c for c in self._usable() if len(c.inputs) == 1 and _repeats(c)]
        return min(buffers, key=lambda c: (c.area, c.name), default=None)

    @property
    def flip_flop_input_farads(self) -> float:
        """The load of a path's end: the median input of the flip-flops."""
        loads = sorted(
            farads
            for c in self.cells.values()
            if c.kind == "flip_flop"
            for pin, farads in c.inputs.items()
            if pin != c.clock
        )
        return loads[len(loads) // 2] if loads else 0.0

    def _usable(self) -> list[Cell]:
        return [c for c in self.cells.values() if c.kind == "logic" and c.may_be_used]

    def _constant(self, value: str) -> tuple[str, str] | None:
        ties = [
            (c.area, c.name, pin)
            for c in self._usable()
            if not c.inputs
            for pin, function in c.functions.items()
            if function == value and _NAME.fullmatch(pin)
        ]
        return min(ties)[1:] if ties else None


def _repeats(cell: Cell) -> bool:
    return list(cell.functions.values()) == list(cell.inputs)


def _inverts(cell: Cell) -> bool:
    """Both spellings of "not" that liberty knows."""
    functions = list(cell.functions.values())
    pins = list(cell.inputs)
    return functions in ([f"!{pin}" for pin in pins], [f"{pin}'" for pin in pins]) and bool(pins)


def read_library(path: Path) -> Library:
    """The library in a file.

    Raises:
        SpecError: the file cannot be read or is no library that synthesis can use; every mistake
            that is found, with its place.
    """
    return parse_library(liberty_text(path), str(path))


def liberty_text(path: Path) -> str:
    """The plain text of a liberty file, gzipped or not; errors as `read_library`."""
    try:
        with path.open("rb") as file:
            is_packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if is_packed else path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        rule = f"the library cannot be read: {reason}"
        raise SpecError([Diagnostic(file=str(path), rule=rule)]) from error
    if len(raw) > MAX_FILE_BYTES:
        rule = f"a library has at most {MAX_FILE_BYTES >> 20} MiB of text"
        raise SpecError([Diagnostic(file=str(path), rule=rule)])
    return raw.decode("utf-8", errors="replace")


def parse_library(text: str, file: str) -> Library:
    """The same from text; `file` is named in errors."""
    source = LibertyText(text, file)
    top = source.parse()
    if top.kind != "library":
        raise SpecError([source.diagnostic(top.offset, "", "must be `library (NAME) {`")])
    return _Reader(source, top).library()


class _Reader:
    """Group tree to `Library`; mistakes are gathered, so that all are told at once."""

    def __init__(self, source: LibertyText, top: Group) -> None:
        self.source, self.top = source, top
        self.mistakes: list[Diagnostic] = []

    def library(self) -> Library:
        time_unit = self._time_unit()
        farads = self._capacitance_unit()
        cells: dict[str, Cell] = {}
        groups = list(self.top.of_kind("cell"))
        if len(groups) > MAX_CELLS:
            self._wrong(self.top.offset, "", f"a library has at most {MAX_CELLS} cells")
        for group in groups[:MAX_CELLS]:
            cell = self._cell(group, farads)
            if cell.name in cells:
                self._wrong(group.offset, f"cell {cell.name}", "stands twice in the library")
            cells[cell.name] = cell
        self._check(cells)
        if self.mistakes:
            raise SpecError(self.mistakes[:MAX_DIAGNOSTICS])
        return Library(
            name=self.top.name,
            cells=cells,
            time_unit_seconds=time_unit,
            capacitance_unit_farads=farads,
            text=self.source.text,
        )

    def _check(self, cells: Mapping[str, Cell]) -> None:
        """What synthesis cannot do without."""
        usable = [cell for cell in cells.values() if cell.may_be_used]
        if not any(cell.kind == "flip_flop" for cell in usable):
            self._wrong(self.top.offset, "", "must have a flip-flop: a cell with a group `ff`")
        if not any(map(_inverts, usable)):
            self._wrong(self.top.offset, "", "must have an inverter")
        if not any(cell.kind == "logic" and len(cell.inputs) == 2 for cell in usable):
            self._wrong(self.top.offset, "", "must have a gate of two inputs")

    def _cell(self, group: Group, farads: float) -> Cell:
        path = f"cell {group.name}"
        if not _NAME.fullmatch(group.name):
            rule = "the name of a cell must be a plain Verilog name"
            self._wrong(group.offset, "cell", rule, value=group.name)
        functions: dict[str, str] = {}
        inputs: dict[str, float] = {}
        for pin in group.of_kind("pin"):
            self._pin(pin, path, farads, inputs, functions)
        kind = self._kind(group, functions)
        return Cell(
            name=group.name,
            area=self._number(group, "area", path, None if kind != "other" else 0.0),
            kind=kind,
            functions=functions,
            inputs=inputs,
            clock=self._clock(group) if kind == "flip_flop" else "",
            may_be_used=self._word(group, "dont_use") != "true",
        )

    def _pin(
        self,
        pin: Group,
        path: str,
        farads: float,
        inputs: dict[str, float],
        functions: dict[str, str],
    ) -> None:
        """Adds the pin, or the pins: a group may have several names."""
        direction, function = self._word(pin, "direction"), self._word(pin, "function")
        for name in pin.words:
            if not _PIN.fullmatch(name):
                rule = "the name of a pin must be a plain Verilog name"
                self._wrong(pin.offset, path, rule, value=name)
            elif direction == "input":
                inputs[name] = self._number(pin, "capacitance", path, 0.0) * farads
            elif function and direction == "output":
                functions[name] = re.sub(r"[ ()]", "", function)

    def _kind(self, group: Group, functions: Mapping[str, str]) -> str:
        if any(group.of_kind("ff", "ff_bank")):
            return "flip_flop"
        if any(group.of_kind("latch", "latch_bank", "statetable")):
            return "latch"
        return "logic" if functions else "other"

    def _clock(self, group: Group) -> str:
        """The pin in `clocked_on`; a falling edge is told by the tools themselves."""
        register = next(group.of_kind("ff", "ff_bank"))
        found = _PIN.search(self._word(register, "clocked_on"))
        if found is None:
            self._wrong(register.offset, f"cell {group.name}", "a flip-flop must say `clocked_on`")
            return ""
        return found[0]

    def _word(self, group: Group, name: str) -> str:
        found = group.find(name)
        return " ".join(found.words).strip() if found is not None else ""

    def _number(self, group: Group, name: str, path: str, default: float | None) -> float:
        found = group.find(name)
        if found is None:
            if default is None:
                self._wrong(group.offset, path, f"must have the attribute `{name}`")
            return default or 0.0
        try:
            value = float(found.words[0]) if len(found.words) == 1 else -1.0
        except ValueError:
            value = -1.0
        if not 0 <= value < 1e12:
            rule = f"{name} must be a number from 0"
            self._wrong(found.offset, path, rule, value=" ".join(found.words))
            return 0.0
        return value

    def _time_unit(self) -> float:
        found = self.top.find("time_unit")
        if found is None:
            return 1e-9  # what the standard says
        match = _TIME.fullmatch("".join(found.words).replace(" ", ""))
        if match is None:
            rule = "time_unit must be 1, 10 or 100 of ns, ps or fs"
            self._wrong(found.offset, "time_unit", rule, value=" ".join(found.words))
            return 1e-9
        return int(match[1]) * _TIME_UNITS[match[2]]

    def _capacitance_unit(self) -> float:
        found = self.top.find("capacitive_load_unit")
        if found is None:
            return 1e-12
        try:
            number, unit = found.words
            value = float(number) * _CAPACITANCE_UNITS[unit.lower()]
            if value > 0:
                return value
            raise ValueError
        except (ValueError, KeyError):
            rule = "capacitive_load_unit must be a number and pf or ff"
            self._wrong(found.offset, "capacitive_load_unit", rule, value=" ".join(found.words))
            return 1e-12

    def _wrong(self, offset: int, path: str, rule: str, value: str | None = None) -> None:
        self.mistakes.append(self.source.diagnostic(offset, path, rule, value=value))

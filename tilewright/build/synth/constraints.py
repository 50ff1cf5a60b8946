"""Files of pins for place and route, from a board: LPF, PCF and CST.

Every word is checked here, wherever it came from: ports are plain names with an index at most, pins
and standards capital letters and digits. So nothing in a table of a user's own can end a statement.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tilewright.errors import UsageError

__all__ = ["PinOf", "constraints_text", "cst_text", "lpf_text", "pcf_text"]

_PORT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}(\[[0-9]{1,4}\])?")
_PIN: Final = re.compile(r"[A-Z]{0,2}[0-9]{1,3}")
_STANDARD: Final = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
_PULLS: Final = ("", "up", "down")


@dataclass(frozen=True, kw_only=True)
class PinOf:
    """Where a port of the top module goes. `clock_hz`: the port is a clock of this frequency."""

    port: str
    pin: str
    io_standard: str = ""
    pull: str = ""
    clock_hz: int | None = None

    def __post_init__(self) -> None:
        for what, value, form in (("port", self.port, _PORT), ("pin", self.pin, _PIN)):
            if not form.fullmatch(value):
                raise UsageError(f"{what}: not a plain name: {value!r}")
        if self.io_standard and not _STANDARD.fullmatch(self.io_standard):
            raise UsageError(f"I/O standard of {self.port}: not one: {self.io_standard!r}")
        if self.pull not in _PULLS:
            raise UsageError(f"pull of {self.port}: up or down, got {self.pull!r}")
        if self.clock_hz is not None and not 1_000 <= self.clock_hz <= 10**10:
            raise UsageError(f"clock {self.port}: from 1 kHz to 10 GHz, got {self.clock_hz} Hz")


def _megahertz(frequency_hz: int) -> str:
    return f"{frequency_hz / 1e6:.6f}".rstrip("0").rstrip(".")


def lpf_text(pins: Sequence[PinOf]) -> str:
    """Lattice's preferences, as nextpnr-ecp5 reads them."""
    lines = ["BLOCK RESETPATHS;", "BLOCK ASYNCPATHS;"]
    for one in pins:
        lines.append(f'LOCATE COMP "{one.port}" SITE "{one.pin}";')
        words = [f"IO_TYPE={one.io_standard}"] if one.io_standard else []
        words += [f"PULLMODE={one.pull.upper()}"] if one.pull else []
        if words:
            lines.append(f'IOBUF PORT "{one.port}" {" ".join(words)};')
        if one.clock_hz is not None:
            lines.append(f'FREQUENCY PORT "{one.port}" {_megahertz(one.clock_hz)} MHZ;')
    return "\n".join(lines) + "\n"


def pcf_text(pins: Sequence[PinOf]) -> str:
    """IceStorm's physical constraints, as nextpnr-ice40 reads them; the bank sets the standard.

    iCE40 has pull-ups only.
    """
    lines = []
    for one in pins:
        if one.pull == "down":
            raise UsageError(f"pull of {one.port}: iCE40 pins can only be pulled up")
        pull = " -pullup yes" if one.pull == "up" else ""
        lines.append(f"set_io{pull} {one.port} {one.pin}")
        if one.clock_hz is not None:
            lines.append(f"set_frequency {one.port} {_megahertz(one.clock_hz)}")
    return "\n".join(lines) + "\n"


def cst_text(pins: Sequence[PinOf]) -> str:
    """Gowin's physical constraints. They know no clocks: `Target.freq_hz` says the frequency."""
    lines = []
    for one in pins:
        lines.append(f'IO_LOC "{one.port}" {one.pin};')
        words = [f"IO_TYPE={one.io_standard}"] if one.io_standard else []
        words += [f"PULL_MODE={one.pull.upper()}"] if one.pull else []
        if words:
            lines.append(f'IO_PORT "{one.port}" {" ".join(words)};')
    return "\n".join(lines) + "\n"


_WRITERS: Final = {"ecp5": lpf_text, "ice40": pcf_text, "gowin": cst_text}


def constraints_text(family: str, pins: Sequence[PinOf]) -> str:
    """The file of a family. Two ports on one pin, or one port twice, is an error."""
    for what, names in (("pin", [one.pin for one in pins]), ("port", [one.port for one in pins])):
        for name in names:
            if names.count(name) > 1:
                raise UsageError(f"constraints: {what} {name} is used {names.count(name)} times")
    return _WRITERS[family](pins)

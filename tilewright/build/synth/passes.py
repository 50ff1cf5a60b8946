"""Passes of yosys as typed values: no text from outside ever becomes part of a script.

A pass is a name and words. Words are plain identifiers, numbers or names of files in the folder of
the job; anything else is refused where the pass is made, before yosys sees it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tilewright.build.synth.target import Target

__all__ = ["Pass", "final_passes", "flattening_passes", "identifier", "keeping_passes",
           "mapping_passes", "plain_file", "reading_passes"]  # fmt: skip

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_WORD: Final = re.compile(r"-?[A-Za-z0-9_][A-Za-z0-9_.]*")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FILE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_BITS: Final = ("t:$dff*", "r:WIDTH=1", "%i")
"""Selects the registers of one bit; `proc` leaves no others of that name."""
MAX_IDENTIFIER: Final = 200
_DEFAULTS: Final[Mapping[str, Mapping[str, bool]]] = {
    "ecp5": {"nowidelut": True},
    "xcup": {"uram": True},
}
"""With wide LUTs, yosys builds a function of five and six inputs of up to eight LUTs: a queue of
top-k grows to twice its size, and by how much is erratic. UltraRAM is taken where it is the
cheaper: all devices of `xcup` that boards have here have it."""


_ULTRAPLUS: Final = ("-dsp", "-dffe_min_ce_use", "5")
"""Eight registers share one enable: with an enable for each few of them, a design that fills the
device to nine tenths has no legal placement."""


@dataclass(frozen=True)
class Pass:
    """One pass with its arguments."""

    name: str
    words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (_NAME.fullmatch(self.name) and len(self.name) <= MAX_IDENTIFIER):
            raise ValueError(f"not the name of a pass: {self.name!r}")
        for word in self.words:
            is_plain = _WORD.fullmatch(word) or _FILE.fullmatch(word) or word in _BITS
            if not is_plain or len(word) > MAX_IDENTIFIER:
                raise ValueError(f"{self.name}: not a plain word: {word!r}")

    @property
    def text(self) -> str:
        """What yosys reads."""
        return " ".join((self.name, *self.words))


def identifier(name: str) -> str:
    """`name`, if it is a plain Verilog identifier."""
    if not (_IDENTIFIER.fullmatch(name) and len(name) <= MAX_IDENTIFIER):
        raise ValueError(f"not a plain Verilog name: {name!r}")
    return name


def plain_file(name: str) -> str:
    """`name`, if it is the plain name of a file in the folder of the job."""
    if not _FILE.fullmatch(name) or ".." in name or len(name) > MAX_IDENTIFIER:
        raise ValueError(f"not a plain file name: {name!r}")
    return name


def reading_passes(sources: list[str], top: str) -> list[Pass]:
    """Verilog to modules, with `top` as their root."""
    return [
        *(Pass("read_verilog", (plain_file(name),)) for name in sources),
        Pass("hierarchy", ("-check", "-top", identifier(top))),
    ]


def flattening_passes() -> list[Pass]:
    """One flat module, every object knowing the instance that it came from."""
    return [
        Pass("proc"),
        Pass("flatten", ("-scopename",)),
        Pass("opt_clean"),
    ]


def keeping_passes() -> list[Pass]:
    """Registers of one bit stay, also those that equal another one. What nothing uses goes before,
    further names of a net among it: marks of instances (`scopes`) are made earlier.
    """
    return [Pass("opt_clean", ("-purge",)), Pass("setattr", ("-set", "keep", "1", *_BITS))]


def mapping_passes(target: Target, top: str, options: Mapping[str, Any]) -> list[Pass]:
    """The family's own synthesis. `options` are switches of ours: names with a bool or a number;
    they go before the family's `_DEFAULTS`."""
    words = ["-top", identifier(top), *_family_words(target)]
    if target.out_of_context and target.family in ("ecp5", "xc7", "xcup"):
        words.append("-noiopad")
    if target.out_of_context and target.family == "gowin":
        words.append("-noiopads")
    for name, value in sorted({**_DEFAULTS.get(target.family, {}), **options}.items()):
        if value is True:
            words.append(f"-{name}")
        elif value is not False:
            words += [f"-{name}", str(int(value))]
    return [Pass(f"synth_{target.dialect}", tuple(words))]


def _family_words(target: Target) -> list[str]:
    """What the family's pass must know of the device."""
    if target.family in ("xc7", "xcup"):
        return ["-family", target.family, "-flatten", "-noclkbuf"]
    if target.family == "ice40":
        words = ["-device", target.ice40_kind]
        return [*words, *_ULTRAPLUS] if target.ice40_kind == "u" else words
    if target.family == "gowin":
        return ["-family", target.gowin_series]
    return []


def final_passes() -> list[Pass]:
    """Names for cells after the nets at them, and the netlist."""
    return [
        Pass("autoname"),
        Pass("tee", ("-q", "-o", "cells.json", "stat", "-json")),
        Pass("write_json", ("netlist.json",)),
    ]

"""LUTs, registers, RAM, multipliers and clock of many accelerators at once.

The resource model (`hw.accelerator_resources`) adds up three parts that know nothing of each other:
the engine, the scratchpad, and what is around them. Each distinct part is asked once; a design is
the sum of its three. The accelerator is the programmable one (`program: ram`), which can run any
list of layers: a fixed program is not known before there is a model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from tilewright.dataflow.commands import array_tokens
from tilewright.dataflow.machine import Machine
from tilewright.dataflow.program import Program
from tilewright.hw.accelerator_resources import engine, scratchpad, surroundings
from tilewright.hw.configure import configure, surroundings_of
from tilewright.hw.hardware_config import UNITS
from tilewright.hw.lib.resources import coefficients, counted_in, fitted_amounts, period_seconds
from tilewright.hw.lib.structure import Structure
from tilewright.hw.systolic.params import SystolicParams
from tilewright.hw.systolic.resources import SPACE
from tilewright.hw.unit_params import PROGRAMMABLE_ROWS

from .block_machines import Options

Values = NDArray[np.float64]
ANY_PROGRAM = Program(
    units=dict.fromkeys(UNITS, ()),
    tokens=array_tokens(sets=1, a_ready=1, b_ready=1, a_free=1, b_free=1, results=1),
)
"""The tokens of the streaming schedules, and no command: what the hardware does is up to it."""

SUMS = ("lut", "ff", "lut_ram", "ram_blocks", "large_ram_blocks", "dsp", "levels")
MOST = ("widest_sum", "widest_test", "most_ways")


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Some parts of accelerators; `kind` as `Structure` has it, of engines only."""

    values: dict[str, Values]
    kinds: tuple[str, ...]


class Around(NamedTuple):
    """All that the surroundings depend on."""

    lanes: int
    cols: int
    scratchpad_address_bits: int
    port_bytes: int
    outstanding: int
    address_bits: int
    options: Options


class Pad(NamedTuple):
    """All that a scratchpad depends on."""

    lanes: int
    cols: int
    banks: int
    words_per_bank: int


Amounts = tuple[str, dict[str, float]]
Told = TypeVar("Told")
Known = dict[tuple[Any, str], Told]
_AROUND: Known[Amounts] = {}
_SCRATCHPADS: Known[Amounts] = {}


@dataclass(kw_only=True)
class _Whole:
    """As `ClockParts`."""

    space: str
    kind: str
    dsp: Values
    levels: Values
    widest_sum: Values
    widest_test: Values
    most_ways: Values


def has_clock(family: str) -> bool:
    """Whether the family has an estimate of the clock."""
    return bool(coefficients().get("families", {}).get(family, {}).get("period"))


def engines(kernels: Sequence[SystolicParams], family: str) -> Parts:
    """The engines' parts."""
    return _parts([_engine(params, family) for params in kernels])


def scratchpads(keys: Sequence[Pad], machine_of: Callable[[int], Machine], family: str) -> Parts:
    """The scratchpads' parts; `machine_of` of a key's number."""

    def amounts(number: int) -> Amounts:
        return _amounts(scratchpad_structure(machine_of(number), family))

    return _parts(known(_SCRATCHPADS, keys, family, amounts))


def around(keys: Sequence[Around], machine_of: Callable[[int], Machine], family: str) -> Parts:
    """The parts of what is around engine and scratchpad; `machine_of` of a key's number."""

    def amounts(number: int) -> Amounts:
        return _amounts(around_structure(keys[number], machine_of(number), family))

    return _parts(known(_AROUND, keys, family, amounts))


def engine_structure(params: SystolicParams, family: str) -> Structure:
    """What an engine is made of."""
    s = Structure(family, SPACE)
    engine(s, params)
    return s


def scratchpad_structure(machine: Machine, family: str) -> Structure:
    """What a scratchpad is made of."""
    s = Structure(family, SPACE)
    scratchpad(s, surroundings_of(machine, ANY_PROGRAM, is_programmable=True).scratchpad)
    return s


def around_structure(key: Around, machine: Machine, family: str) -> Structure:
    """What is around engine and scratchpad."""
    config = configure(
        machine,
        ANY_PROGRAM,
        name="accelerator",
        programmable_rows=PROGRAMMABLE_ROWS,
        has_counters=key.options.has_counters,
        has_ram_fifos=key.options.has_ram_fifos,
        address_bits=key.address_bits,
    )
    s = Structure(family, SPACE)
    surroundings(s, config)
    return s


def known(
    told: Known[Told], keys: Sequence[Any], family: str, tell: Callable[[int], Told]
) -> list[Told]:
    """What is told of each key, asked once in the life of the process."""
    for number, key in enumerate(keys):
        if (key, family) not in told:
            told[key, family] = tell(number)
    return [told[key, family] for key in keys]


def whole(parts: Sequence[tuple[Parts, NDArray[np.intp]]], family: str) -> dict[str, Values]:
    """What is counted in the family and, where it has a clock estimate, `clock_mhz` of designs,
    given for each kind of part which one each design has; the engines come first.
    """
    sums = {name: _sum(parts, name) for name in SUMS}
    lut = np.rint(sums["lut"] + sums["lut_ram"])
    amounts = sums | {"lut": lut, "ff": np.rint(sums["ff"])}
    found = {name: amounts[name] for name in counted_in(family)}
    most = {name: np.max([p.values[name][i] for p, i in parts], axis=0) for name in MOST}
    engine_parts, of = parts[0]
    clock = np.full(lut.shape, np.nan)
    for number, kind in enumerate(dict.fromkeys(engine_parts.kinds)):
        some = np.flatnonzero(_kind_numbers(engine_parts)[of] == number)
        picked = {name: v[some] for name, v in (most | sums).items()}
        parts_of = {name: picked[name] for name in (*MOST, "dsp", "levels")}
        period = period_seconds(_Whole(space=SPACE, kind=kind, **parts_of), lut[some], family)
        if period is None:
            return found
        clock[some] = 1e-6 / period
    return found | {"clock_mhz": clock}


def _sum(parts: Sequence[tuple[Parts, NDArray[np.intp]]], name: str) -> Values:
    total: Values = np.sum([part.values[name][of] for part, of in parts], axis=0)
    return total


def _kind_numbers(parts: Parts) -> NDArray[np.intp]:
    order = {kind: number for number, kind in enumerate(dict.fromkeys(parts.kinds))}
    return np.array([order[kind] for kind in parts.kinds], np.intp)


def _parts(found: Sequence[Amounts]) -> Parts:
    values = {name: np.array([v[name] for _, v in found], np.float64) for name in (*SUMS, *MOST)}
    return Parts(values=values, kinds=tuple(kind for kind, _ in found))


@cache
def _engine(params: SystolicParams, family: str) -> Amounts:
    return _amounts(engine_structure(params, family))


def _amounts(s: Structure) -> Amounts:
    lut, ff = fitted_amounts(s)
    plain = ("lut_ram", "ram_blocks", "large_ram_blocks", "dsp", "levels", *MOST)
    return s.kind, {"lut": lut, "ff": ff} | {name: getattr(s, name) for name in plain}

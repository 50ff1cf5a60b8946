"""Energy of an accelerator's run: what its program moves and computes, by a published table.

Counted: products that PEs form, padding included; words of the scratchpad that streamers and DMAs
read and write; registers of the PEs, where the table has registers; bytes over the memory port. Not
counted: control, FIFOs, requantisation, clock tree, leakage: published tables have none of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from tilewright.dataflow.machine import Machine
from tilewright.dataflow.program import Command, Program

from .account import Accesses, Energy, energy_of
from .table import EnergyTable

ELEMENT_BITS: Final = 8
SUM_BITS: Final = 32
OPERANDS: Final = 2 * ELEMENT_BITS
PARAMETERS: Final = 1
"""`target` of a load into the parameter ring, which counts as registers of no table."""


@dataclass(frozen=True, kw_only=True)
class Moved:
    """What one run moves, one entry per design: bits of the scratchpad read and written, bytes of a
    bank, products formed, bytes over the memory port.
    """

    products: ArrayLike
    bank_bytes: ArrayLike
    read_bits: ArrayLike
    written_bits: ArrayLike
    bytes_off_chip: ArrayLike


def moved_by(program: Program, machine: Machine, *, products: int, bytes_off_chip: int) -> Moved:
    """The counts of one program. `products`: PEs times cycles in which they have operands."""
    units, word_bits = program.units, machine.scratchpad.word_bits
    streamed = sum(_steps(units[unit]) for unit in ("array.a", "array.b"))
    stored = _run_words(units["store"])
    loaded = _run_words(c for c in units["load"] if c.fields.get("target") != PARAMETERS)
    cols = machine.engines[0].params["cols"]
    assert isinstance(cols, int)
    results = _steps(units["array.o"]) * cols * ELEMENT_BITS
    return Moved(
        products=products,
        bank_bytes=machine.scratchpad.words_per_bank * word_bits / 8,
        read_bits=(streamed + stored) * word_bits,
        written_bits=loaded * word_bits + results,
        bytes_off_chip=bytes_off_chip,
    )


def accelerator_energy(table: EnergyTable, moved: Moved) -> Energy:
    """The energy of what was moved, in the table's unit.

    Each product reads two operands and a sum from registers and writes a sum and an operand that
    goes on to the next PE: in an output-stationary array both operands go on, so it is a little
    more than this.
    """
    products = np.asarray(moved.products, np.float64)
    scratchpad = Accesses(
        level="scratchpad",
        capacity_bytes=moved.bank_bytes,
        read_bits=moved.read_bits,
        written_bits=moved.written_bits,
    )
    registers = Accesses(
        level="registers of PEs",
        capacity_bytes=None,
        read_bits=products * (OPERANDS + SUM_BITS),
        written_bits=products * (ELEMENT_BITS + SUM_BITS),
    )
    return energy_of(
        table,
        macs=moved.products,
        accesses=(scratchpad, registers),
        bytes_off_chip=moved.bytes_off_chip,
        sum_bits=SUM_BITS,
    )


def _steps(commands: Iterable[Command]) -> int:
    return sum(math.prod(command.bounds) for command in commands)


def _run_words(commands: Iterable[Command]) -> int:
    return sum(math.prod(command.bounds) * command.fields["run_words"] for command in commands)

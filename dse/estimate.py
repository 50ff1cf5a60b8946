"""Cycles of a program without any RTL: every unit by its cost law, tokens between them."""

from __future__ import annotations

from dataclasses import dataclass

from tilewright.dataflow.machine import Machine
from tilewright.dataflow.program import Program
from tilewright.hw.systolic.params import engine_params

from .timing.program import Timing, time_program


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a program takes on a machine.

    `cycles`: from the accepted write of the start bit to the last write response, inclusive.
    `steps`: cycles in which the array's first PE has operands. `read_words`, `written_words`: moved
    over the memory port.
    """

    cycles: int
    steps: int
    macs_per_cycle: int
    read_words: int
    written_words: int
    read_bursts: int
    written_bursts: int

    def utilisation(self, macs: int) -> float:
        """Share of the array's peak that `macs` useful multiply-accumulates make."""
        return macs / (self.cycles * self.macs_per_cycle)


def estimate(program: Program, machine: Machine) -> Estimate:
    """The exact cycles of `program` on `machine`, for memory of fixed latency and a plan without
    bank conflicts.

    Raises:
        Deadlock: if the program can never finish.
        NotExact: if there is no exact law for it.
    """
    return estimate_of(time_program(program, machine), machine)


def estimate_of(timing: Timing, machine: Machine) -> Estimate:
    """The sums of a timing."""
    params = engine_params(machine.engines[0].params, bound_bits=1)
    return Estimate(
        cycles=timing.cycles,
        steps=timing.num_starts * timing.cycles_per_start,
        macs_per_cycle=params.rows * params.cols,
        read_words=timing.loaded.words,
        written_words=timing.stored.words,
        read_bursts=timing.loaded.bursts,
        written_bursts=timing.stored.bursts,
    )

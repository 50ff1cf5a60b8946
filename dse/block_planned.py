"""The vectorised estimate of a graph that the planner schedules: all designs of a block, exactly.

There is no closed form of what the planner keeps in the scratchpad. But each number depends on a
few keys, and many designs share those: every kind of design is asked once.

    plan, program, bytes   engine, scratchpad, alignment, beats of a word
    cycles, energy         these, the memory's latency, bursts under way
    resources, area        plan, bursts under way, address bits, counters, FIFOs
    time                   cycles, clock

So the numbers are those of each design's own program: none of them is approximate. Answers are
remembered by their process, so single designs, asked one after the other, share them as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tilewright.dataflow.machine import Machine
from tilewright.dataflow.program import Program
from tilewright.dataflow.streaming_sizes import Ops
from tilewright.hw.accelerator_resources import accelerator_structure
from tilewright.hw.configure import configure
from tilewright.hw.lib.cell_area import CELLS, cell_amounts
from tilewright.hw.lib.resources import counted_in, resources_of
from tilewright.hw.unit_params import PROGRAMMABLE_ROWS

from .block_columns import Indices, Kinds, kinds_of
from .block_frame import AREA, CLOCK, MILLION, BlockFrame, Refusals, with_latency
from .block_layout import Layout
from .block_machines import Machines, is_none
from .block_resources import Values
from .energy.accelerator import moved_by
from .estimate import estimate
from .space import Design
from .sweep_tasks import REFUSED, Refused

NO_OPS = Ops(M=np.zeros(0), K=np.zeros(0), N=np.zeros(0), count=np.zeros(0))
"""Nothing is tiled here."""

Numbers = dict[str, float]
MOST_REMEMBERED = 100_000
_REMEMBERED: dict[Any, Numbers | str] = {}
"""By all that numbers depend on: these, or why there are none."""


class Scheduled(NamedTuple):
    """A graph on a machine: its program, useful multiply-accumulates, bytes of the memory image."""

    program: Program
    macs: int
    image_bytes: int


Scheduler = Callable[[Machine], Scheduled]
"""Plans and lowers a graph; raises `ValueError` where there is no program. May be sent to workers,
and remembers what it was asked."""


@dataclass(frozen=True, kw_only=True)
class PlannedEstimate(BlockFrame):
    """Metrics of columns of designs; may be sent to workers. `is_programmable`: of the accelerator
    that can run other programs, too.
    """

    schedule: Scheduler = field(repr=False)
    is_programmable: bool = False

    @cached_property
    def digest(self) -> str:
        """Of what the numbers depend on, besides code and columns."""
        return self.digest_of(schedule=repr(self.schedule))

    def of_machines(self, machines: Machines) -> tuple[dict[str, Values], Refusals]:
        """Metrics of machines, each kind of them asked once."""
        block = _Block(self, machines)
        return block.metrics(), block.refusals

    def one(self, design: Design) -> Numbers:
        """The same of one design, by its values.

        Raises:
            Refused: there are none, and why.
        """
        found = self({path: _column(value) for path, value in design.items()})
        if (refusal := found[REFUSED][0]) is not None:
            raise Refused(refusal)
        return {name: float(found[name][0]) for name in self.metrics}


class _Block:
    """Machines of a block, and why some have no numbers."""

    def __init__(self, asked: PlannedEstimate, machines: Machines) -> None:
        self.asked, self.machines = asked, machines
        self.layout = Layout(machines=machines, ops=NO_OPS)
        self.refusals: NDArray[np.object_] = np.full(len(machines.engine_of), None, dtype=object)
        self.scheduled: dict[int, Scheduled | ValueError] = {}

    def metrics(self) -> dict[str, Values]:
        """One entry for each machine."""
        machines, of = self.machines, self.layout.memory
        outstanding = of("outstanding")
        plans = self._kinds(
            machines.engine_of, machines.scratchpad_of, of("alignment_bytes"),
            self.layout.port_bytes,
        )  # fmt: skip
        timings = self._kinds(plans.of, of("latency_cycles"), outstanding)
        built = self._kinds(plans.of, outstanding, of("address_bits"), machines.option_of)

        def scheduled(row: int) -> Scheduled:
            return self._scheduled(int(plans.of[row]), row)

        def timed(row: int) -> Numbers:
            return self._timed(row, scheduled(row))

        def made(row: int) -> Numbers:
            return self._made(row, scheduled(row))

        numbers = _columns(self._asked(timings, timed, self._timing_key), timings.of)
        numbers |= _columns(self._asked(built, made, self._hardware_key), built.of)
        if not numbers:
            return {}
        return with_latency(numbers, machines)

    def _scheduled(self, plan: int, row: int) -> Scheduled:
        """The program of a kind of plan, which `row` has."""
        if plan not in self.scheduled:
            try:
                self.scheduled[plan] = self.asked.schedule(self.layout.machine(row))
            except ValueError as error:
                self.scheduled[plan] = error
        found = self.scheduled[plan]
        if isinstance(found, ValueError):
            raise found
        return found

    def _kinds(self, *columns: NDArray[Any]) -> Kinds:
        whole = [column.astype(np.int64) for column in columns]
        return kinds_of(whole, len(self.refusals))

    def _asked(
        self, kinds: Kinds, ask: Callable[[int], Numbers], key: Callable[[int], Any]
    ) -> list[Numbers | None]:
        """What `ask` answers of the first machine of each kind, unless it was asked before; None
        where it refuses.
        """
        answers: list[Numbers | None] = []
        for number, row in enumerate(kinds.first):
            found = _remembered((self.asked.digest, *key(int(row))), ask, int(row))
            answers.append(None if isinstance(found, str) else found)
            if isinstance(found, str):
                self.refusals[(kinds.of == number) & is_none(self.refusals)] = found
        return answers

    def _timing_key(self, row: int) -> tuple[Any, ...]:
        """All that a time depends on; a port is no wider than a word."""
        machine = self.layout.machine(row)
        memory = replace(machine.memory, bytes_per_cycle=machine.port_bytes)
        return ("timing", repr(replace(machine, memory=memory)))

    def _hardware_key(self, row: int) -> tuple[Any, ...]:
        """All that the hardware depends on: not how long the memory takes."""
        machine, machines = self.layout.machine(row), self.machines
        memory = replace(machine.memory, bytes_per_cycle=machine.port_bytes, latency_cycles=1)
        options = machines.options[machines.option_of[row]]
        address_bits = int(self.layout.memory("address_bits")[row])
        return ("hardware", repr(replace(machine, memory=memory)), options, address_bits)

    def _timed(self, row: int, scheduled: Scheduled) -> Numbers:
        """What is known when the program has been timed."""
        machine, program = self.layout.machine(row), scheduled.program
        found = estimate(program, machine)
        moved_bytes = (found.read_words + found.written_words) * machine.word_bytes
        moved = moved_by(
            program,
            machine,
            products=found.steps * found.macs_per_cycle,
            bytes_off_chip=moved_bytes,
        )
        return {
            "cycles": found.cycles,
            "bytes_off_chip": moved_bytes,
            "utilisation": found.utilisation(scheduled.macs),
            **{name: float(uj) for name, uj in self.asked.energies(moved).items()},
        }

    def _made(self, row: int, scheduled: Scheduled) -> Numbers:
        """What the hardware takes."""
        machines, asked = self.machines, self.asked
        options = machines.options[machines.option_of[row]]
        address_bits = int(self.layout.memory("address_bits")[row])
        if scheduled.image_bytes > 1 << address_bits:
            raise ValueError(
                f"the memory image has {scheduled.image_bytes:,} bytes, memory.address_bits "
                f"{address_bits} reach {1 << address_bits:,}"
            )
        config = configure(
            self.layout.machine(row),
            scheduled.program,
            name="accelerator",
            programmable_rows=PROGRAMMABLE_ROWS if asked.is_programmable else 0,
            has_counters=options.has_counters,
            has_ram_fifos=options.has_ram_fifos,
            address_bits=address_bits,
        )
        resources = resources_of(accelerator_structure(config, asked.family))
        numbers: Numbers = {name: getattr(resources, name) for name in counted_in(asked.family)}
        if resources.fmax_hz is not None:
            numbers[CLOCK] = resources.fmax_hz / MILLION
        if (area := asked.area) is not None:
            um2, bits = cell_amounts(accelerator_structure(config, CELLS), area.library)
            numbers[AREA] = um2 + bits * area.memory_um2_per_bit
        return numbers


def _remembered(key: Any, ask: Callable[[int], Numbers], row: int) -> Numbers | str:
    found = _REMEMBERED.get(key)
    if found is None:
        try:
            found = ask(row)
        except ValueError as error:
            found = str(error)
        if len(_REMEMBERED) >= MOST_REMEMBERED:
            _REMEMBERED.clear()
        _REMEMBERED[key] = found
    return found


def _column(value: Any) -> NDArray[Any]:
    """One value as a column of one row."""
    return np.array([value], dtype=object if value is None else None)


def _columns(answers: Sequence[Numbers | None], of: Indices) -> dict[str, Values]:
    """A column for each number; nan where there is no answer."""
    names = dict.fromkeys(name for answer in answers if answer is not None for name in answer)
    return {
        name: np.array([math.nan if a is None else a[name] for a in answers], np.float64)[of]
        for name in names
    }

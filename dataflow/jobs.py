"""A plan's tasks with the addresses and token counts that their commands need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from .commands import Segment, ring_segments
from .graph import Graph
from .machine import Machine
from .memory_map import parameters_name
from .plan import Plan
from .program import Command, Program, Token
from .task import Task
from .tiling import Matmul, array_shape, matmuls


@dataclass(frozen=True, kw_only=True)
class Job:
    """A task with everything that its commands need."""

    size: Matmul
    task: Task
    is_first_of_program: bool
    is_first_of_op: bool
    is_last_of_op: bool
    is_last_of_program: bool
    a_taken: int  # slots to take with the first A panel, with those that this task leaves unused
    a_given: int  # slots to give with the last A panel
    first_b_slot: int
    b_slots: int
    b_slot_words: int
    a_base: int
    b_base: int
    o_base: int
    activation_base: int
    weight_base: int
    parameter_base: int
    result_base: int
    beats_per_word: int

    @property
    def tiles(self) -> int:
        return self.task.bounds.get("m_tiles", 1)

    @property
    def first_row(self) -> int:
        return self.task.attributes["first_row"]

    @property
    def rows(self) -> int:
        """Valid rows of the task."""
        return self.task.attributes["rows"]

    @property
    def full_tiles(self) -> int:
        return self.rows // self.size.array.rows

    @property
    def ragged_rows(self) -> int:
        """Rows of the last tile if they are fewer than the array's; else 0."""
        return self.rows % self.size.array.rows

    def segments(self, first: int, end: int) -> Iterator[Segment]:
        """Panels `[first, end)` in the B ring."""
        return ring_segments(first, end, self.first_b_slot, self.b_slots)

    def result_segments(self) -> Iterator[Segment]:
        """All panels in the ring of result slots; a slot is here the results of one panel."""
        slots = self.task.attributes["o_slots"] // self.tiles
        return ring_segments(0, self.size.panels, 0, slots)


def jobs(graph: Graph, plan: Plan, machine: Machine) -> tuple[Job, ...]:
    """The plan's tasks with addresses and token counts."""
    sizes = {size.op: size for size in matmuls(graph, array_shape(machine))}
    ops = {op.name: op for op in graph.ops}
    per_bank = machine.scratchpad.words_per_bank
    base = {banks.name: banks.start * per_bank for banks in plan.banks}
    found = []
    slots, held, uses = plan.settings["a_slots"], plan.settings["a_slots"], 0
    for index, task in enumerate(plan.tasks):
        op, used = ops[task.op], task.attributes["a_slots"]
        before = plan.tasks[index - 1].op if index else None
        after = plan.tasks[index + 1].op if index + 1 < len(plan.tasks) else None
        is_last = after != task.op
        found.append(
            Job(
                size=sizes[task.op],
                task=task,
                is_first_of_program=index == 0,
                is_first_of_op=before != task.op,
                is_last_of_op=is_last,
                is_last_of_program=after is None,
                a_taken=1 + held - used,
                a_given=1 + slots - used if is_last else 1,
                first_b_slot=uses % plan.settings["b_slots"],
                b_slots=plan.settings["b_slots"],
                b_slot_words=plan.settings["b_slot_words"],
                a_base=base["a"],
                b_base=base["b"],
                o_base=base["o"],
                activation_base=plan.address_words(op.inputs[0]),
                weight_base=plan.address_words(op.inputs[1]),
                parameter_base=plan.address_words(parameters_name(op.name)),
                result_base=plan.address_words(op.outputs[0]),
                beats_per_word=machine.beats_per_word,
            )
        )
        held = slots if is_last else used
        uses += task.attributes["b_uses"]
    return tuple(found)


Makers = Mapping[str, Callable[[Job], Iterable[Command]]]
"""For each unit, the commands of a job."""


def array_tasks(
    graph: Graph, plan: Plan, machine: Machine, makers: Makers
) -> dict[str, tuple[int, ...]]:
    """For each unit, which task each command of `array_program` is part of."""
    todo = jobs(graph, plan, machine)
    return {
        unit: tuple(place for place, job in enumerate(todo) for _ in make(job))
        for unit, make in makers.items()
    }


def array_program(
    graph: Graph,
    plan: Plan,
    machine: Machine,
    makers: Makers,
    tokens: Callable[[Plan, int], tuple[Token, ...]],
) -> Program:
    """The commands that carry out `plan`: each unit's for all jobs in order.

    `tokens(plan, sets)`: `sets` counts panels of parameters that the array can hold.
    """
    todo, array = jobs(graph, plan, machine), array_shape(machine)
    return Program(
        units={unit: tuple(c for job in todo for c in make(job)) for unit, make in makers.items()},
        tokens=tokens(plan, array.param_sets // array.subpanels),
    )

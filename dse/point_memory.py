"""What lies where: the scratchpad over the steps of a plan, and off-chip memory. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from tilewright.dataflow.machine import Machine
from tilewright.dataflow.plan import Plan
from tilewright.dataflow.tiling import array_shape

from .point_detail import InMemory, Stay

WEIGHTS, RESULTS = "ring of weights", "slots of results"


def all_stays(plan: Plan, machine: Machine) -> list[Stay]:
    """The largest first, in words times steps: what is drawn later lies on top of it."""
    found = [*_resident(plan, machine)]
    if not plan.settings.get("resident"):
        found += _rings(plan, machine)
    return sorted(found, key=lambda stay: stay.words * (stay.from_step - stay.to_step))


def in_memory(plan: Plan, machine: Machine) -> tuple[InMemory, ...]:
    """The tensors of off-chip memory by address, in bytes."""
    size = machine.word_bytes
    return tuple(
        InMemory(
            tensor=item.tensor,
            start=item.base_words * size,
            size=item.words * size,
            layout=item.layout,
        )
        for item in sorted(plan.memory, key=lambda item: item.base_words)
    )


def _resident(plan: Plan, machine: Machine) -> Iterator[Stay]:
    per_bank = machine.scratchpad.words_per_bank
    for found in plan.residencies:
        yield Stay(
            tensor=found.tensor,
            banks=found.banks.name,
            start=found.banks.start * per_bank + found.offset_words,
            words=found.words,
            from_step=found.from_step,
            to_step=found.to_step,
        )


def _rings(plan: Plan, machine: Machine) -> Iterator[Stay]:
    """What a streaming schedule reserves for weights and results, and in it each task's results: a
    task has slots of its own while it runs, a step for each of its panels.
    """
    per_bank, settings = machine.scratchpad.words_per_bank, plan.settings
    first = plan.tasks[0].attributes
    slot_words = first.get("o_slot_words", array_shape(machine).rows)
    num_steps = sum(task.bounds["panels"] for task in plan.tasks)
    start = {banks.name: banks.start * per_bank for banks in plan.banks}
    for banks, name, words in (
        ("b", WEIGHTS, settings["b_slots"] * settings["b_slot_words"]),
        ("o", RESULTS, settings["o_slots"] * slot_words),
    ):
        yield Stay(
            tensor=name, banks=banks, start=start[banks], words=words,
            from_step=0, to_step=num_steps, is_reserved=True,
        )  # fmt: skip
    step = 0
    for task in plan.tasks:
        yield Stay(
            tensor=task.results[0].tensor,
            banks="o",
            start=start["o"] + task.attributes["o_first_slot"] * slot_words,
            words=task.attributes["o_slots"] * slot_words,
            from_step=step,
            to_step=(step := step + task.bounds["panels"]),
        )

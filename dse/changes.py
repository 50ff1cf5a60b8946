"""Changes of one key that may help a design, and what each of them was found to give. Pure.

Nothing is advised that was not tried: a change counts once the design has been estimated with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tilewright.dataflow.machine import Machine

from .point_detail import Tried
from .space_domains import Value
from .sweep_values import BYTES, written_value

WIDER: Final = "accelerator.memory.bytes_per_cycle"
CLOSER: Final = "accelerator.memory.latency_cycles"
DEEPER: Final = "accelerator.memory.outstanding"
CAPACITY: Final = "accelerator.scratchpad.capacity"
MAX_OUTSTANDING: Final = 64
"""That a spec may ask for."""
WORTH: Final = 0.02
"""A change that saves a smaller share of the cycles is not recommended."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """A key of the spec with another value; `unit` is that of its number (`B`), empty for counts.

    With it one start does the work of `work` starts without it.
    """

    key: str
    value: Value
    unit: str = ""
    work: float = 1.0

    @property
    def text(self) -> str:
        """As a spec would say it."""
        return f"{self.key}: {written_value(self.value, self.unit)}"


Again = Callable[[Sequence[Change]], Sequence[int | None]]
"""Cycles of one start of the design with each of some changes, estimated anew; None: there is no
such design, or nobody can tell."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What there is to try changes with. `known`: what a sweep has found already; `batch`: more
    samples in one start, if that can be; `again` None: only what the program itself can tell.
    """

    known: tuple[Tried, ...] = ()
    batch: Change | None = None
    again: Again | None = None


NO_TRIAL: Final = Trial()


def port_changes(machine: Machine) -> Iterator[Change]:
    """One number of the memory port, a step better."""
    memory = machine.memory
    if machine.port_bytes < machine.word_bytes:
        yield Change(key=WIDER, value=memory.bytes_per_cycle * 2)
    if memory.latency_cycles > 1:
        yield Change(key=CLOSER, value=memory.latency_cycles // 2)
    if memory.outstanding_bursts * 2 <= MAX_OUTSTANDING:
        yield Change(key=DEEPER, value=memory.outstanding_bursts * 2)


def changes_against(cause: str, machine: Machine, batch: Change | None) -> list[Change]:
    """What may help against a cause of the waterfall, each a step from where the design is."""
    engine = machine.engines[0]
    prefix = f"accelerator.engines.{engine.name}"

    def side(name: str, factor: float) -> list[Change]:
        value = int(engine.integer(name) * factor)
        return [Change(key=f"{prefix}.{name}", value=value)] if value else []

    is_ws = engine.params["dataflow"] == "weight_stationary"
    more = [] if batch is None else [batch]
    deeper = side("accumulator_rows", 2) if is_ws else []
    larger = [Change(key=CAPACITY, value=machine.scratchpad.capacity_bytes * 2, unit=BYTES)]
    found = {
        "ideal": [*side("rows", 2), *side("cols", 2)],
        "mapping": [*side("lanes", 0.5), *more],
        "memory": [*port_changes(machine), *larger, *deeper, *more],
        "fill": [*deeper, *more, *side("rows", 0.5), *side("cols", 0.5)],
        "control": [*larger, *side("lanes", 2), *more],
    }
    return found[cause]


def with_trials(
    changes: Sequence[Change], known: Sequence[Tried], again: Again | None
) -> tuple[Tried, ...]:
    """`known`, and the changes that are not among them, tried; the most helpful first."""
    told = {one.change for one in known}
    open_ones = list({one.text: one for one in changes if one.text not in told}.values())
    cycles = again(open_ones) if again is not None and open_ones else [None] * len(open_ones)
    found = [
        Tried(change=one.text, cycles=round(took / one.work), design=None, is_share=one.work != 1)
        for one, took in zip(open_ones, cycles, strict=True)
        if took is not None
    ]
    return tuple(sorted((*known, *found), key=lambda one: one.cycles))


def advice(cycles: int, tried: Sequence[Tried], most: int = 3) -> str:
    """The changes that help most, each with what it gives; of each key the best one alone."""
    best: dict[str, Tried] = {}
    for one in sorted(tried, key=lambda one: one.cycles):
        if one.cycles <= (1 - WORTH) * cycles and not one.breaks:
            best.setdefault(one.change.split(":")[0], one)
    if not best:
        return _nothing(tried)
    parts = [_gain(cycles, one) for one in list(best.values())[:most]]
    return f"Tried, one change at a time: {', '.join(parts)}."


def _gain(cycles: int, one: Tried) -> str:
    saved = f"-{100 * (cycles - one.cycles) / cycles:.0f} %"
    more = (f"design {one.design}" if one.design is not None else "",
            "for the same samples" if one.is_share else "")  # fmt: skip
    told = "; ".join(part for part in more if part)
    return f"{one.change} gives {saved}{f' ({told})' if told else ''}"


def _nothing(tried: Sequence[Tried]) -> str:
    """Where no change is worth it, or those that are break a constraint."""
    if not tried:
        return "No change of a parameter was tried."
    count = f"{len(tried)} changes of one parameter were" if len(tried) > 1 else "1 change was"
    which = " within the constraints" if any(one.breaks for one in tried) else ""
    return f"{count} tried, and none{which} saves {100 * WORTH:.0f} % of them."

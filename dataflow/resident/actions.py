"""The commands of one step: its loads, those of the array, its stores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..commands import loop
from ..memory_map import parameters_name
from ..plan import Plan, Residency, Transfer
from ..program import Command, Signal, Wait
from ..task import Task
from ..tiling import ArrayShape, Matmul
from .edges import Action, Place

PANEL_LOOP = 4
"""The loop over panels of a command of array.b."""

Tile = tuple[str, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class Lowering:
    """A plan with what is looked up in it: sizes by op, rows by tensor, residencies by tile."""

    plan: Plan
    sizes: dict[str, Matmul]
    rows: dict[str, int]
    array: ArrayShape
    bank_words: int
    places: dict[Tile, tuple[Residency, ...]]

    def residency(self, tile: Tile, step: int) -> Residency:
        return next(r for r in self.places[tile] if r.from_step <= step < r.to_step)

    def result(self, task: Task) -> tuple[Tile, int]:
        """The block that a task's results are part of, and the first panel of them in it."""
        tensor, first_tile = task.results[0].tensor, task.attributes["first_m_tile"]
        first_panel = task.attributes["first_panel"]
        whole = (tensor, (first_tile,))
        if whole in self.places:
            return whole, first_panel
        return (tensor, (first_tile, first_panel)), 0

    def place(self, tile: Tile, step: int) -> Place:
        """The words of the scratchpad where a tile lies at a step."""
        found = self.residency(tile, step)
        start = found.banks.start * self.bank_words + found.offset_words
        return Place(start=start, end=start + found.words, bank_words=self.bank_words)


def load_actions(
    low: Lowering, step: int, task: Task, coming: list[Transfer], weights: set[str]
) -> Iterator[Action]:
    """Parameters first as far as the core holds them: later ones wait for the core, which must not
    wait for weights behind them."""
    held = min(task.bounds["panels"], low.array.param_sets // low.array.subpanels)
    moved = [transfer for transfer in coming if (transfer.tensor, transfer.tile) in low.places]
    yield _parameters(low, step, task, 0, held)
    for transfer in sorted(moved, key=lambda t: (step > 0) == (t.tensor not in weights)):
        if transfer.tensor in weights:
            yield _load_weights(low, step, task, transfer)
        else:
            yield _load_block(low, step, transfer)
    if held < task.bounds["panels"]:
        yield _parameters(low, step, task, held, task.bounds["panels"])


def _parameters(low: Lowering, step: int, task: Task, first: int, end: int) -> Action:
    words = low.sizes[task.op].parameter_panel_words
    base = low.plan.address_words(parameters_name(task.op))
    panel = task.attributes["first_panel"] + first
    command = Command(
        operation="load",
        loops=(loop(end - first, memory=words),),
        bases={"memory": base + panel * words, "local": 0},
        fields={"run_words": words, "target": 1},
        waits=(Wait(token="p_free", count=1, level=0),),
    )
    return Action(unit="load", step=step, command=command)


def _load_weights(low: Lowering, step: int, task: Task, transfer: Transfer) -> Action:
    """A token for each panel: the array begins with the first."""
    tile = (transfer.tensor, transfer.tile)
    words = low.sizes[task.op].b_panel_words
    place = low.place(tile, step)
    command = Command(
        operation="load",
        loops=(loop(transfer.words // words, local=words, memory=words),),
        bases={
            "memory": low.plan.address_words(transfer.tensor) + transfer.tile[0] * words,
            "local": place.start,
        },
        fields={"run_words": words, "target": 0},
        signals=(Signal(token="b_ready", count=1, level=0),),
    )
    return Action(unit="load", step=step, command=command, writes=place, block=tile, is_weight=True)


def _load_block(low: Lowering, step: int, transfer: Transfer) -> Action:
    command, place = _move_block(low, step, transfer, "load")
    return Action(
        unit="load",
        step=step,
        command=command,
        writes=place,
        block=(transfer.tensor, transfer.tile),
    )


def store_action(low: Lowering, step: int, transfer: Transfer) -> Action:
    command, place = _move_block(low, step, transfer, "store")
    return Action(
        unit="store",
        step=step,
        command=command,
        reads=place,
        block=(transfer.tensor, transfer.tile),
    )


def _move_block(
    low: Lowering, step: int, transfer: Transfer, operation: str
) -> tuple[Command, Place]:
    """The valid rows of a block, one run for each k block or panel."""
    place = low.place((transfer.tensor, transfer.tile), step)
    all_rows = low.rows[transfer.tensor]
    first_row = transfer.tile[0] * low.array.rows
    first_panel = 0
    blocks = next(m.words for m in low.plan.memory if m.tensor == transfer.tensor) // all_rows
    if len(transfer.tile) > 1:  # results of one group, stored by the step that makes them
        first_panel, blocks = transfer.tile[1], low.plan.tasks[step].bounds["panels"]
    padded = (place.end - place.start) // blocks
    rows = min(padded, all_rows - first_row)
    command = Command(
        operation=operation,
        loops=(loop(blocks, local=padded, memory=all_rows),),
        bases={
            "memory": low.plan.address_words(transfer.tensor) + first_panel * all_rows + first_row,
            "local": place.start,
        },
        fields={"run_words": rows} | ({"target": 0} if operation == "load" else {}),
    )
    return command, place


def array_actions(low: Lowering, step: int, task: Task) -> Iterator[Action]:
    """The commands of the array for one task: everything is used where it lies."""
    tile = (task.attributes["first_m_tile"],)
    weight_tile = (task.operands[1].tensor, (task.attributes["first_panel"],))
    operand = low.place((task.operands[0].tensor, tile), step)
    weights = low.place(weight_tile, step)
    result_tile, first_panel = low.result(task)
    result = low.place(result_tile, step)
    is_new = low.residency(weight_tile, step).from_step == step
    yield Action(
        unit="array.a",
        step=step,
        command=_read_a(low, task, operand.start),
        reads=operand,
        ahead=result,
    )
    command = _read_b(low, task, weights.start, is_new=is_new)
    yield Action(unit="array.b", step=step, command=command, reads=weights)
    yield Action(unit="array.core", step=step, command=_core(task))
    command = _write_o(low, task, result.start, first_panel)
    yield Action(unit="array.o", step=step, command=command, writes=result)


def _read_a(low: Lowering, task: Task, base: int) -> Command:
    bounds, rows = task.bounds, low.array.rows
    return Command(
        operation="read",
        loops=(
            loop(rows, local=1),
            loop(bounds["k_blocks"], local=bounds["m_tiles"] * rows),
            loop(bounds["subpanels"]),
            loop(bounds["m_tiles"], local=rows),
            loop(bounds["panels"]),
        ),
        bases={"local": base},
    )


def _read_b(low: Lowering, task: Task, base: int, *, is_new: bool) -> Command:
    """`is_new`: the weights are loaded for this step, panel after panel."""
    bounds, cols = task.bounds, low.array.cols
    return Command(
        operation="read",
        loops=(
            loop(cols, local=1),
            loop(bounds["k_blocks"], local=cols),
            loop(bounds["subpanels"], local=bounds["k_blocks"] * cols),
            loop(bounds["m_tiles"]),
            loop(bounds["panels"], local=low.sizes[task.op].b_panel_words),
        ),
        bases={"local": base},
        waits=(Wait(token="b_ready", count=1, level=PANEL_LOOP),) if is_new else (),
    )


def _core(task: Task) -> Command:
    bounds = task.bounds
    return Command(
        operation="matmul",
        loops=tuple(loop(bounds[name]) for name in ("k_blocks", "subpanels", "m_tiles", "panels")),
        fields={name: task.attributes[name] for name in ("zero_point", "minimum", "maximum")},
        signals=(Signal(token="p_free", count=1, level=3),),
    )


def _write_o(low: Lowering, task: Task, base: int, first_panel: int) -> Command:
    """From panel `first_panel` of the block at `base`; loop 1 chooses the group of lanes."""
    bounds, rows = task.bounds, low.array.rows
    padded = bounds["m_tiles"] * rows
    return Command(
        operation="write",
        loops=(
            loop(rows, local=1),
            loop(bounds["subpanels"]),
            loop(bounds["m_tiles"], local=rows),
            loop(bounds["panels"], local=padded),
        ),
        bases={"local": base + first_panel * padded},
    )

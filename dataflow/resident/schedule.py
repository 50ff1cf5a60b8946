"""The planned schedule: activations and weights stay in the scratchpad as the planner decides.

A step of the plan is a task. Nothing moves but first loads of inputs and weights, stores of the
model's outputs, the parameters of each task, and the spills and reloads that the planner chose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ..graph import Graph
from ..machine import Machine, Scratchpad
from ..memory_map import memory_map, parameters_name
from ..plan import BankRange, Certificate, Plan, Residency, Transfer
from ..planning.checker import check_plan
from ..planning.memory_plan import MemoryPlan, Residence
from ..task import Region, Task
from ..tiling import DoesNotFit, Matmul, array_shape, matmuls
from .choose import Chosen, choose
from .cut import Part, Work

ACTIVATIONS, WEIGHTS = "activations", "weights"
DEFAULT_SECONDS = 10.0

Chooser = Callable[[Graph, Sequence[Matmul], Scratchpad, float], Chosen]


def plan_resident(
    graph: Graph,
    machine: Machine,
    seconds: float = DEFAULT_SECONDS,
    choose_with: Chooser | None = None,
) -> Plan:
    """The plan for `graph` on `machine` that moves few bytes; `seconds` bound the planner.

    choose_with : in place of `choose`, whose answers depend on its arguments alone.

    Raises:
        DoesNotFit: if a row tile, its results and a panel of weights have no room; or if the array
            is weight stationary.
        ValueError: if the machine cannot run an op.
    """
    array = array_shape(machine)
    if array.dataflow != "output_stationary":
        raise DoesNotFit(
            f"engine {array.engine}: schedule.objective bytes is not yet there for "
            f"{array.dataflow}; choose cycles"
        )
    sizes = matmuls(graph, array)
    if not sizes:
        raise ValueError(f"graph {graph.name}: has no op to run")
    pad = machine.scratchpad
    chosen = (choose_with or choose)(graph, sizes, pad, seconds)
    work, plan = chosen.choice.work, chosen.plan
    check_plan(work.problem.with_budget(pad.banks * pad.words_per_bank), plan)
    a_banks = chosen.choice.a_banks
    banks = (
        BankRange(name=ACTIVATIONS, start=0, end=a_banks),
        BankRange(name=WEIGHTS, start=a_banks, end=pad.banks),
    )
    loads = tuple(_loads(work, plan))
    stores = tuple(_stores(graph, work, plan))
    memory, memory_words = memory_map(graph, machine, sizes)
    return Plan(
        tasks=tuple(_task(work.parts[index]) for index in plan.order),
        banks=banks,
        residencies=tuple(_residencies(work, plan, banks, a_banks * pad.words_per_bank)),
        loads=loads,
        stores=stores,
        memory=memory,
        memory_words=memory_words,
        certificate=_certificate(graph, machine, chosen, loads, stores),
        settings={"resident": 1},
    )


def _task(part: Part) -> Task:
    op, size = part.op, part.size
    end_row = part.first_row + part.rows
    lanes = size.array.lanes
    first, end = part.first_panel * lanes, min(size.n, (part.first_panel + part.panels) * lanes)
    bounds = {
        "k_blocks": size.k_blocks,
        "subpanels": size.array.subpanels,
        "m_tiles": part.tiles,
        "panels": part.panels,
    }
    return Task(
        name=f"{op.name}.{part.first_tile}.{part.first_panel}",
        op=op.name,
        engine=size.array.engine,
        engine_kind="systolic",
        bounds=bounds,
        operands=(
            Region(tensor=op.inputs[0], start=(part.first_row, 0), end=(end_row, size.k)),
            Region(tensor=op.inputs[1], start=(0, first), end=(size.k, end)),
        ),
        results=(Region(tensor=op.outputs[0], start=(part.first_row, first), end=(end_row, end)),),
        cycles=size.cycles(part.tiles) // size.panels * part.panels,
        attributes={
            "first_m_tile": part.first_tile,
            "first_row": part.first_row,
            "first_panel": part.first_panel,
            "rows": part.rows,
            "zero_point": op.integer("zero_point"),
            "minimum": op.integer("minimum"),
            "maximum": op.integer("maximum"),
        },
    )


def _residencies(
    work: Work, plan: MemoryPlan, banks: tuple[BankRange, BankRange], a_words: int
) -> Iterator[Residency]:
    """Versions of a block that follow each other in place are one residency."""
    joined: dict[tuple[str, tuple[int, ...], int], list[Residence]] = {}
    runs: list[list[Residence]] = []
    for residence in plan.residences:
        piece = work.pieces[residence.item]
        key = (piece.tensor, piece.tile, residence.offset or 0)
        run = joined.get(key)
        if run is not None and run[-1].last == residence.first and not residence.is_loaded:
            run.append(residence)
        else:
            joined[key] = [residence]
            runs.append(joined[key])
    for run in runs:
        piece = work.pieces[run[0].item]
        yield Residency(
            tensor=piece.tensor,
            tile=piece.tile,
            banks=banks[piece.is_weight],
            offset_words=(run[0].offset or 0) - a_words * piece.is_weight,
            words=work.problem.items[run[0].item].size,
            from_step=run[0].first,
            to_step=run[-1].last + 1,
        )


def _loads(work: Work, plan: MemoryPlan) -> Iterator[Transfer]:
    """For each step its blocks and weights, then its parameters."""
    coming: list[list[int]] = [[] for _ in plan.order]
    for residence in plan.residences:
        if residence.is_loaded:
            coming[residence.first].append(residence.item)
    for step, index in enumerate(plan.order):
        part = work.parts[index]
        for item in coming[step]:
            piece = work.pieces[item]
            yield Transfer(tensor=piece.tensor, tile=piece.tile, words=piece.moved_words, step=step)
        yield Transfer(
            tensor=parameters_name(part.op.name),
            tile=(part.first_panel,),
            words=part.parameter_words,
            step=step,
        )


def _stores(graph: Graph, work: Work, plan: MemoryPlan) -> Iterator[Transfer]:
    """The planner's stores, and those of model outputs that other ops read too."""
    stores = {(store.item, store.after) for store in plan.stores}
    spilled = {item for item, _ in stores}
    outputs = {tensor.name for tensor in graph.outputs}
    position = {index: at for at, index in enumerate(plan.order)}
    for item, piece in enumerate(work.pieces):
        maker = work.problem.maker[item]
        is_read_too = piece.tensor in outputs and item not in spilled
        if maker is not None and is_read_too and _is_final(work, item):
            stores.add((item, position[maker]))
    for item, after in sorted(stores, key=lambda store: (store[1], store[0])):
        piece = work.pieces[item]
        yield Transfer(tensor=piece.tensor, tile=piece.tile, words=piece.moved_words, step=after)


def _is_final(work: Work, item: int) -> bool:
    """Whether no later group of the op overwrites this version of the block."""
    return all(step.overwrites != item for step in work.problem.steps)


def _certificate(
    graph: Graph,
    machine: Machine,
    chosen: Chosen,
    loads: tuple[Transfer, ...],
    stores: tuple[Transfer, ...],
) -> Certificate:
    """What moves, and the least for these tasks in any order with any residences."""
    work = chosen.choice.work
    problem = work.problem
    outputs = {tensor.name for tensor in graph.outputs}
    read_too = first = 0
    for item, piece in enumerate(work.pieces):
        if problem.maker[item] is None or not problem.readers[item]:
            first += piece.moved_words
        elif piece.tensor in outputs and _is_final(work, item):
            read_too += piece.moved_words
    # The planner counts the store of an output that is read again only when it spills it.
    beyond = max(0, chosen.bound_words - read_too)
    moved = sum(transfer.words for transfer in (*loads, *stores))
    least = min(moved, first + read_too + work.parameter_words + beyond)
    how = "searched" if chosen.is_searched else "compulsory"
    return Certificate(
        bytes=moved * machine.word_bytes,
        lower_bound_bytes=least * machine.word_bytes,
        method=f"planned: {len(work.parts)} resident tasks; {how} bound for these tasks",
        seconds=chosen.seconds,
    )

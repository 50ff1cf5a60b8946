"""A first schedule: op after op, blocks of row tiles times all panels, operands double-buffered."""

from __future__ import annotations

from collections.abc import Iterator

from .graph import Graph, Op
from .machine import Machine
from .memory_map import memory_map, parameters_name
from .placement.simple import Placement, ResultWindow, place, result_windows
from .plan import Certificate, Plan, Residency, Transfer
from .task import Region, Task
from .tiling import DoesNotFit, Matmul, array_shape, matmuls, split_evenly

METHOD = "simple: resident row tiles, all panels streamed past them"


def plan_simple(graph: Graph, machine: Machine) -> Plan:
    """The plan for `graph` on `machine`.

    Raises:
        DoesNotFit: if an op's panels do not fit into the scratchpad.
        ValueError: if the machine cannot run an op.
    """
    array = array_shape(machine)
    if array.dataflow != "output_stationary":
        raise DoesNotFit(f"engine {array.engine}: no schedule for {array.dataflow} yet")
    sizes = matmuls(graph, array)
    if not sizes:
        raise ValueError(f"graph {graph.name}: has no op to run")
    placement = place(machine, sizes)
    tokens, tasks = _tasks(graph, sizes, placement)
    by_op = {size.op: size for size in sizes}
    residencies, loads, stores = _movements(tasks, by_op, placement)
    memory, memory_words = memory_map(graph, machine, sizes)
    moved = sum(item.words for item in (*loads, *stores)) * machine.word_bytes
    least = _least_words(sizes) * machine.word_bytes
    return Plan(
        tasks=tasks,
        banks=(placement.a, placement.b, placement.o),
        residencies=residencies,
        loads=loads,
        stores=stores,
        memory=memory,
        memory_words=memory_words,
        certificate=Certificate(bytes=moved, lower_bound_bytes=least, method=METHOD),
        settings={
            "a_slots": max(task.bounds["m_tiles"] for task in tasks),
            "b_slots": placement.b_slots,
            "b_slot_words": placement.b_slot_words,
            "o_slots": placement.o_slots,
            "o_tokens": tokens,
        },
    )


def _tasks(
    graph: Graph, sizes: tuple[Matmul, ...], placement: Placement
) -> tuple[int, tuple[Task, ...]]:
    """The number of result tokens, and the tasks in order."""
    blocks = [
        (op, size, block)
        for op, size, resident in zip(graph.ops, sizes, placement.resident, strict=True)
        for block in _blocks(size, resident)
    ]
    tokens, windows = result_windows(
        [(tiles, size.panels) for _, size, (_, tiles) in blocks], placement.o_slots
    )
    return tokens, tuple(
        _task(op, size, block, window)
        for (op, size, block), window in zip(blocks, windows, strict=True)
    )


def _blocks(size: Matmul, resident: int) -> Iterator[tuple[int, int]]:
    """(first row tile, number of row tiles) of each block."""
    first = 0
    for tiles in split_evenly(size.m_tiles, resident):
        yield first, tiles
        first += tiles


def _task(op: Op, size: Matmul, block: tuple[int, int], window: ResultWindow) -> Task:
    first, tiles = block
    start = first * size.array.rows
    end = min(size.m, start + tiles * size.array.rows)
    return Task(
        name=f"{op.name}.{first}",
        op=op.name,
        engine=size.array.engine,
        engine_kind="systolic",
        bounds={
            "k_blocks": size.k_blocks,
            "subpanels": size.array.subpanels,
            "m_tiles": tiles,
            "panels": size.panels,
        },
        operands=(
            Region(tensor=op.inputs[0], start=(start, 0), end=(end, size.k)),
            Region(tensor=op.inputs[1], start=(0, 0), end=(size.k, size.n)),
        ),
        results=(Region(tensor=op.outputs[0], start=(start, 0), end=(end, size.n)),),
        cycles=size.cycles(tiles),
        attributes={
            "first_m_tile": first,
            "first_row": start,
            "rows": end - start,
            "a_slots": tiles,
            "b_uses": size.panels,
            "o_first_slot": window.first,
            "o_slots": window.slots,
            "zero_point": op.integer("zero_point"),
            "minimum": op.integer("minimum"),
            "maximum": op.integer("maximum"),
        },
    )


def _movements(
    tasks: tuple[Task, ...], sizes: dict[str, Matmul], placement: Placement
) -> tuple[tuple[Residency, ...], tuple[Transfer, ...], tuple[Transfer, ...]]:
    """Residencies of A and B panels, loads, stores; all panels before a task are its first step."""
    kept: list[Residency] = []
    loads: list[Transfer] = []
    stores: list[Transfer] = []
    step = 0
    for task in tasks:
        size = sizes[task.op]
        for tile in range(task.bounds["m_tiles"]):
            _move_row_tile(task, size, tile, step, placement, kept, loads)
        for panel in range(size.panels):
            _move_panel(task, size, panel, step + panel, placement, kept, loads)
            result = task.results[0]
            tile_of = (panel, task.attributes["first_m_tile"])
            words = result.end[0] - result.start[0]
            stores.append(
                Transfer(tensor=result.tensor, tile=tile_of, words=words, step=step + panel)
            )
        step += size.panels
    return tuple(kept), tuple(loads), tuple(stores)


def _move_row_tile(
    task: Task,
    size: Matmul,
    tile: int,
    step: int,
    placement: Placement,
    kept: list[Residency],
    loads: list[Transfer],
) -> None:
    """A row tile stays for all panels of its task."""
    tensor = task.operands[0].tensor
    number = task.attributes["first_m_tile"] + tile
    words = size.k_blocks * _tile_rows(size, number)
    loads.append(Transfer(tensor=tensor, tile=(number,), words=words, step=step))
    kept.append(
        Residency(
            tensor=tensor,
            tile=(number,),
            banks=placement.a,
            offset_words=tile * size.a_panel_words,
            words=size.a_panel_words,
            from_step=step,
            to_step=step + size.panels,
        )
    )


def _move_panel(
    task: Task,
    size: Matmul,
    panel: int,
    step: int,
    placement: Placement,
    kept: list[Residency],
    loads: list[Transfer],
) -> None:
    """A panel and its parameters stay for one step; steps are panels, so the ring follows them."""
    tensor = task.operands[1].tensor
    for name, words in (
        (tensor, size.b_panel_words),
        (parameters_name(task.op), size.parameter_panel_words),
    ):
        loads.append(Transfer(tensor=name, tile=(panel,), words=words, step=step))
    kept.append(
        Residency(
            tensor=tensor,
            tile=(panel,),
            banks=placement.b,
            offset_words=step % placement.b_slots * placement.b_slot_words,
            words=size.b_panel_words,
            from_step=step,
            to_step=step + 1,
        )
    )


def _tile_rows(size: Matmul, tile: int) -> int:
    return min(size.array.rows, size.m - tile * size.array.rows)


def _least_words(sizes: tuple[Matmul, ...]) -> int:
    """Words if everything were moved once: a bound for any order of this op-by-op plan."""
    return sum(
        size.m * size.k_blocks
        + size.panels * (size.b_panel_words + size.parameter_panel_words + size.m)
        for size in sizes
    )

"""A first schedule for a weight-stationary array: blocks of rows, weights streamed past them."""

from __future__ import annotations

from dataclasses import dataclass

from .commands import blocks_per_run
from .graph import Graph, Op
from .machine import Machine
from .memory_map import memory_map, parameters_name
from .placement.simple import ResultWindow, result_windows
from .plan import BankRange, Certificate, Plan, Residency, Transfer
from .task import Region, Task
from .tiling import DoesNotFit, Matmul, array_shape, ceil_div, matmuls, split_evenly

METHOD = "simple: resident rows, all weights streamed past them"
MAX_B_SLOTS = 64
RESULT_SLOTS = 2


@dataclass(frozen=True, kw_only=True)
class RowPlacement:
    """Bank ranges; the B ring; words of a result slot; for each op the most rows of a block."""

    a: BankRange
    b: BankRange
    o: BankRange
    b_slots: int
    b_slot_words: int
    rows: tuple[int, ...]


def plan_rows(graph: Graph, machine: Machine) -> Plan:
    """The plan for `graph` on a machine with a weight-stationary array.

    Raises:
        DoesNotFit: if not even one row of an op and two slots of weights fit.
        ValueError: if the machine cannot run an op.
    """
    array = array_shape(machine)
    sizes = matmuls(graph, array)
    if not sizes:
        raise ValueError(f"graph {graph.name}: has no op to run")
    beats = machine.beats_per_word
    groups = [blocks_per_run(size.k_blocks, array.b_block_words, beats) for size in sizes]
    placement = _place(machine, sizes, max(groups) * array.b_block_words)
    settings, tasks = _tasks(graph, machine, sizes, groups, placement)
    memory, memory_words = memory_map(graph, machine, sizes)
    loads, stores = _transfers(tasks, {size.op: size for size in sizes})
    return Plan(
        tasks=tasks,
        banks=(placement.a, placement.b, placement.o),
        residencies=_residencies(tasks, placement),
        loads=loads,
        stores=stores,
        memory=memory,
        memory_words=memory_words,
        certificate=Certificate(
            bytes=sum(item.words for item in (*loads, *stores)) * machine.word_bytes,
            lower_bound_bytes=sum(map(_least_words, sizes)) * machine.word_bytes,
            method=METHOD,
        ),
        settings=settings,
    )


def _tasks(
    graph: Graph,
    machine: Machine,
    sizes: tuple[Matmul, ...],
    groups: list[int],
    placement: RowPlacement,
) -> tuple[dict[str, int], tuple[Task, ...]]:
    """The program's slots and tokens, and the tasks in order."""
    strides = [
        max(split_evenly(size.m, most)) for size, most in zip(sizes, placement.rows, strict=True)
    ]
    slot_words = max(strides)
    blocks = [
        (op, size, block, (group, stride, slot_words))
        for op, size, group, most, stride in zip(
            graph.ops, sizes, groups, placement.rows, strides, strict=True
        )
        for block in _blocks(size.m, most)
    ]
    o_slots = placement.o.num_banks * machine.scratchpad.words_per_bank // slot_words
    tokens, windows = result_windows([(1, size.panels) for _, size, *_ in blocks], o_slots)
    settings = {
        "a_slots": max(size.k_blocks for size in sizes),
        "b_slots": placement.b_slots,
        "b_slot_words": placement.b_slot_words,
        "o_slots": o_slots,
        "o_tokens": tokens,
    }
    return settings, tuple(
        _task(op, size, block, window, words)
        for (op, size, block, words), window in zip(blocks, windows, strict=True)
    )


def _place(machine: Machine, sizes: tuple[Matmul, ...], b_slot_words: int) -> RowPlacement:
    """Results and weights take little; the rows get the rest."""
    pad = machine.scratchpad
    per_bank, limit = pad.words_per_bank, machine.engine(sizes[0].array.engine)
    most = limit.integer("accumulator_rows")
    longest = min(max(size.m for size in sizes), most)
    least_b = ceil_div(2 * b_slot_words, per_bank)
    wanted_o = max(1, min(ceil_div(RESULT_SLOTS * longest, per_bank), pad.banks // 4))
    splits = [(max(least_b, pad.banks // 8), o_banks) for o_banks in range(wanted_o, 0, -1)]
    for b_banks, o_banks in (*splits, (least_b, 1)):
        a_banks = pad.banks - o_banks - b_banks
        rows = tuple(
            min(
                size.m,
                most,
                a_banks * per_bank // size.k_blocks,
                o_banks * per_bank // RESULT_SLOTS,
            )
            for size in sizes
        )
        if min(rows) >= 1:
            return RowPlacement(
                a=BankRange(name="a", start=0, end=a_banks),
                b=BankRange(name="b", start=a_banks, end=a_banks + b_banks),
                o=BankRange(name="o", start=a_banks + b_banks, end=pad.banks),
                b_slots=min(b_banks * per_bank // b_slot_words, MAX_B_SLOTS),
                b_slot_words=b_slot_words,
                rows=rows,
            )
    raise _does_not_fit(machine, sizes, least_b)


def _does_not_fit(machine: Machine, sizes: tuple[Matmul, ...], b_banks: int) -> DoesNotFit:
    """What one row, the ring of weights and two rows of results need, in whole banks."""
    pad = machine.scratchpad
    widest = max(sizes, key=lambda size: size.k_blocks)
    banks = ceil_div(widest.k_blocks, pad.words_per_bank) + b_banks + 1
    return DoesNotFit(
        f"op {widest.op}: {widest.m}x{widest.k}x{widest.n} does not fit into the scratchpad of "
        f"{pad.capacity_bytes} bytes in {pad.banks} banks: the least that works is "
        f"{banks * pad.words_per_bank * pad.word_bits // 8} bytes "
        f"({banks} banks of {pad.words_per_bank} words)"
    )


def _blocks(rows: int, most: int) -> list[tuple[int, int]]:
    """(first row, number of rows) of each block."""
    counts = split_evenly(rows, most)
    return [(sum(counts[:i]), count) for i, count in enumerate(counts)]


def _task(
    op: Op, size: Matmul, block: tuple[int, int], window: ResultWindow, words: tuple[int, int, int]
) -> Task:
    start, count = block
    group, stride, slot_words = words
    slots = size.panels * size.array.subpanels * size.k_blocks // group
    return Task(
        name=f"{op.name}.{start}",
        op=op.name,
        engine=size.array.engine,
        engine_kind="systolic",
        bounds={
            "m": count,
            "k_blocks": size.k_blocks,
            "subpanels": size.array.subpanels,
            "panels": size.panels,
        },
        operands=(
            Region(tensor=op.inputs[0], start=(start, 0), end=(start + count, size.k)),
            Region(tensor=op.inputs[1], start=(0, 0), end=(size.k, size.n)),
        ),
        results=(Region(tensor=op.outputs[0], start=(start, 0), end=(start + count, size.n)),),
        cycles=slots * group * size.array.subblocks * count,
        attributes={
            "first_row": start,
            "rows": count,
            "a_slots": size.k_blocks,
            "a_stride_words": stride,
            "b_uses": slots,
            "slot_blocks": group,
            "o_first_slot": window.first,
            "o_slots": window.slots,
            "o_slot_words": slot_words,
        }
        | {name: op.integer(name) for name in ("zero_point", "minimum", "maximum")},
    )


def _residencies(tasks: tuple[Task, ...], placement: RowPlacement) -> tuple[Residency, ...]:
    """The row blocks; weights only pass through their ring."""
    kept: list[Residency] = []
    step = 0
    for task in tasks:
        panels, stride = task.bounds["panels"], task.attributes["a_stride_words"]
        kept.append(
            Residency(
                tensor=task.operands[0].tensor,
                tile=(task.attributes["first_row"],),
                banks=placement.a,
                offset_words=0,
                words=task.bounds["k_blocks"] * stride,
                from_step=step,
                to_step=step + panels,
            )
        )
        step += panels
    return tuple(kept)


def _transfers(
    tasks: tuple[Task, ...], sizes: dict[str, Matmul]
) -> tuple[tuple[Transfer, ...], tuple[Transfer, ...]]:
    loads: list[Transfer] = []
    stores: list[Transfer] = []
    step = 0
    for task in tasks:
        size, rows = sizes[task.op], task.attributes["rows"]
        first = (task.attributes["first_row"],)
        activation, weight = (region.tensor for region in task.operands)
        words = rows * size.k_blocks
        loads.append(Transfer(tensor=activation, tile=first, words=words, step=step))
        for panel in range(size.panels):
            for name, count in (
                (weight, size.b_panel_words),
                (parameters_name(task.op), size.parameter_panel_words),
            ):
                loads.append(Transfer(tensor=name, tile=(panel,), words=count, step=step))
            result = task.results[0].tensor
            stores.append(Transfer(tensor=result, tile=(panel, *first), words=rows, step=step))
            step += 1
    return tuple(loads), tuple(stores)


def _least_words(size: Matmul) -> int:
    """Words if everything were moved once."""
    panel_words = size.b_panel_words + size.parameter_panel_words + size.m
    return size.m * size.k_blocks + size.panels * panel_words

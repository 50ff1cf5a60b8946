"""Packs a sparse matrix for a spmm kernel of any mode."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tilewright.dataflow.sparse.matrix import SparseMatrix
from tilewright.hw.spmm import broadcast_cost, broadcast_mapping, dynamic_cost, dynamic_mapping
from tilewright.hw.spmm.cost import static_timing
from tilewright.hw.spmm.entries import Entries, cut
from tilewright.hw.spmm.mapping import num_load_words, num_panels, pack_a, slots
from tilewright.hw.spmm.params import SpmmParams
from tilewright.hw.spmm.schedule import WINDOW, Schedule, make_schedule
from tilewright.hw.spmm.schedule_check import schedule_problems

from .packed import NO_WORK, DoesNotFitError, Packed, PackedStream

Ints = NDArray[np.int64]


def pack_product(params: SpmmParams, matrix: SparseMatrix, num_columns: int) -> Packed:
    """The streams of A for a product with a dense matrix of `num_columns` columns."""
    entries = _entries(params, matrix)
    panels = num_panels(params, num_columns)
    _check_panels(params, panels)
    packers = {"static": _static, "dynamic": _dynamic, "broadcast": _broadcast}
    return packers[params.mode](params, matrix, entries, panels, num_columns)


def _entries(params: SpmmParams, matrix: SparseMatrix) -> Entries:
    assert matrix.values is not None, "the flow gives every matrix values"
    blocks = -(-matrix.rows // params.block_rows)
    if blocks > params.max_rows:
        noun = "rows" if params.block_rows == 1 else "rows of blocks"
        raise DoesNotFitError("max_rows", f"{blocks} {noun}, at most {params.max_rows}")
    rows, columns, values = _blocks(params, matrix, matrix.values)
    low, high = params.a_format.minimum, params.a_format.maximum
    if values.size and not low <= values.min() <= values.max() <= high:
        raise DoesNotFitError(
            "a",
            f"values {values.min()}..{values.max()} in blocks, where entries at one place are "
            f"added up; {params.a_format} holds {low}..{high}",
        )
    return cut(params.lane_params, rows, columns, values)


def _blocks(params: SpmmParams, matrix: SparseMatrix, values: Ints) -> tuple[Ints, Ints, Ints]:
    """Rows, columns and values of what is stored: single values, or columns of blocks."""
    rows = matrix.rows_of_entries
    if params.block_rows == 1:
        return rows, matrix.indices, values.reshape(-1, 1)
    block, inner = np.divmod(rows, params.block_rows)
    places = block * matrix.columns + matrix.indices
    stored, number = np.unique(places, return_inverse=True)
    table = np.zeros((len(stored), params.block_rows), np.int64)
    np.add.at(table, (number, inner), values)
    of_rows, of_columns = np.divmod(stored, max(1, matrix.columns))
    return of_rows, of_columns, table


def _check_panels(params: SpmmParams, panels: int) -> None:
    if panels > params.max_panels:
        raise DoesNotFitError(
            "max_panels", f"{panels} panels of columns, at most {params.max_panels}"
        )
    if panels > params.bank_words:
        rule = f"a row of {panels} panels in a bank of {params.bank_words} words"
        raise DoesNotFitError("bank_words", rule)


def _static(
    params: SpmmParams, matrix: SparseMatrix, entries: Entries, panels: int, num_columns: int
) -> Packed:
    used, room = len(np.unique(entries.columns)), params.banks * slots(params, panels)
    if used > room:
        raise _too_many(used, room, panels)
    schedule = make_schedule(
        entries,
        lanes=params.lanes,
        banks=params.banks,
        slots=slots(params, panels),
        num_columns=matrix.columns,
    )
    problems = schedule_problems(schedule)
    if problems:
        raise AssertionError(f"the schedule is wrong: {problems[:3]}")
    placement = schedule.placement
    load = num_load_words(params, placement, panels)
    timing = static_timing(params, [schedule.closings(panels)], [load])
    bits = params.static_word_bits + 1
    stream = PackedStream(name="a", bits=bits, words=pack_a(params, schedule, panels))
    return _packed(
        params,
        entries,
        panels,
        num_columns,
        streams=[stream],
        cycles=timing.busy_cycles,
        lane_loads=schedule.lane_loads,
        bank_loads=schedule.bank_loads,
        replicated=placement.num_replicated,
        window=f"{WINDOW} entries of each of two open rows",
        limit=_static_limit(schedule),
        description={
            "first": placement.first.tolist(),
            "banks": placement.banks.tolist(),
            "slots": placement.slots.tolist(),
        },
    )


def _static_limit(schedule: Schedule) -> str:
    cycles, banks = schedule.num_cycles, schedule.bank_loads.tolist()
    if not schedule.entries.num:
        return NO_WORK
    if cycles <= max(1, schedule.least_cycles):
        return f"the lanes: the fullest has an entry in each of {cycles:,} cycles of a pass"
    if max(banks) == cycles:
        return f"bank {banks.index(cycles)}: it is read in each of {cycles:,} cycles of a pass"
    least = schedule.least_cycles
    return f"the window: {cycles:,} cycles of a pass, the lanes alone need {least:,}"


def _dynamic(
    params: SpmmParams, matrix: SparseMatrix, entries: Entries, panels: int, num_columns: int
) -> Packed:
    placement = dynamic_mapping.place_in_turn(matrix.columns, params.banks)
    room = params.banks * slots(params, panels)
    if matrix.columns > room:
        raise _too_many(matrix.columns, room, panels)
    lanes = dynamic_mapping.packet(params, placement, entries, panels)
    load = num_load_words(params, placement, panels)
    cycles = dynamic_cost.times(params, [lanes], [load]).work_cycles
    bits = dynamic_mapping.word_bits(params) + 1
    streams = [
        PackedStream(name=f"a{number}", bits=bits, words=dynamic_mapping.pack(params, words))
        for number, words in enumerate(lanes)
    ]
    share, rest = divmod(entries.num, params.lanes)
    return _packed(
        params,
        entries,
        panels,
        num_columns,
        streams=streams,
        cycles=cycles,
        lane_loads=share + (np.arange(params.lanes) < rest),
        bank_loads=np.bincount(entries.columns % params.banks, minlength=params.banks),
        replicated=0,
        window=f"{params.window} entries of a lane, chosen from at run time",
        limit="conflicts of banks at run time; mode static has none",
        description={"banks": placement.banks.tolist(), "slots": placement.slots.tolist()},
    )


def _broadcast(
    params: SpmmParams, matrix: SparseMatrix, entries: Entries, panels: int, num_columns: int
) -> Packed:
    room = params.bank_words // max(1, panels)
    if matrix.columns > room:
        raise _too_many(matrix.columns, room, panels)
    words = broadcast_mapping.packet(params, entries, panels)
    bits = broadcast_mapping.word_bits(params) + 1
    stream = PackedStream(name="a", bits=bits, words=broadcast_mapping.pack(params, words))
    return _packed(
        params,
        entries,
        panels,
        num_columns,
        streams=[stream],
        cycles=broadcast_cost.packet_cycles(len(words)),
        lane_loads=np.full(params.lanes, entries.num),
        bank_loads=np.full(params.banks, entries.num),
        replicated=0,
        window="none: an entry goes to all lanes",
        limit="the stream: an entry per cycle",
        description={},
    )


def _packed(
    params: SpmmParams,
    entries: Entries,
    panels: int,
    num_columns: int,
    *,
    streams: list[PackedStream],
    cycles: int,
    lane_loads: Ints,
    bank_loads: Ints,
    replicated: int,
    window: str,
    limit: str,
    description: dict[str, object],
) -> Packed:
    passes = max(1, panels) if entries.num else 1
    peak = params.lanes * params.columns * cycles
    longest = max(len(stream.words) for stream in streams)
    return Packed(
        unit=(
            f"mode {params.mode}",
            f"{params.lanes} lanes of {params.columns} columns",
            f"{params.banks} banks",
            f"{num_columns:,} columns of the dense matrix",
        ),
        streams=streams,
        passes=passes,
        pass_cycles=longest / passes,
        cycles=cycles,
        occupancy=entries.num * num_columns / peak,
        lane_loads=lane_loads.tolist(),
        bank_loads=bank_loads.tolist(),
        replicated=replicated,
        window=window,
        limit=limit,
        description={"mode": params.mode, "num_columns": num_columns} | description,
    )


def _too_many(rows: int, room: int, panels: int) -> DoesNotFitError:
    rule = f"{rows} rows of {panels} panels of the dense matrix, the banks hold {room}"
    return DoesNotFitError("bank_words", rule, "fewer `--columns`, more banks or more words")

"""Packs a mask for an sddmm kernel."""

from __future__ import annotations

import numpy as np

from tilewright.dataflow.sparse.matrix import SparseMatrix
from tilewright.hw.sddmm import mapping
from tilewright.hw.sddmm.checker import check_schedule
from tilewright.hw.sddmm.cost import kernel_cycles
from tilewright.hw.sddmm.deal import DoesNotFitError as MaskDoesNotFitError
from tilewright.hw.sddmm.params import SddmmParams
from tilewright.hw.sddmm.schedule import Schedule, Split, schedule_mask

from .packed import NO_WORK, DoesNotFitError, Packed, PackedStream, count


def pack_mask(params: SddmmParams, mask: SparseMatrix, depth: int | None, split: Split) -> Packed:
    """The schedule of a mask for rows of Q and K of `depth` elements (None: the most), proven."""
    depth = params.depth if depth is None else depth
    csr = mask.pointers, mask.indices
    try:
        schedule = schedule_mask(params, *csr, num_columns=mask.columns, depth=depth, split=split)
    except MaskDoesNotFitError as error:
        raise DoesNotFitError(error.key, error.rule) from None
    words = mapping.pack_slots(params, schedule)
    problems = check_schedule(params, words, schedule, *csr, split)
    if problems:
        raise AssertionError(f"the schedule is wrong: {problems[:3]}")
    work = mapping.packet_work(params, schedule, key_words=1)
    cycles = kernel_cycles(params, [work], is_loaded=True)
    scores = mask.num_entries
    peak = params.lanes * params.products * cycles
    banks = bank_loads(params, schedule)
    stream = PackedStream(name="a", bits=params.slot_format.width, words=words)
    return Packed(
        unit=(
            f"{params.lanes} lanes of {params.products} products",
            f"{params.banks} banks",
            f"rows of {depth} elements",
            f"output {params.output}, split by {split}",
        ),
        streams=(stream,),
        passes=1,
        pass_cycles=schedule.num_slots * schedule.chunks,
        cycles=cycles,
        occupancy=scores * depth / peak,
        lane_loads=schedule.lane_loads.tolist(),
        bank_loads=banks,
        replicated=0,
        window=f"{params.window} scores of a lane out of order, {params.query_rows} rows of Q held",
        limit=_limit(params, schedule, banks),
        description=_description(params, schedule, depth),
    )


def bank_loads(params: SddmmParams, schedule: Schedule) -> list[int]:
    """In how many slots each bank is read."""
    slots, lanes = np.nonzero(schedule.places >= 0)
    places = schedule.places[slots, lanes]
    scores = [schedule.scores[lane][place] for lane, place in zip(lanes, places, strict=True)]
    is_score = np.array(scores, np.int64) >= 0
    columns = schedule.columns[np.array(scores, np.int64)[is_score]]
    reads = {*zip(slots[is_score].tolist(), schedule.placement.bank[columns].tolist(), strict=True)}
    banks = np.array([bank for _, bank in reads], np.int64)
    loads: list[int] = np.bincount(banks, minlength=params.banks).tolist()
    return loads


def _limit(params: SddmmParams, schedule: Schedule, banks: list[int]) -> str:
    slots, most = schedule.num_slots, int(schedule.lane_loads.max())
    if not most:
        return NO_WORK
    if slots == most:
        return f"the lanes: the fullest computes a score in each of {count(slots, 'slot')}"
    if max(banks) == slots:
        return f"bank {banks.index(slots)}: it is read in each of {count(slots, 'slot')}"
    if len(schedule.query_rows) > params.query_rows:
        return (
            f"window and query_rows: {slots:,} slots, the lanes alone need {most:,}; "
            f"{len(schedule.query_rows):,} rows of Q come, {params.query_rows} are held at a time"
        )
    return f"the window: {slots:,} slots, the lanes alone need {most:,}"


def _description(params: SddmmParams, schedule: Schedule, depth: int) -> dict[str, object]:
    """Where the operands go, for whoever fills the streams `k` and `q`."""
    return {
        "depth": depth,
        "chunks": schedule.chunks,
        "slots": schedule.num_slots,
        "output": params.output,
        "bank": schedule.placement.bank.tolist(),
        "address": schedule.placement.address.tolist(),
        "query_rows": schedule.query_rows.tolist(),
        "lane_rows": schedule.lane_rows,
    }

"""Verification of a spmm kernel: parameters from a spec, random products as cases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tilewright.hw.spmm.cost import static_timing
from tilewright.hw.spmm.entries import cut
from tilewright.hw.spmm.mapping import (
    Result,
    num_load_words,
    num_panels,
    pack_a,
    pack_b,
    pack_result,
    slots,
)
from tilewright.hw.spmm.params import SpmmParams
from tilewright.hw.spmm.schedule import Schedule, make_schedule
from tilewright.sim.regress import Job, Port
from tilewright.spec import SpmmSection

from .case_parts import Work, standard_job
from .spmm_entry_work import broadcast_work, dynamic_work, entry_ports
from .spmm_work import KINDS, Matrices, draw_matrices

MOST_PACKETS = 3


def params_of(section: SpmmSection) -> SpmmParams:
    """The template's parameters as a spec says them."""
    return SpmmParams(
        lanes=section.lanes,
        columns=section.columns,
        banks=section.banks,
        bank_words=section.bank_words,
        mode=section.mode,
        a_format=section.a,
        b_format=section.b,
        limb_bits=section.limb_bits,
        accumulator_bits=section.accumulator_bits,
        block_rows=section.block_rows,
        max_rows=section.max_rows,
        max_panels=section.max_panels,
        buffers=section.buffers,
        load_words=section.load_words,
        result_words=section.result_words,
        window=section.window,
    )


def ports(params: SpmmParams) -> tuple[Port, ...]:
    """The stream ports of the kernel."""
    lane = params.lane_params
    load_bits = params.store_params.load_word_bits
    return (
        *_a_ports(params),
        Port(name="b", direction="in", bits=load_bits, has_last=True),
        *(
            Port(name=f"o{number}", direction="out", bits=lane.result_bits, has_last=True)
            for number in range(params.lanes)
        ),
    )


def _a_ports(params: SpmmParams) -> tuple[Port, ...]:
    if params.mode != "static":
        return entry_ports(params)
    return (Port(name="a", direction="in", bits=params.static_word_bits, has_last=True),)


def work(params: SpmmParams, packets: Sequence[Matrices]) -> Work:
    """Packets back to back in the form of the mode, with their cycles."""
    if params.mode == "static":
        return static_work(params, packets)
    if params.mode == "dynamic":
        return dynamic_work(params, packets)
    return broadcast_work(params, packets)


def job(params: SpmmParams, module: str, *, samples: int, seed: int) -> Job:
    """Every kind of matrix and `samples` runs of packets without stalls, then the stalls."""
    rng = np.random.default_rng(seed)
    first = [work(params, [draw_matrices(params, rng, kind)]) for kind in KINDS]

    def draw(rng: np.random.Generator) -> Work:
        num = int(rng.integers(1, MOST_PACKETS + 1))
        return work(params, [draw_matrices(params, rng) for _ in range(num)])

    return standard_job(module, ports(params), draw, samples=samples, seed=seed, first=first)


def schedule_of(params: SpmmParams, matrices: Matrices) -> Schedule:
    """The schedule of a packet."""
    return make_schedule(
        cut(params.lane_params, matrices.rows, matrices.columns, matrices.values),
        lanes=params.lanes,
        banks=params.banks,
        slots=slots(params, num_panels(params, matrices.b.shape[1])),
        num_columns=matrices.b.shape[0],
    )


def static_work(
    params: SpmmParams, packets: Sequence[Matrices], schedules: Sequence[Schedule] = ()
) -> Work:
    """Packets back to back, with their cycles."""
    plans = schedules or [schedule_of(params, matrices) for matrices in packets]
    a, b, closings, load_words = [], [], [], []
    lanes: list[list[int]] = [[] for _ in range(params.lanes)]
    for matrices, schedule in zip(packets, plans, strict=True):
        panels = num_panels(params, matrices.b.shape[1])
        a += pack_a(params, schedule, panels)
        b += pack_b(params, schedule.placement, matrices.b)
        closings.append(schedule.closings(panels))
        load_words.append(num_load_words(params, schedule.placement, panels))
        for words, more in zip(lanes, _answers(params, matrices, schedule, panels), strict=True):
            words += more
    return Work(
        name="_".join(matrices.name for matrices in packets),
        inputs={"a": a, "b": b},
        expected={f"o{number}": words for number, words in enumerate(lanes)},
        cycles=static_timing(params, closings, load_words).cycles,
    )


def _answers(
    params: SpmmParams, matrices: Matrices, schedule: Schedule, panels: int
) -> list[list[int]]:
    """The words of each lane: rows that began in it, in the order in which it closes them."""
    lane, width = params.lane_params, params.columns
    product = matrices.product(params)
    padded = np.zeros((*product.shape[:2], max(1, panels) * width), np.int64)
    padded[:, :, : product.shape[2]] = product
    nothing = ((0,) * width,) * params.block_rows
    words = []
    for items in schedule.closed_rows():
        results = [
            Result(
                sums=tuple(
                    map(tuple, padded[row, :, panel * width : (panel + 1) * width].tolist())
                ),
                row=row,
                panel=panel,
                has_row=True,
                is_last=(row, panel) == (items[-1][0], panels - 1) and not items[-1][1],
            )
            for panel in range(panels)
            for row, is_sent in items
            if not is_sent
        ]
        if not results or not results[-1].is_last:
            row = items[-1][0] if items else 0
            panel = panels - 1 if panels and schedule.entries.num else 0
            results.append(Result(sums=nothing, row=row, panel=panel, has_row=False, is_last=True))
        words.append([pack_result(lane, result) for result in results])
    return words

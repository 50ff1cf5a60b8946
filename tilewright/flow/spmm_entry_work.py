"""Work for the modes of spmm whose streams carry entries: dynamic and broadcast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tilewright.hw.spmm import broadcast_cost, broadcast_mapping, dynamic_cost, dynamic_mapping
from tilewright.hw.spmm.banks import Placement
from tilewright.hw.spmm.entries import Entries, cut
from tilewright.hw.spmm.entry_mapping import EntryStream, lane_results, pack_fields
from tilewright.hw.spmm.mapping import num_load_words, num_panels, pack_b
from tilewright.hw.spmm.params import SpmmParams
from tilewright.sim.regress import Port

from .case_parts import Work
from .spmm_work import Matrices


def entry_ports(params: SpmmParams) -> tuple[Port, ...]:
    """The ports `a` of the mode."""
    if params.mode == "broadcast":
        bits = broadcast_mapping.word_bits(params)
        return (Port(name="a", direction="in", bits=bits, has_last=True),)
    bits = dynamic_mapping.word_bits(params)
    lanes = range(params.lanes)
    return tuple(Port(name=f"a{n}", direction="in", bits=bits, has_last=True) for n in lanes)


@dataclass(frozen=True, kw_only=True)
class EntryWork:
    """A case's work, and what a benchmark asks of it: stored values before they were cut into
    limbs, cycles from the first entry's transfer to the last result.
    """

    work: Work
    num_stored: int
    work_cycles: int


def dynamic_work(
    params: SpmmParams, packets: Sequence[Matrices], placements: Sequence[Placement] = ()
) -> Work:
    """Packets back to back, with their cycles; without placements B lies in the banks in turn."""
    return dynamic_packets(params, packets, placements).work


def broadcast_work(params: SpmmParams, packets: Sequence[Matrices]) -> Work:
    """Packets back to back, with their cycles."""
    return broadcast_packets(params, packets).work


def dynamic_packets(
    params: SpmmParams, packets: Sequence[Matrices], placements: Sequence[Placement] = ()
) -> EntryWork:
    """As `dynamic_work`."""
    places = placements or [
        dynamic_mapping.place_in_turn(len(matrices.b), params.banks) for matrices in packets
    ]
    streams, b, loads = [], [], []
    answers: list[list[int]] = [[] for _ in range(params.lanes)]
    for matrices, placement in zip(packets, places, strict=True):
        panels = num_panels(params, matrices.b.shape[1])
        streams.append(dynamic_mapping.packet(params, placement, _cut(params, matrices), panels))
        b += pack_b(params, placement, matrices.b)
        loads.append(num_load_words(params, placement, panels))
        for lane, words in enumerate(streams[-1]):
            answers[lane] += _answers(params, matrices, words, first_panel=0, step=1)
    joined = dynamic_mapping.join_packets(streams)
    times = dynamic_cost.times(params, streams, loads)
    return EntryWork(
        work=Work(
            name=_name(packets),
            inputs={f"a{n}": dynamic_mapping.pack(params, words) for n, words in enumerate(joined)}
            | {"b": b},
            expected={f"o{number}": words for number, words in enumerate(answers)},
            cycles=times.cycles,
        ),
        num_stored=sum(len(matrices.rows) for matrices in packets),
        work_cycles=times.work_cycles,
    )


def broadcast_packets(params: SpmmParams, packets: Sequence[Matrices]) -> EntryWork:
    """As `broadcast_work`."""
    streams, a, b, loads = [], [], [], []
    answers: list[list[int]] = [[] for _ in range(params.lanes)]
    for matrices in packets:
        passes = num_panels(params, matrices.b.shape[1])
        streams.append(broadcast_mapping.packet(params, _cut(params, matrices), passes))
        a += broadcast_mapping.pack(params, streams[-1])
        b += broadcast_mapping.pack_b(params, matrices.b, passes)
        loads.append(broadcast_mapping.num_load_words(params, len(matrices.b), passes))
        for lane, words in enumerate(answers):
            words += _answers(params, matrices, streams[-1], first_panel=lane, step=params.lanes)
    cycles = broadcast_cost.kernel_cycles(params, streams, loads)
    return EntryWork(
        work=Work(
            name=_name(packets),
            inputs={"a": a, "b": b},
            expected={f"o{number}": words for number, words in enumerate(answers)},
            cycles=cycles,
        ),
        num_stored=sum(len(matrices.rows) for matrices in packets),
        work_cycles=cycles - loads[0],
    )


def _cut(params: SpmmParams, matrices: Matrices) -> Entries:
    return cut(params.lane_params, matrices.rows, matrices.columns, matrices.values)


def _name(packets: Sequence[Matrices]) -> str:
    return "_".join(matrices.name for matrices in packets)


def _answers(
    params: SpmmParams, matrices: Matrices, words: EntryStream, *, first_panel: int, step: int
) -> list[int]:
    """The words of a lane that takes `words`: its panel p has the columns of panel
    `first_panel` + p * `step`.
    """
    lane, results = params.lane_params, lane_results(words)
    product = matrices.product(params)
    panels = first_panel + (int(results.panel.max(initial=0)) + 1) * step
    padded = np.zeros((*product.shape[:2], panels * params.columns), np.int64)
    padded[:, :, : product.shape[2]] = product[:, :, : panels * params.columns]
    by_panel = padded.reshape(*product.shape[:2], panels, params.columns)
    sums = by_panel[results.row, :, first_panel + results.panel * step]
    sums = np.where(results.has_row[:, None, None], sums, 0).reshape(len(results.row), -1)
    return pack_fields(
        [
            *((column, lane.accumulator_bits) for column in sums.T),
            (results.row, lane.row_bits),
            (results.panel, lane.panel_bits),
            (results.has_row, 1),
            (results.last, 1),
        ]
    )

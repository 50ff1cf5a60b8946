"""Verification of an sddmm kernel: parameters from a spec, random masks of all kinds as cases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tilewright.hw.sddmm import mapping
from tilewright.hw.sddmm.cost import PacketWork, kernel_cycles
from tilewright.hw.sddmm.deal import place_keys
from tilewright.hw.sddmm.params import SddmmParams
from tilewright.hw.sddmm.schedule import Schedule, Split, schedule_mask
from tilewright.sim.golden.sddmm import lane_words, row_words, sddmm
from tilewright.sim.regress import Case, Job, Port
from tilewright.spec import NumberFormat, SddmmSection

from .case_parts import Work, standard_job

IntArray = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Packet:
    """A mask in CSR form, and Q and K with one row per row and column of it.

    `keeps_keys`: the next packet has the same K, which does not come again. `split`: of the mask
    between lanes.
    """

    pointers: IntArray
    columns: IntArray
    queries: IntArray
    keys: IntArray
    keeps_keys: bool = False
    split: Split = "nonzeros"


def params_of(section: SddmmSection) -> SddmmParams:
    """The template's parameters as a spec says them."""
    return SddmmParams(
        lanes=section.lanes,
        products=section.products,
        depth=section.depth,
        banks=section.banks,
        bank_words=section.bank_words,
        query_rows=section.query_rows,
        window=section.window,
        query_format=section.query,
        key_format=section.key,
        accumulator_bits=section.accumulator_bits,
        max_rows=section.max_rows,
        buffers=section.buffers,
        load_words=section.load_words,
        output=section.output,
    )


def ports(params: SddmmParams) -> tuple[Port, ...]:
    """The stream ports of the kernel."""
    lane, store = params.lane_params, params.store_params
    inputs = (
        Port(name="a", direction="in", bits=params.slot_format.width - 1, has_last=True),
        Port(name="k", direction="in", bits=store.load_words * store.write_bits, has_last=True),
        Port(name="q", direction="in", bits=params.query_word_bits, has_last=True),
    )
    score_bits = params.accumulator_bits
    if params.is_row_stream:
        bits = params.lanes * (score_bits + 1) + lane.row_bits + 1
        return (*inputs, Port(name="o", direction="out", bits=bits, has_last=True))
    bits = score_bits + lane.row_bits + 2
    outputs = (
        Port(name=f"o{number}", direction="out", bits=bits, has_last=True)
        for number in range(params.lanes)
    )
    return (*inputs, *outputs)


def work(params: SddmmParams, name: str, packets: Sequence[Packet]) -> Work:
    """Packets back to back: their words, the golden model's, and the cycles of the law."""
    inputs: dict[str, list[int]] = {"a": [], "k": [], "q": []}
    expected: dict[str, list[int]] = {p.name: [] for p in ports(params) if p.direction == "out"}
    played: list[PacketWork] = []
    for packet, schedule, has_keys in scheduled(params, packets):
        keys = mapping.pack_keys(params, schedule, packet.keys) if has_keys else []
        inputs["a"] += mapping.pack_slots(params, schedule, keeps_keys=packet.keeps_keys)
        inputs["k"] += keys
        inputs["q"] += mapping.pack_queries(params, schedule, packet.queries)
        played.append(
            mapping.packet_work(params, schedule, key_words=len(keys), keeps_keys=packet.keeps_keys)
        )
        for port, words in expected_words(params, packet, schedule).items():
            expected[port] += words
    cycles = kernel_cycles(params, played)
    return Work(name=name, inputs=inputs, expected=expected, cycles=cycles)


def scheduled(
    params: SddmmParams, packets: Sequence[Packet]
) -> Iterator[tuple[Packet, Schedule, bool]]:
    """The schedule of each packet, and whether its K comes with it; packets with one K place it
    for all of them.
    """
    begin = 0
    while begin < len(packets):
        end = begin + 1
        while packets[end - 1].keeps_keys:
            end += 1
        num_columns, depth = packets[begin].keys.shape
        columns = np.concatenate([packet.columns for packet in packets[begin:end]])
        counts = np.bincount(columns, minlength=num_columns)
        placement = place_keys(params, counts, -(-depth // params.products))
        for number in range(begin, end):
            packet = packets[number]
            schedule = schedule_mask(
                params,
                packet.pointers,
                packet.columns,
                num_columns=num_columns,
                depth=depth,
                placement=placement,
                split=packet.split,
            )
            yield packet, schedule, number == begin
        begin = end


def loaded_cases(params: SddmmParams, name: str, packet: Packet) -> tuple[Case, Case]:
    """The same packet in two cases: K and Q come, then the schedule and the scores, timed."""
    ((_, schedule, _),) = scheduled(params, [packet])
    if len(schedule.query_rows) > params.query_rows:
        raise ValueError(f"query_rows: at least {len(schedule.query_rows)} to hold all of them")
    expected = expected_words(params, packet, schedule)
    operands = {
        "a": (),
        "k": mapping.pack_keys(params, schedule, packet.keys),
        "q": mapping.pack_queries(params, schedule, packet.queries),
    }
    played = {"a": mapping.pack_slots(params, schedule), "k": (), "q": ()}
    law = [mapping.packet_work(params, schedule, key_words=1)]
    return (
        Case(name=f"{name}_load", inputs=operands, expected=dict.fromkeys(expected, ())),
        Case(
            name=name,
            inputs=played,
            expected=expected,
            expected_cycles=kernel_cycles(params, law, is_loaded=True),
        ),
    )


def expected_words(params: SddmmParams, packet: Packet, schedule: Schedule) -> dict[str, list[int]]:
    """What leaves each port for a packet, by the golden model; of the schedule it is only told
    which lane has which rows.
    """
    bits = params.accumulator_bits
    scores = sddmm(packet.pointers, packet.columns, packet.queries, packet.keys, bits)
    told = params.lanes, bits, params.lane_params.row_bits
    if params.is_row_stream:
        return {"o": row_words(packet.pointers, scores, *told)}
    lane_rows = schedule.lane_rows if packet.split == "rows" else None
    streams = lane_words(packet.pointers, scores, *told, lane_rows)
    return {f"o{number}": words for number, words in enumerate(streams)}


def job(params: SddmmParams, module: str, *, samples: int, seed: int) -> Job:
    """`samples` runs of one to three random packets, then each standard stall on every port."""
    return standard_job(
        module, ports(params), lambda rng: _draw(params, rng), samples=samples, seed=seed
    )


def _draw(params: SddmmParams, rng: np.random.Generator) -> Work:
    packets = [random_packet(params, rng)]
    for _ in range(int(rng.integers(0, 3))):
        keys = None
        if rng.random() < 0.25:
            packets[-1] = replace(packets[-1], keeps_keys=True)
            keys = packets[-1].keys
        packets.append(random_packet(params, rng, keys))
    shapes = "_".join(f"{len(p.queries)}x{len(p.keys)}n{len(p.columns)}" for p in packets)
    return work(params, shapes, packets)


def random_packet(
    params: SddmmParams, rng: np.random.Generator, keys: IntArray | None = None
) -> Packet:
    """A mask of any density with rows that are empty, full or anything between; `keys` is its K,
    if that is given.
    """
    if keys is None:
        keys = _random_keys(params, rng)
    num_columns, depth = keys.shape
    num_rows = int(rng.integers(0, min(params.max_rows, 3 * params.lanes + 6) + 1))
    density = rng.choice([0.0, 0.1, 0.3, 1.0], size=(num_rows, 1), p=[0.2, 0.4, 0.3, 0.1])
    mask = rng.random((num_rows, num_columns)) < density
    counts = mask.astype(np.int64)
    if rng.random() < 0.25:  # some positions stand twice
        counts *= rng.integers(1, 3, mask.shape)
    pointers = np.concatenate([[0], np.cumsum(counts.sum(axis=1))]).astype(np.int64)
    columns = np.repeat(np.nonzero(mask)[1], counts[mask]).astype(np.int64)
    return Packet(
        pointers=pointers,
        columns=columns,
        queries=random_values(params.query_format, (num_rows, depth), rng),
        keys=keys,
        split="rows" if not params.is_row_stream and rng.random() < 0.3 else "nonzeros",
    )


def _random_keys(params: SddmmParams, rng: np.random.Generator) -> IntArray:
    room = params.banks * (params.bank_words // params.max_chunks)
    num_columns = int(rng.integers(0, min(room, 2 * params.banks + 5) + 1))
    depth = int(rng.integers(1, params.depth + 1)) if rng.random() < 0.5 else params.depth
    return random_values(params.key_format, (num_columns, depth), rng)


def random_values(
    number_format: NumberFormat, shape: tuple[int, int], rng: np.random.Generator
) -> IntArray:
    """Values of the whole range, the extremes often."""
    low, high = number_format.minimum, number_format.maximum
    values = rng.integers(low, high + 1, shape)
    extremes = rng.choice([low, high], shape)
    return np.where(rng.random(shape) < 0.125, extremes, values).astype(np.int64)

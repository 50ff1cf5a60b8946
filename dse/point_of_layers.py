"""A design for a list of layers as the detail that a report shows, by the closed forms. Pure.

Nothing is compiled: the numbers are those of the vectorised estimate (`block_estimate`), so the
layers sum to the cycles and bytes that a sweep of a workload has for the design. There is no plan
of memory over time either: what is shown are the tiles that the streaming schedule keeps of each
layer, in the ranges of banks that all layers share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

import numpy as np
from tilewright.dataflow import streaming
from tilewright.dataflow.streaming import Tiling
from tilewright.dataflow.streaming_sizes import Numbers, Ops
from tilewright.dataflow.tiling import Matmul, array_shape

from .block_estimate import products_of
from .block_layout import Layout
from .block_machines import Columns, Reader, is_none
from .block_timing import cycles_of
from .changes import Change, changes_against, with_trials
from .layer_times import LayerTime, LayerTimes
from .limits import NO_MEMORY_TIME, causes_told, other_memories, sentence
from .point_detail import (
    LAYERS,
    Layer,
    PointDetail,
    Span,
    Stay,
    TensorTraffic,
    Tried,
    WhatIf,
)
from .space_domains import Value
from .waterfall import Waterfall, nothing
from .workloads.layers import Matmul as Product
from .workloads.layers import Workload

MAX_RUNS: Final = 400
"""Up to so many runs of layers each has bars of its own, beyond them its repeats share theirs."""
KINDS: Final = ("activations", "weights", "parameters", "results")
STEP: Final = "layer"


def layers_detail(
    index: int,
    settings: Mapping[str, Value | None],
    *,
    reader: Reader,
    workload: Workload,
    columns: Columns,
    known: Sequence[Tried] = (),
) -> PointDetail | None:
    """The detail of design `index`, which has `settings` (value by parameter) and is the only one
    of `columns`; None if there is no such machine, or the layers do not fit into it. `known`: what
    is known of designs that differ in one parameter.
    """
    machines = reader.machines(columns, 1)
    if not is_none(machines.refusals)[0]:
        return None
    ops, places = products_of(workload)
    layout = Layout(machines=machines, ops=ops)
    if not layout.tiling.is_fitting[0]:
        return None
    products = [layer.as_matmul() for layer in workload.layers]
    times = LayerTimes(layout, places, [product.repeats for product in products])
    again = partial(_again, reader, ops, columns)

    def tries(total: Waterfall) -> tuple[Tried, ...]:
        causes = causes_told(total)
        wanted = [c for name in causes for c in changes_against(name, times.machine, None)]
        return with_trials(wanted, known, again)

    return _detail(index, settings, products, times, tries)


def _again(
    reader: Reader,
    ops: Ops,
    columns: Columns,
    changes: Sequence[Change],
) -> list[int | None]:
    """The cycles of the design with each of some changes, by the same closed form."""
    count = len(changes)
    several = {path: np.repeat(column, count).astype(object) for path, column in columns.items()}
    for row, change in enumerate(changes):
        several.setdefault(change.key, np.full(count, None, object))[row] = change.value
    machines = reader.machines(several, count)
    found: list[int | None] = [None] * count
    good = np.flatnonzero(is_none(machines.refusals))
    if not len(good):
        return found
    layout = Layout(machines=machines.of(good), ops=ops)
    is_fitting = layout.tiling.is_fitting[layout.tilings.of]
    for row, cycles, fits in zip(good.tolist(), cycles_of(layout), is_fitting, strict=True):
        found[row] = int(cycles) if fits else None
    return found


def _detail(
    index: int,
    settings: Mapping[str, Value | None],
    products: Sequence[Product],
    times: LayerTimes,
    tries: Callable[[Waterfall], tuple[Tried, ...]],
) -> PointDetail:
    machine, array = times.machine, array_shape(times.machine)
    timed, moved = times.layers(), _moved(times)
    layers = tuple(map(_layer, products, timed, moved))
    total = sum((layer.waterfall for layer in layers), start=nothing())
    sizes = {Matmul(op=p.name, m=p.M, k=p.K, n=p.N, array=array): p.repeats for p in products}
    spans = tuple(_spans(products, timed, times))
    return PointDetail(
        index=index,
        basis=LAYERS,
        settings=dict(settings),
        cycles=times.cycles,
        macs_per_cycle=(peak := array.rows * array.cols),
        bytes_per_cycle=machine.port_bytes,
        waterfall=total,
        utilisation=sum(layer.macs for layer in layers) / (times.cycles * peak),
        mean_utilisation=sum(x.macs / (x.cycles * peak) for x in layers) / len(layers),
        layers=layers,
        spans=spans,
        are_spans_joined=sum(p.repeats for p in products) > MAX_RUNS,
        scratchpad_words=machine.scratchpad.banks * machine.scratchpad.words_per_bank,
        word_bytes=machine.scratchpad.word_bits // 8,
        num_steps=len(layers),
        step=STEP,
        stays=tuple(_stays(products, times)),
        num_stays_left_out=0,
        memory=(),
        traffic=_traffic(products, moved),
        what_ifs=_memories(times),
        tried=(tried := tries(total)),
        sentence=sentence(total, sizes, tried),
    )


def _memories(times: LayerTimes) -> tuple[WhatIf, ...]:
    others = other_memories(times.machine)
    return (
        WhatIf(change=NO_MEMORY_TIME, cycles=times.without_memory()),
        *(WhatIf(change=c, cycles=times.with_machine(m)) for c, m in others),
    )


def _layer(product: Product, timed: LayerTime, moved: Sequence[int]) -> Layer:
    return Layer(
        name=product.name,
        repeats=product.repeats,
        m=product.M,
        k=product.K,
        n=product.N,
        macs=product.macs,
        cycles=timed.end - timed.start,
        waterfall=timed.waterfall,
        bytes_read=sum(moved[:-1]),
        bytes_written=moved[-1],
    )


def _moved(times: LayerTimes) -> list[list[int]]:
    """By layer bytes of each of `KINDS` over the memory port, of all repeats."""
    ops, tiling = times.layout.ops, times.layout.tiling
    activations, parameters = (
        streaming.activation_words(ops, tiling),
        streaming.parameter_words(tiling),
    )
    weights = streaming.read_words(ops, tiling) - activations - parameters
    words = [activations, weights, parameters, streaming.written_words(ops, tiling)]
    of_op = np.stack([kind[0] for kind in words], axis=1) * times.machine.word_bytes
    found: list[list[int]] = (
        (of_op[times.places] * times.repeats[:, None]).astype(np.int64).tolist()
    )
    return found


def _traffic(
    products: Sequence[Product], moved: Sequence[Sequence[int]]
) -> tuple[TensorTraffic, ...]:
    """By layer and kind, the largest first."""
    found = [
        TensorTraffic(
            tensor=f"{product.name}: {kind}",
            bytes_read=0 if kind == KINDS[-1] else count,
            bytes_written=count if kind == KINDS[-1] else 0,
        )
        for product, counts in zip(products, moved, strict=True)
        for kind, count in zip(KINDS, counts, strict=True)
    ]
    return tuple(sorted(found, key=lambda item: -item.bytes_read - item.bytes_written))


def _spans(
    products: Sequence[Product], timed: Sequence[LayerTime], times: LayerTimes
) -> Iterator[Span]:
    """For each layer, or each of its runs: loads until the last word that the array waits for, the
    array from its first step to its last, stores from the first whole panel to the last response.
    """
    phases, work = times.times.phases, times.work
    are_joined = sum(product.repeats for product in products) > MAX_RUNS
    for product, layer, op in zip(products, timed, times.places.tolist(), strict=True):
        runs = 1 if are_joined else product.repeats
        before = float(phases.late[0, op] + phases.to_start[0, op])
        tail, first = float(phases.tail[0, op]), float(work.first[0, op])
        last = float(work.last[0, op])
        for run in range(runs):
            start, end = (
                layer.start + (layer.end - layer.start) * at // runs for at in (run, run + 1)
            )
            begun, done = min(round(start + before), end - 1), max(start + 1, round(end - tail))
            done = max(done, begun + 1)
            loaded = min(end, max(begun, round(done - last)))
            stored = min(max(begun, round(begun + first)), end - 1)
            for unit, low, high in (
                ("load", start, loaded), ("array.core", begun, done), ("store", stored, end),
            ):  # fmt: skip
                yield Span(unit=unit, layer=product.name, start=low, end=max(high, low + 1))


def _stays(products: Sequence[Product], times: LayerTimes) -> Iterator[Stay]:
    """What the scratchpad keeps of each layer while it runs."""
    tiling = times.layout.tiling
    machine = times.machine
    per_bank, banks = machine.scratchpad.words_per_bank, machine.scratchpad.banks
    o_start = banks - int(tiling.o_banks[0])
    b_start = o_start - int(tiling.b_banks[0])
    kept = _kept_words(tiling, times)
    for step, (product, op) in enumerate(zip(products, times.places.tolist(), strict=True)):
        for kind, name, bank, words in zip(
            ("activations", "weights", "results"), "abo", (0, b_start, o_start), kept, strict=True
        ):
            yield Stay(
                tensor=f"{product.name}: {kind}",
                banks=name,
                start=bank * per_bank,
                words=int(words[op]),
                from_step=step,
                to_step=step + 1,
            )


def _kept_words(tiling: Tiling, times: LayerTimes) -> tuple[Numbers, Numbers, Numbers]:
    """By op words of a block of activations, of the ring of weights, of a block's results."""
    sizes, array = tiling.sizes, array_shape(times.machine)
    is_ws = array.dataflow == "weight_stationary"
    rows = tiling.block_rows[0] if is_ws else tiling.resident[0] * array.rows
    slot = (tiling.run_blocks * sizes.b_block_words if is_ws else sizes.b_panel_words)[0]
    fills = (tiling.blocks * sizes.panels)[0]
    if is_ws:
        fills = fills * (sizes.subpanels * sizes.k_blocks / tiling.run_blocks)[0]
    ring = (np.minimum(tiling.b_slots[0], fills) - 1) * slot.max() + slot
    return rows * sizes.k_blocks[0], ring, rows * _result_slots(tiling, is_ws)


def _result_slots(tiling: Tiling, is_ws: bool) -> Numbers:
    """Panels of a block's results that are kept at least: with one tile in a block two, so that one
    is stored while the next is written, unless there is room for one only.
    """
    tiles = np.ones_like(tiling.resident[0]) if is_ws else tiling.resident[0]
    wanted = np.where((tiles < 2) & (tiling.is_single[0] == 0), 2, 1)
    slots: Numbers = np.minimum(wanted, tiling.sizes.panels[0]).astype(np.float64)
    return slots

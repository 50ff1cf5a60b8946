"""`points/NNNN.json`: what a report shows of one design, as frozen objects. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tilewright.dataflow.serial import SerialError, plain, read_object

from .space_domains import Value
from .waterfall import Waterfall

FORMAT: Final = "tilewright-point-3"
PROGRAM, LAYERS = "program", "layers"


@dataclass(frozen=True, kw_only=True)
class Layer:
    """An op: `m x k @ k x n`, `repeats` times, its share of the run, what it moved over the memory
    port; `macs` and all that follow are of all repeats.
    """

    name: str
    repeats: int
    m: int
    k: int
    n: int
    macs: int
    cycles: int
    waterfall: Waterfall
    bytes_read: int
    bytes_written: int


@dataclass(frozen=True, kw_only=True)
class Span:
    """A unit's work on a layer, in cycles [start, end): a command, or several in one."""

    unit: str
    layer: str
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Stay:
    """Words [start, start + words) of the bank range `banks`, counted from the scratchpad's first
    word, that hold (a tile of) `tensor` in the steps [from_step, to_step) of the plan. With
    `is_reserved` they are kept free for what `tensor` says, whatever lies there of it.
    """

    tensor: str
    banks: str
    start: int
    words: int
    from_step: int
    to_step: int
    is_reserved: bool = False


@dataclass(frozen=True, kw_only=True)
class TensorTraffic:
    """Bytes of one tensor over the memory port."""

    tensor: str
    bytes_read: int
    bytes_written: int


@dataclass(frozen=True, kw_only=True)
class WhatIf:
    """The cycles of the same program, timed with one thing changed."""

    change: str
    cycles: int


@dataclass(frozen=True, kw_only=True)
class Tried:
    """The design estimated anew with one parameter changed, and with what hangs on it. `cycles`: of
    the same work; `is_share`: one start does more, and this is its share. `design`: the number of
    the sweep's design that is it, if there is one; `breaks`: the constraints that it fails.
    """

    change: str
    cycles: int
    design: int | None
    is_share: bool = False
    breaks: str = ""


@dataclass(frozen=True, kw_only=True)
class InMemory:
    """Bytes [start, start + size) of off-chip memory that hold `tensor`."""

    tensor: str
    start: int
    size: int
    layout: str


@dataclass(frozen=True, kw_only=True)
class PointDetail:
    """One design. `settings`: value by parameter. `bytes_per_cycle`: of each direction of the
    memory port. `utilisation`: useful work of the array's peak over the whole run, that is weighted
    by cycles; `mean_utilisation`: the mean over layers, each counted once.

    `basis`: `PROGRAM`, a compiled one that was timed event by event, or `LAYERS`, a list of them by
    the laws in closed form: no plan, so `stays` are what the schedule keeps of each layer.

    `spans` are commands, or with `are_spans_joined` tasks or layers. `num_stays_left_out`: the
    smallest of the memory map, beyond what a picture shows. `step`: what a step of the plan is.
    `memory`: the map of off-chip memory, empty without a plan. `sentence` says what limits the
    design and which parameter would help, by `tried`.
    """

    index: int
    basis: str
    settings: Mapping[str, Value | None]
    cycles: int
    macs_per_cycle: int
    bytes_per_cycle: int
    waterfall: Waterfall
    utilisation: float
    mean_utilisation: float
    layers: tuple[Layer, ...]
    spans: tuple[Span, ...]
    are_spans_joined: bool
    scratchpad_words: int
    word_bytes: int
    num_steps: int
    step: str
    stays: tuple[Stay, ...]
    num_stays_left_out: int
    memory: tuple[InMemory, ...]
    traffic: tuple[TensorTraffic, ...]
    what_ifs: tuple[WhatIf, ...]
    tried: tuple[Tried, ...]
    sentence: str


def point_name(index: int) -> str:
    """The file's name in the folder `points`, without its ending."""
    return f"{index:04d}"


def point_text(detail: PointDetail) -> str:
    """The file's text: one spelling, a line for each key."""
    data = {"format": FORMAT, **plain(detail)}
    lines = (
        f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'), allow_nan=False)}"
        for key, value in data.items()
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"


def parse_point(text: str) -> PointDetail:
    """The object that `point_text` wrote.

    Raises:
        SerialError: it is not such a text, with the path of what is wrong; or a sum is not right.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise SerialError(f"is no JSON: {error}") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise SerialError(f"format: must be {FORMAT}")
    rest = {key: value for key, value in data.items() if key != "format"}
    detail = read_object(PointDetail, rest, "point")
    for what, waterfall, cycles in (
        ("point", detail.waterfall, detail.cycles),
        *((f"layer {layer.name}", layer.waterfall, layer.cycles) for layer in detail.layers),
    ):
        if waterfall.cycles != cycles:
            raise SerialError(f"{what}: parts sum to {waterfall.cycles}, not {cycles} cycles")
    if sum(layer.cycles for layer in detail.layers) != detail.cycles:
        raise SerialError("point: the cycles of the layers do not sum to the total")
    return detail

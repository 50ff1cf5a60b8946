"""The designs of the table of real synthesis runs: specs, drawn with a seed, and their split.

Each group draws its specs from its own generator, so that a longer list begins with the shorter
one. Of each `FOLD` designs the last one is held out: no fit ever sees it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from .resource_board_tops import GROUP as BOARD_TOP
from .resource_board_tops import board_top

ROOT: Final = Path(__file__).resolve().parents[2]
SEED: Final = 2026
FOLD: Final = 2

Section = dict[str, Any]
Generator = np.random.Generator


@dataclass(frozen=True, kw_only=True)
class DesignSpec:
    """One design: `data` is its spec, as YAML would give it."""

    key: str
    group: str
    index: int
    data: dict[str, Any]
    is_held_out: bool


def _one(rng: Generator, *values: Any) -> Any:
    return values[int(rng.integers(len(values)))]


def _format(rng: Generator, *bits: int) -> str:
    return f"{_one(rng, 'int', 'int', 'uint')}{_one(rng, *bits)}"


def _requantize(rng: Generator) -> Section:
    if rng.integers(2):
        return {"mode": "exact"}
    return {"mode": "fixed", "multiplier_bits": _one(rng, 8, 12, 16, 18, 24)}


def _systolic(rng: Generator, dataflow: str) -> Section:
    rows, cols = (_one(rng, 1, 2, 2, 3, 4, 4, 5, 6, 8) for _ in range(2))
    lanes = max(rows, cols) + int(rng.integers(0, 5))
    section: Section = {
        "template": "systolic", "rows": rows, "cols": cols, "lanes": lanes, "dataflow": dataflow,
        "a": "int8", "b": "int8", "accumulator_bits": 32,
    }  # fmt: skip
    if rng.integers(3) == 0:
        section |= {"a": _format(rng, 4, 6, 8, 12), "b": _format(rng, 4, 6, 8, 12)}
        section["accumulator_bits"] = _one(rng, 25, 28, 32, 40, 48)
    if dataflow == "output_stationary":
        section |= {f"{x}_feed": _one(rng, "k_inner", "k_inner", "k_outer") for x in "ab"}
    else:
        section["accumulator_rows"] = _one(rng, 16, 32, 64, 128, 256, 512, 600)
    if rng.integers(3) == 0:
        return section | {"output": "raw"}
    section |= {"output": "int8", "requantize": _requantize(rng)}
    return section


def systolic_os(rng: Generator) -> Section:
    """Output-stationary arrays."""
    return _systolic(rng, "output_stationary")


def systolic_ws(rng: Generator) -> Section:
    """Weight-stationary arrays."""
    return _systolic(rng, "weight_stationary")


def nm_sparse(rng: Generator) -> Section:
    """Arrays for compressed weights."""
    rows, cols = (_one(rng, 1, 2, 3, 4, 5) for _ in range(2))
    section: Section = {
        "template": "nm_sparse", "rows": rows, "cols": cols, "group": _one(rng, 2, 4, 4, 6, 8, 16),
        "mux": _one(rng, "pe", "row"), "a": _format(rng, 4, 8, 8), "b": _format(rng, 4, 8, 8),
        "accumulator_bits": _one(rng, 24, 28, 32),
    }  # fmt: skip
    if rng.integers(3):
        return section | {"output": "raw"}
    return section | {"output": "int8", "cols": min(cols, 3), "requantize": _requantize(rng)}


def nm_prune(rng: Generator) -> Section:
    """Pruners of groups and of words."""
    group = _one(rng, 2, 3, 4, 4, 6, 8, 12)
    section: Section = {
        "template": "nm_prune", "group": group, "values": _format(rng, 4, 8, 8, 12),
        "max_kept": int(rng.integers(1, group + 1)),
    }  # fmt: skip
    if rng.integers(2):
        section |= {"output": "words", "cols": _one(rng, 1, 2, 4, 6)}
    return section


def zero_skip(rng: Generator) -> Section:
    """Eliminators and encoders."""
    lanes = _one(rng, 1, 2, 4, 8, 16)
    return {
        "template": "zero_skip", "function": _one(rng, "zeros", "threshold", "delta"),
        "lanes": lanes, "elements": lanes * _one(rng, 4, 16, 64, 100),
        "value": _format(rng, 4, 8, 8, 12),
    }  # fmt: skip


def _topk(rng: Generator, engine: str, lanes: int, k_max: int, words: int, bits: int) -> Section:
    order = "rank" if engine != "radix_select" else _one(rng, "index", "mask")
    return {
        "template": "topk", "engine": engine, "lanes": lanes, "key": _format(rng, bits),
        "k_max": min(k_max, lanes * words), "max_keys": lanes * words, "order": order,
        "select": _one(rng, "largest", "smallest"),
    }  # fmt: skip


def shift_queue(rng: Generator) -> Section:
    """Sorted insertion."""
    return _topk(rng, "shift_queue", 1, _one(rng, 1, 2, 4, 7, 12, 16, 32), _one(rng, 64, 256, 1000),
                 _one(rng, 4, 8, 16, 24, 32))  # fmt: skip


def filtered_queue(rng: Generator) -> Section:
    """Comparators ahead of a queue."""
    return _topk(rng, "filtered_queue", _one(rng, 1, 2, 4, 8, 12), _one(rng, 2, 4, 8, 16),
                 _one(rng, 8, 32, 128), _one(rng, 4, 8, 16, 24))  # fmt: skip


def bitonic_merge(rng: Generator) -> Section:
    """Sorting networks."""
    return _topk(rng, "bitonic_merge", _one(rng, 1, 2, 3, 4, 6, 8), _one(rng, 1, 2, 3, 4, 6, 8),
                 _one(rng, 8, 32, 128), _one(rng, 4, 8, 12, 16))  # fmt: skip


def radix_select(rng: Generator) -> Section:
    """Digit by digit."""
    bits = _one(rng, 4, 6, 8, 8, 12)
    section = _topk(rng, "radix_select", _one(rng, 1, 2, 4, 6, 8), _one(rng, 2, 8, 30),
                    _one(rng, 16, 40, 100, 256), bits)  # fmt: skip
    return section | {"digit_bits": min(bits, _one(rng, 3, 4, 4, 5, 6, 8))}


def _spmm(rng: Generator, mode: str) -> Section:
    lanes = _one(rng, 1, 2, 3) if mode == "dynamic" else _one(rng, 1, 2, 3, 4)
    banks = lanes if mode == "broadcast" else _one(rng, 2, 4, 6, 8)
    return {
        "template": "spmm", "mode": mode, "lanes": lanes, "columns": _one(rng, 1, 2, 4),
        "banks": banks, "bank_words": _one(rng, 16, 32, 64, 128, 256, 512),
        "buffers": _one(rng, 1, 2),
        "load_words": _one(rng, *(n for n in range(1, banks + 1) if banks % n == 0)),
        "a": _format(rng, 8), "b": _format(rng, 4, 8, 8), "limb_bits": _one(rng, 4, 8, 8),
        "accumulator_bits": _one(rng, 24, 32), "block_rows": _one(rng, 1, 1, 2),
        "max_rows": _one(rng, 256, 4096, 65536), "max_panels": _one(rng, 4, 256),
        "result_words": _one(rng, 4, 16),
        **({"window": _one(rng, 1, 2, 4)} if mode == "dynamic" else {}),
    }  # fmt: skip


def spmm_static(rng: Generator) -> Section:
    """Offline schedules."""
    return _spmm(rng, "static")


def spmm_dynamic(rng: Generator) -> Section:
    """Arbiters."""
    return _spmm(rng, "dynamic")


def spmm_broadcast(rng: Generator) -> Section:
    """One entry to all lanes."""
    return _spmm(rng, "broadcast")


def sddmm(rng: Generator) -> Section:
    """Sampled dot products."""
    products = _one(rng, 1, 2, 3, 4)
    banks = _one(rng, 2, 4, 6, 8)
    depth = products * _one(rng, 1, 2, 4)
    return {
        "template": "sddmm", "lanes": _one(rng, 1, 2, 3), "products": products, "depth": depth,
        "banks": banks, "bank_words": _one(rng, 16, 32, 64, 128), "load_words": _one(rng, 1, 2),
        "buffers": _one(rng, 1, 2), "query_rows": _one(rng, 1, 2, 4), "window": _one(rng, 4, 8, 16),
        "query": _format(rng, 4, 8, 8), "key": _format(rng, 4, 8, 8),
        "accumulator_bits": _one(rng, 24, 32), "max_rows": _one(rng, 256, 65536),
        "output": _one(rng, "lanes", "rows"),
    }  # fmt: skip


KERNELS: Final[dict[str, tuple[Callable[[Generator], Section], int]]] = {
    "systolic_os": (systolic_os, 14),
    "systolic_ws": (systolic_ws, 10),
    "nm_sparse": (nm_sparse, 10),
    "nm_prune": (nm_prune, 8),
    "zero_skip": (zero_skip, 8),
    "shift_queue": (shift_queue, 8),
    "filtered_queue": (filtered_queue, 8),
    "bitonic_merge": (bitonic_merge, 8),
    "radix_select": (radix_select, 10),
    "spmm_static": (spmm_static, 8),
    "spmm_dynamic": (spmm_dynamic, 8),
    "spmm_broadcast": (spmm_broadcast, 8),
    "sddmm": (sddmm, 10),
}
"""Generator of each group and how many designs it has."""

MORE: Final[dict[str, tuple[int, ...]]] = {
    "nm_prune": (8, 10, 12),
    "zero_skip": (8, 10),
    "shift_queue": (10,),
    "filtered_queue": (10,),
    "bitonic_merge": (8, 10),
    "radix_select": (10, 12),
    "sddmm": (10, 12),
}
"""Designs further on in a group that are fitted to: what comes before has no wide ones to fit."""


def accelerator(rng: Generator) -> dict[str, Any]:
    """A whole accelerator for the handwritten digits, without the head of its spec."""
    rows, cols = _one(rng, (1, 2), (2, 2), (2, 4), (4, 2), (3, 4), (4, 4))
    dataflow = _one(rng, "output_stationary", "output_stationary", "weight_stationary")
    engine = {
        "template": "systolic", "rows": rows, "cols": cols, "dataflow": dataflow,
        "requantize": _requantize(rng),
    }  # fmt: skip
    return {
        "model": "digits_mlp.qdq.onnx",
        "accelerator": {
            "scratchpad": {"capacity": _one(rng, "32KiB", "64KiB"), "banks": _one(rng, 8, 8, 16)},
            "memory": {"bytes_per_cycle": _one(rng, 4, 8, 16), "latency_cycles": 40,
                       "outstanding": _one(rng, 4, 8)},
            "program": _one(rng, "rom", "rom", "ram"),
            "engines": {"array": engine},
        },
        "schedule": {"objective": "cycles", "time_limit": "10s"},
    }  # fmt: skip


NUM_ACCELERATORS: Final = 10


NUM_BOARD_TOPS: Final = 8
BOARD_TOP_FAMILIES: Final = ("ecp5",)
"""Of those with an open flow to bitstreams: no other board has a top."""


def is_for(group: str, family: str) -> bool:
    """Whether designs of a group are synthesised for a family."""
    return group != BOARD_TOP or family in BOARD_TOP_FAMILIES


def designs() -> Iterator[DesignSpec]:
    """All designs, group by group."""
    for number, (group, (draw, count)) in enumerate(KERNELS.items()):
        rng = np.random.default_rng((SEED, number))
        more = MORE.get(group, ())
        for index in range(max(count, *more, 0) + 1):
            kernel = draw(rng)
            if index < count or index in more:
                yield _design(group, index, {"kernel": kernel})
    rng = np.random.default_rng((SEED, len(KERNELS)))
    for index in range(NUM_ACCELERATORS):
        yield _design("accelerator", index, accelerator(rng))
    rng = np.random.default_rng((SEED, len(KERNELS) + 1))
    for index in range(NUM_BOARD_TOPS):
        yield _design(BOARD_TOP, index, {BOARD_TOP: board_top(rng)})


def _design(group: str, index: int, data: dict[str, Any]) -> DesignSpec:
    name = f"{group}_{index:02d}"
    head = {"tilewright": 1, "name": name}
    held_out = index % FOLD == FOLD - 1
    return DesignSpec(key=name, group=group, index=index, data=head | data, is_held_out=held_out)

"""Verification of a pruner: random packets of groups, with ties, zeros and extremes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tilewright.hw.nm_prune import cost, mapping
from tilewright.hw.nm_prune.params import NMPruneParams
from tilewright.sim.golden.nm_prune import IntArray, nm_prune
from tilewright.sim.regress import Job, Port
from tilewright.spec import NMPruneSection

from .case_parts import Work, standard_job

MAX_PACKETS = 4
MAX_ROWS = 5


def params_of(section: NMPruneSection) -> NMPruneParams:
    """The template's parameters as a spec says them."""
    return NMPruneParams(
        group=section.group,
        value_format=section.values,
        max_kept=section.max_kept,
        output=section.output,
        cols=section.cols if section.output == "words" else 1,
    )


def ports(params: NMPruneParams) -> tuple[Port, ...]:
    """The stream ports of the kernel."""
    return (
        Port(name="command", direction="in", bits=params.command_format.width),
        Port(name="i", direction="in", bits=params.input_word_bits, has_last=True),
        Port(name="o", direction="out", bits=params.output_word_bits, has_last=True),
    )


def job(params: NMPruneParams, module: str, *, samples: int, seed: int) -> Job:
    """`samples` random works of 1 to 4 packets without stalls, then each standard stall."""
    return standard_job(
        module,
        ports(params),
        lambda rng: work(params, random_packets(params, rng)),
        samples=samples,
        seed=seed,
    )


def random_packets(params: NMPruneParams, rng: np.random.Generator) -> list[tuple[IntArray, int]]:
    """Packets of groups with the number kept of each."""
    packets = []
    for _ in range(int(rng.integers(1, MAX_PACKETS + 1))):
        num_groups = int(rng.integers(1, MAX_ROWS * max(params.cols, 3) + 1))
        kept = int(rng.integers(1, params.max_kept + 1))
        packets.append((random_groups(params, num_groups, rng), kept))
    return packets


def random_groups(params: NMPruneParams, num_groups: int, rng: np.random.Generator) -> IntArray:
    """Groups of any values, of few different ones, and of zeros and extremes."""
    low, high = params.value_format.minimum, params.value_format.maximum
    shape = (num_groups, params.group)
    uniform = rng.integers(low, high + 1, shape)
    few = rng.choice([low, high, 0, 1, -1 if low < 0 else 2], shape)
    kind = rng.integers(0, 3, (num_groups, 1))
    return np.where(kind == 0, uniform, np.where(kind == 1, few, np.clip(few, -1, 1)))


def work(params: NMPruneParams, packets: Sequence[tuple[IntArray, int]]) -> Work:
    """These packets one after the other."""
    commands, groups, words = [], [], []
    for values, kept in packets:
        commands.append(params.command_format.encode(mapping.command_fields(params, kept)))
        groups += mapping.pack_groups(params, values.tolist())
        words += _expected(params, values, kept)
    shapes = [cost.Packet(groups=len(values), kept=kept) for values, kept in packets]
    return Work(
        name="_".join(f"{kept}_of_{params.group}_x{len(values)}" for values, kept in packets),
        inputs={"command": commands, "i": groups},
        expected={"o": words},
        cycles=cost.kernel_cycles(params, shapes),
    )


def _expected(params: NMPruneParams, groups: IntArray, kept: int) -> list[int]:
    """The output words of a packet, `last` on top of the last."""
    values, indices, mask = (a.tolist() for a in nm_prune(groups, kept, params.max_kept))
    elements = [list(zip(v, i, strict=True)) for v, i in zip(values, indices, strict=True)]
    if params.output == "groups":
        masks = [sum(bit << place for place, bit in enumerate(row)) for row in mask]
        shift = params.max_kept * params.element_bits
        words = [
            mapping.pack_elements(params, row) | bits << shift
            for row, bits in zip(elements, masks, strict=True)
        ]
    else:
        words = []
        for first in range(0, len(elements), params.cols):
            columns = elements[first : first + params.cols]
            words += [
                mapping.pack_elements(params, (column[step] for column in columns))
                for step in range(kept)
            ]
    words[-1] |= 1 << params.output_word_bits
    return words

"""Verification of a zero_skip kernel: parameters from a spec, packets of every kind as cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tilewright.hw.zero_skip import cost, mapping
from tilewright.hw.zero_skip.params import ZeroSkipParams
from tilewright.sim.golden.zero_skip import ZeroSkipModel
from tilewright.sim.regress import Job, Port
from tilewright.spec import ZeroSkipSection

from .case_parts import Work, standard_job

MOST_WORDS = 24
"""Input words of a random packet at most."""
DENSITIES = (0.0, 0.1, 0.5, 0.9, 1.0)


@dataclass(frozen=True, kw_only=True)
class Packet:
    """A packet; `present` None: every position holds an element."""

    values: Sequence[int]
    present: Sequence[bool] | None = None
    theta: int = 0
    is_reset: bool = True


def params_of(section: ZeroSkipSection) -> ZeroSkipParams:
    """The template's parameters as a spec says them."""
    return ZeroSkipParams(
        lanes=section.lanes,
        elements=section.elements,
        function=section.function,
        value=section.value,
    )


def ports(params: ZeroSkipParams) -> tuple[Port, ...]:
    """The stream ports of the kernel."""
    command = Port(name="command", direction="in", bits=params.command_format.width)
    return (
        *((command,) if params.has_command else ()),
        Port(name="i", direction="in", bits=params.input_bits, has_last=True),
        Port(name="o", direction="out", bits=params.output_bits, has_last=True),
    )


def work_of(params: ZeroSkipParams, name: str, packets: Sequence[Packet]) -> Work:
    """Packets back to back through a unit that has sent nothing yet."""
    model = ZeroSkipModel(params=params)
    commands: list[int] = []
    inputs: list[int] = []
    outputs: list[int] = []
    kept: list[list[int]] = []
    for packet in packets:
        sent = model.packet(
            packet.values, present=packet.present, theta=packet.theta, is_reset=packet.is_reset
        )
        words = mapping.pack_packet(params, packet.values, packet.present)
        pairs = list(zip(sent.values.tolist(), sent.indices.tolist(), strict=True))
        inputs += words
        outputs += mapping.pack_results(params, pairs)
        kept.append(sent.kept_per_word(params.lanes, len(words)))
        if params.has_command:
            fields = {"theta": packet.theta, "is_reset": int(packet.is_reset)}
            names = params.command_format.names
            commands.append(params.command_format.encode({n: fields[n] for n in names}))
    played = {"i": inputs} | ({"command": commands} if params.has_command else {})
    cycles = cost.kernel_cycles(params, kept)
    return Work(name=name, inputs=played, expected={"o": outputs}, cycles=cycles)


def job(params: ZeroSkipParams, module: str, *, samples: int, seed: int) -> Job:
    """Corners, and `samples` random runs of packets, timed; then under the standard stalls."""

    def draw(rng: np.random.Generator) -> Work:
        packets = random_packets(params, rng)
        return work_of(params, f"{len(packets)}_packets", packets)

    return standard_job(
        module, ports(params), draw, samples=samples, seed=seed, first=corners(params)
    )


def corners(params: ZeroSkipParams) -> list[Work]:
    """Nothing, everything, the extremes, and packets whose last word ends two output words."""
    low, high = params.value.minimum, params.value.maximum
    lanes, most = params.lanes, min(params.elements, MOST_WORDS * params.lanes)
    empty, zero, full = Packet(values=[]), Packet(values=[0] * most), Packet(values=[high] * most)
    extremes = [(low, high, 0, 1)[n % 4] for n in range(most)]
    largest = (1 << params.value.bits) - 1
    thetas = {0, high - 1, high, -low, largest} & set(range(largest + 1))
    # One position short of a word, then a full word: they end two output words at once.
    short = [0, *[high] * (2 * lanes - 1)][: params.elements]
    exact = [*[high] * lanes, *[0] * lanes][: params.elements]  # the full word is the last one
    return [
        work_of(params, "nothing", [empty, zero, empty]),
        work_of(params, "everything", [full, full]),
        work_of(
            params,
            "extremes",
            [Packet(values=extremes, theta=theta) for theta in sorted(thetas)],
        ),
        work_of(params, "exact", [Packet(values=exact), Packet(values=exact[::-1])]),
        work_of(params, "late", [Packet(values=short), Packet(values=short), full]),
    ]


def random_packets(params: ZeroSkipParams, rng: np.random.Generator) -> list[Packet]:
    """One to five packets. The first covers every position that a later one compares with."""
    most = min(params.elements, int(rng.integers(1, MOST_WORDS + 1)) * params.lanes)
    values = _values(params, rng, most, np.zeros(most, np.int64))
    packets = [Packet(values=values.tolist(), theta=_theta(params, rng))]
    for _ in range(int(rng.integers(0, 5))):
        special = (0, 1, params.lanes, params.lanes + 1, most)
        length = int(rng.choice([*special, *rng.integers(0, most + 1, len(special))]))
        length = min(length, most)
        values = _values(params, rng, length, np.resize(values, length))
        is_partial = bool(rng.integers(0, 2))
        packets.append(
            Packet(
                values=values.tolist(),
                present=(rng.random(length) < 0.7).tolist() if is_partial else None,
                theta=_theta(params, rng),
                is_reset=bool(rng.integers(0, 4) == 0),
            )
        )
    return packets


def _theta(params: ZeroSkipParams, rng: np.random.Generator) -> int:
    largest = (1 << params.value.bits) - 1
    return int(rng.choice([0, 1, largest // 16, largest // 4, largest // 2 + 1, largest]))


def _values(
    params: ZeroSkipParams,
    rng: np.random.Generator,
    count: int,
    before: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Values of a random density of anything but 0; for `delta`, that of changes from `before`."""
    low, high = params.value.minimum, params.value.maximum
    values = rng.integers(low, high + 1, count)
    is_extreme = rng.random(count) < 0.1
    values[is_extreme] = rng.choice([low, high], count)[is_extreme]
    is_kept = rng.random(count) < rng.choice(DENSITIES)
    return np.where(is_kept, values, before if params.function == "delta" else 0)

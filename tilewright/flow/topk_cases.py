"""Verification of a top-k kernel: parameters from a spec, awkward packets of all kinds as cases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tilewright.hw.topk.choice import NoEngineError, cheapest, possible
from tilewright.hw.topk.cost import kernel_cycles
from tilewright.hw.topk.mapping import Packet, input_words, output_words, packet_of
from tilewright.hw.topk.params import TopKParams
from tilewright.sim.golden.topk import topk
from tilewright.sim.regress import Job, Port
from tilewright.spec import Diagnostic, SpecError, TopKSection

from .case_parts import Work, standard_job

MAX_CASE_WORDS = 96
"""Longest packet of a random case."""

KINDS = ("random", "equal", "sorted", "reversed", "two_valued", "one_hot", "least", "few_bits")


def params_of(section: TopKSection) -> TopKParams:
    """The template's parameters as a spec says them; `auto` becomes the cheapest engine.

    Raises:
        SpecError: if no engine sustains the rate that is asked for.
    """
    parameters: dict[str, Any] = {
        "lanes": section.lanes,
        "key": section.key,
        "k_max": section.k_max,
        "max_words": section.max_words,
        "order": section.order,
        "digit_bits": section.digit_bits,
        "largest": section.select == "largest",
    }
    if section.engine != "auto":
        return TopKParams(engine=section.engine, **parameters)
    try:
        return cheapest(possible(parameters), section.rate, section.rate_keys)
    except NoEngineError as error:
        help = "lower the rate, or give more lanes"
        value = str(section.rate)
        found = Diagnostic.plain("the spec", "kernel.rate", str(error), help, value)
        raise SpecError([found]) from error


def ports(params: TopKParams) -> tuple[Port, ...]:
    """The stream ports of the kernel."""
    return (
        Port(name="k", direction="in", bits=params.k_bits),
        Port(name="i", direction="in", bits=params.input_bits, has_last=True),
        Port(name="o", direction="out", bits=params.output_bits, has_last=True),
    )


def selected(params: TopKParams, packet: Packet) -> list[int]:
    """The golden model's answer: indices in rank order."""
    k = min(packet.k, params.k_max)
    indices = topk(packet.keys, packet.is_valid, k, largest=params.largest)
    return [int(index) for index in indices]


def work_of(params: TopKParams, name: str, packets: Sequence[Packet]) -> Work:
    """Packets back to back as one piece of work."""
    return Work(
        name=f"{params.engine}_{name}",
        inputs={
            "k": [packet.k for packet in packets],
            "i": [word for packet in packets for word in input_words(params, packet)],
        },
        expected={
            "o": [
                word
                for packet in packets
                for word in output_words(params, packet, selected(params, packet))
            ]
        },
        cycles=kernel_cycles(params, packets),
    )


def keys_of(params: TopKParams, kind: str, count: int, rng: np.random.Generator) -> list[int]:
    """`count` keys of one of `KINDS`."""
    low, high = params.key.minimum, params.key.maximum
    keys = rng.integers(low, high + 1, count)
    if kind == "equal":
        keys[:] = rng.integers(low, high + 1)
    elif kind == "sorted":
        keys.sort()
    elif kind == "reversed":
        keys = np.sort(keys)[::-1]
    elif kind == "two_valued":
        keys = np.where(rng.random(count) < 0.5, keys[:1], -1 - keys[:1] if low else high)
    elif kind == "one_hot":
        keys[:] = low
        keys[rng.integers(0, max(count, 1), min(count, 1))] = high
    elif kind == "least":
        keys[:] = low if rng.random() < 0.5 else high
    elif kind == "few_bits":
        keys = low + rng.integers(0, min(4, high - low), count)
    return [int(key) for key in keys]


def random_packet(params: TopKParams, rng: np.random.Generator) -> Packet:
    """A packet of any kind, length, holes and k, k beyond k_max and beyond n included."""
    longest = min(params.max_words, MAX_CASE_WORDS) * params.lanes
    short = int(rng.integers(0, min(longest, 2 * params.lanes + 1) + 1))
    count = _one_of(rng, 0, 1, short, longest)
    if rng.random() < 0.5:
        count = int(rng.integers(0, longest + 1))
    keys = keys_of(params, str(rng.choice(KINDS)), count, rng)
    holes = float(rng.choice([0.0, 0.0, 0.3, 0.9]))
    is_valid = (rng.random(count) >= holes).tolist()
    top = (1 << params.k_bits) - 1
    k = _one_of(rng, 0, 1, min(count, top), params.k_max, top, int(rng.integers(0, top + 1)))
    return packet_of(params, keys, k, is_valid)


def _one_of(rng: np.random.Generator, *numbers: int) -> int:
    return numbers[int(rng.integers(len(numbers)))]


def corner_packets(params: TopKParams, rng: np.random.Generator) -> list[Packet]:
    """The corners by name, back to back: no key, one key, k = 0, k >= n, no valid lane."""
    full = min(params.max_words, 3) * params.lanes
    keys = keys_of(params, "random", full, rng)
    k_max, least = params.k_max, params.key.minimum
    return [
        packet_of(params, [], k_max),
        packet_of(params, [least], k_max),
        packet_of(params, keys, 0),
        packet_of(params, keys, k_max),
        packet_of(params, keys, k_max, [False] * full),
        packet_of(params, [least] * full, 1),
        packet_of(params, [], 0),
        packet_of(params, keys[: full - full // 2], (1 << params.k_bits) - 1),
        packet_of(params, [params.key.maximum] * full, k_max),
    ]


def job(params: TopKParams, module: str, *, samples: int, seed: int) -> Job:
    """The corners, each kind of keys, and `samples` runs of random packets without stalls, timed;
    then each standard stall.
    """
    rng = np.random.default_rng(seed)
    longest = min(params.max_words, MAX_CASE_WORDS) * params.lanes
    first = [work_of(params, "corners", corner_packets(params, rng))]
    for kind in KINDS:
        packet = packet_of(params, keys_of(params, kind, longest, rng), params.k_max)
        first.append(work_of(params, kind, [packet]))

    def draw(rng: np.random.Generator) -> Work:
        packets = [random_packet(params, rng) for _ in range(int(rng.integers(1, 5)))]
        return work_of(params, f"packets_{len(packets)}", packets)

    return standard_job(module, ports(params), draw, samples=samples, seed=seed, first=first)

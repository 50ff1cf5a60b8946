"""The cheapest engine that sustains a rate: laws of cycles and of area. Pure: no Amaranth here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from .area import lut_estimate
from .cost import kernel_cycles
from .mapping import Packet, packet_of
from .params import ORDERS, TopKParams

RateKeys = Literal["any", "random"]

SEED: Final = 7
NUM_PACKETS: Final = (2, 6)
"""The rate is that of the packets between: what begins and ends a stream does not count."""

MAX_WORDS: Final = 512
"""Longer packets are timed by packets of this length: the rate grows with the length."""


class NoEngineError(ValueError):
    """No engine sustains what was asked for; the text names the best."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An engine, the keys per cycle that it sustains, and its LUTs by the law of area."""

    params: TopKParams
    keys_per_cycle: float
    lut: int


def candidates(engines: Sequence[TopKParams], rate_keys: RateKeys) -> tuple[Candidate, ...]:
    """Each with its rate and area, the smallest first."""
    found = [
        Candidate(params=p, keys_per_cycle=sustained_rate(p, rate_keys), lut=lut_estimate(p))
        for p in engines
    ]
    return tuple(sorted(found, key=lambda candidate: candidate.lut))


def cheapest(engines: Sequence[TopKParams], rate: float, rate_keys: RateKeys) -> TopKParams:
    """The smallest of `engines` that takes `rate` keys per cycle; `NoEngineError` if none does."""
    known = candidates(engines, rate_keys)
    for candidate in known:
        if candidate.keys_per_cycle >= rate:
            return candidate.params
    best = max(known, key=lambda candidate: candidate.keys_per_cycle)
    raise NoEngineError(
        f"no engine takes {rate} keys per cycle here; {best.params.engine} takes "
        f"{best.keys_per_cycle:.2f}"
    )


def possible(parameters: dict[str, object]) -> tuple[TopKParams, ...]:
    """The engines that can be built with these parameters (`TopKParams` without `engine`)."""
    found = []
    for engine in ORDERS:
        try:
            found.append(TopKParams(engine=engine, **parameters))  # type: ignore[arg-type]
        except ValueError:  # another order, more results than it can hold, or several lanes
            continue
    return tuple(found)


def sustained_rate(params: TopKParams, rate_keys: RateKeys) -> float:
    """Keys per cycle over packets of the longest kind, back to back, k = k_max.

    `any`: the least for keys in ascending rank, each of which enters a queue, and for equal keys,
    which no digit tells apart. `random`: for uniform keys from SEED.
    """
    kinds = ("random",) if rate_keys == "random" else ("ascending", "equal")
    return min(_rate(params, kind) for kind in kinds)


def _rate(params: TopKParams, kind: str) -> float:
    few, many = ([_packet(params, kind, i) for i in range(num)] for num in NUM_PACKETS)
    cycles = kernel_cycles(params, many) - kernel_cycles(params, few)
    return len(few[0].keys) * (len(many) - len(few)) / cycles


def _packet(params: TopKParams, kind: str, number: int) -> Packet:
    count = min(params.max_words, MAX_WORDS) * params.lanes
    low, high = params.key.minimum, params.key.maximum
    keys = np.random.default_rng([SEED, number]).integers(low, high + 1, count)
    if kind == "ascending":
        keys = np.sort(keys)[:: 1 if params.largest else -1]
    elif kind == "equal":
        keys = np.full(count, low)
    return packet_of(params, keys.tolist(), min(params.k_max, count))

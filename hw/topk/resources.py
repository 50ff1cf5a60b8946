"""What a top-k engine is made of, part by part. Pure."""

from collections.abc import Callable
from typing import Final

from ..lib.structure import Structure
from .bitonic_params import NetworkParams, bitonic_params
from .params import Engine, TopKParams
from .radix_resources import radix_select

K_WORDS: Final = 2
OUTPUT_WORDS: Final = 2


def structure(params: TopKParams, family: str) -> Structure:
    """LUTs, registers and memories of a `TopKKernel`."""
    s = Structure(family, _SPACES[params.engine])
    s.kind = f"topk.{params.engine}"
    s.levels = int(params.k_max > 1 and "queue" in params.engine)  # a neighbour that moves
    _ENGINES[params.engine](s, params)
    return s


def _queue(s: Structure, p: TopKParams) -> None:
    """Entries, the item in front of them, what leaves."""
    depth, key, pair, count = p.k_max, p.key.bits, p.key.bits + p.index_bits, p.k_bits
    s.registers("entries", depth * (pair + 2))
    s.six("entries", (depth - 1) * pair)
    s.five("entries", pair if depth > 1 else pair / 2)  # nothing lies left of the first
    s.gates("entry_control", 2 * depth)
    s.less("entry_compare", key, depth)
    s.fifo("control", count, K_WORDS)
    s.fifo("output", pair + 2, OUTPUT_WORDS)
    s.registers("control", pair + 2 + 1 + 2 * count + 1)
    s.count("control", 3 * count)
    s.less("control", count)
    s.gates("ends", 2 * pair)


def _shift_queue(s: Structure, p: TopKParams) -> None:
    _queue(s, p)
    s.registers("control", p.index_bits)
    s.count("control", p.index_bits)


def _filtered_queue(s: Structure, p: TopKParams) -> None:
    """The queue, its k-th key, and per lane a comparison and a choice of its key."""
    _queue(s, p)
    key, lanes = p.key.bits, p.lanes
    s.registers("filter", key + 2)
    s.gates("threshold", p.k_max * key)
    s.registers("lanes", lanes * (key + 1) + 2 + p.index_bits)
    s.less("lanes", key, lanes)
    s.gates("lane_choice", lanes * key)
    s.gates("lanes", 4 * lanes)
    s.count("control", 2 * p.index_bits)


def _network(s: Structure, part: str, network: NetworkParams, wanted: int) -> None:
    """Comparators and registers that the first `wanted` wires depend on.

    A wire that passes some stages without a comparator is a delay.
    """
    bits = network.bits
    live = set(range(wanted))
    held = [0] * network.num  # stages that a wire has passed, seen from the end
    for stage in reversed(network.stages):
        partner = dict(stage) | {below: above for above, below in stage}
        for wire in live:
            held[wire] += 1
        busy = [wire for wire in live if wire in partner]
        for wire in busy:
            s.registers(part, bits)
            s.delay(part, bits, held[wire] - 1)
            s.gates("passing", bits * (held[wire] - 1))
            held[wire] = 0
        s.gates(part, bits, len(busy))
        s.less(part, bits, len({tuple(sorted((wire, partner[wire]))) for wire in busy}))
        live |= {partner[wire] for wire in busy}
    for wire in range(network.num):
        s.delay(part, bits, held[wire])
        s.gates("passing", bits * held[wire])


def _bitonic_merge(s: Structure, p: TopKParams) -> None:
    sizes = bitonic_params(p)
    pair, pairs, lanes = sizes.pair_bits, sizes.list_pairs, p.lanes
    _network(s, "sorter", sizes.sorter, sizes.run_pairs)
    s.registers("sorter_control", sizes.sorter.latency)
    s.delay("sorter_control", 1, sizes.sorter.latency)
    s.add("sorter_control", p.index_bits, lanes)
    room = sizes.run_words.bit_length()
    s.registers("sorter_control", room + p.index_bits)
    s.count("sorter_control", 2 * room)
    s.fifo("runs", sizes.run_pairs * pair + 1, sizes.run_words)
    _network(s, "merger", sizes.merger, pairs)
    s.less("best", pair, pairs)
    s.gates("best", pair * pairs)
    s.registers("best", pair * pairs)
    s.gates("best_operands", pair * sizes.run_pairs)
    s.registers("held", pair * pairs)
    slots = sizes.num_slots
    lists = slots.bit_length()
    s.registers("loop", 2 * slots + 2 + 2 * lists)
    s.count("loop", 4 * lists + 12)
    s.fifo("control", p.k_bits, K_WORDS)
    num_pairs = -(-pairs // lanes) * lanes
    s.registers("leave", pairs * pair + p.k_bits + 1)
    s.gates("leave", (num_pairs - lanes) * pair)
    s.gates("leave_words", lanes * pair)
    s.less("leave", p.k_bits, lanes)
    s.fifo("output", lanes * pair + 1, OUTPUT_WORDS)


_SPACES: Final[dict[Engine, str]] = {
    "shift_queue": "queue",
    "filtered_queue": "queue",
    "bitonic_merge": "bitonic_merge",
    "radix_select": "radix_select",
}
_ENGINES: Final[dict[Engine, Callable[[Structure, TopKParams], None]]] = {
    "shift_queue": _shift_queue,
    "filtered_queue": _filtered_queue,
    "bitonic_merge": _bitonic_merge,
    "radix_select": radix_select,
}

"""Packets of keys as words of the top-k template, and its words as results. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .params import TopKParams


@dataclass(frozen=True, kw_only=True)
class Packet:
    """Keys in order of their positions, which of them are valid, and how many are wanted.

    A whole number of words: positions beyond the last key are filled with invalid lanes.
    """

    keys: tuple[int, ...]
    is_valid: tuple[bool, ...]
    k: int

    def num_words(self, params: TopKParams) -> int:
        """Words of the packet: at least one."""
        return max(1, -(-len(self.keys) // params.lanes))

    def num_results(self, params: TopKParams) -> int:
        """Pairs that leave: min(k, valid keys), k clamped to k_max."""
        return min(self.k, params.k_max, sum(self.is_valid))


def packet_of(
    params: TopKParams, keys: Sequence[int], k: int, is_valid: Sequence[bool] | None = None
) -> Packet:
    """A packet of these keys (all valid unless said), filled up to whole words."""
    flags = [True] * len(keys) if is_valid is None else [bool(flag) for flag in is_valid]
    if len(flags) != len(keys):
        raise ValueError(f"{len(keys)} keys and {len(flags)} valid flags")
    num_words = max(1, -(-len(keys) // params.lanes))
    if num_words > params.max_words:
        raise ValueError(f"{num_words} words, at most {params.max_words}")
    for key in keys:
        if not params.key.minimum <= key <= params.key.maximum:
            raise ValueError(f"a key of {params.key}, got {key}")
    fill = num_words * params.lanes - len(keys)
    return Packet(keys=(*keys, *[0] * fill), is_valid=(*flags, *[False] * fill), k=k)


def input_words(params: TopKParams, packet: Packet) -> list[int]:
    """The words of stream `i`, `last` on top."""
    lanes, num_words = params.lanes, packet.num_words(params)
    words = []
    for start in range(0, num_words * lanes, lanes):
        keys = _pack(packet.keys[start : start + lanes], params.key.bits)
        mask = _pack(packet.is_valid[start : start + lanes], 1)
        last = start + lanes == num_words * lanes
        words.append(keys | mask << lanes * params.key.bits | last << params.input_bits)
    return words


def output_words(params: TopKParams, packet: Packet, indices: Sequence[int]) -> list[int]:
    """The words of stream `o` for the selected `indices` in rank order, `last` on top."""
    if params.order == "mask":
        return list(_mask_words(params, packet, indices))
    if params.order == "rank":
        lanes = params.out_lanes
        groups = [indices[i : i + lanes] for i in range(0, max(1, len(indices)), lanes)]
        slots = [[*group, *[None] * (lanes - len(group))] for group in groups]
    else:
        chosen = set(indices)
        positions = range(packet.num_words(params) * params.lanes)
        flat = [i if i in chosen else None for i in positions]
        slots = [flat[i : i + params.lanes] for i in range(0, len(flat), params.lanes)]
    words = [_pair_word(params, packet, group) for group in slots]
    return [word | (i == len(words) - 1) << params.output_bits for i, word in enumerate(words)]


def unpack_pairs(params: TopKParams, words: Sequence[int]) -> list[tuple[int, int]]:
    """(key, index) of each valid lane of output words in rank or index order."""
    pairs = []
    lanes, bits = params.out_lanes, params.key.bits
    for word in words:
        for lane in range(lanes):
            key = word >> lane * bits & ((1 << bits) - 1)
            index = word >> lanes * bits + lane * params.index_bits & ((1 << params.index_bits) - 1)
            if word >> lanes * (bits + params.index_bits) + lane & 1:
                signed = key - (1 << bits) if key > params.key.maximum else key
                pairs.append((signed, index))
    return pairs


def _mask_words(params: TopKParams, packet: Packet, indices: Sequence[int]) -> Iterator[int]:
    chosen = set(indices)
    num_words = packet.num_words(params)
    for word in range(num_words):
        positions = range(word * params.lanes, (word + 1) * params.lanes)
        mask = _pack([position in chosen for position in positions], 1)
        yield mask | (word == num_words - 1) << params.lanes


def _pair_word(params: TopKParams, packet: Packet, slots: Sequence[int | None]) -> int:
    """Keys, indices and mask of an output word; a slot of None carries zeros."""
    lanes, bits = params.out_lanes, params.key.bits
    keys = _pack([0 if slot is None else packet.keys[slot] for slot in slots], bits)
    indices = _pack([slot or 0 for slot in slots], params.index_bits)
    mask = _pack([slot is not None for slot in slots], 1)
    return keys | indices << lanes * bits | mask << lanes * (bits + params.index_bits)


def _pack(values: Sequence[int | bool], bits: int) -> int:
    word = 0
    for place, value in enumerate(values):
        word |= (int(value) & ((1 << bits) - 1)) << place * bits
    return word

"""Words of the zero_skip template's streams. Pure: no Amaranth here."""

from collections.abc import Sequence

from .params import ZeroSkipParams

Pair = tuple[int, int]
"""Value and index."""


def pack_packet(
    params: ZeroSkipParams, values: Sequence[int], present: Sequence[bool] | None = None
) -> list[int]:
    """Input words of a packet, `last` on top; `present` says which positions hold an element.

    Lanes beyond the end hold none. An empty packet is a word without elements.
    """
    lanes, bits = params.lanes, params.value.bits
    marks = [True] * len(values) if present is None else list(present)
    if len(marks) != len(values):
        raise ValueError(f"present: {len(values)} flags as there are values, got {len(marks)}")
    words = []
    for start in range(0, max(1, len(values)), lanes):
        word = 0
        for lane, value in enumerate(values[start : start + lanes]):
            if not params.value.minimum <= value <= params.value.maximum:
                raise ValueError(f"value {start + lane}: does not fit {params.value}, got {value}")
            word |= (value & ((1 << bits) - 1)) << (lane * bits)
            word |= int(marks[start + lane]) << (lanes * bits + lane)
        words.append(word)
    words[-1] |= 1 << params.input_bits
    return words


def pack_results(params: ZeroSkipParams, pairs: Sequence[Pair]) -> list[int]:
    """Output words of a packet with these results: full ones and a last one."""
    lanes, bits, index_bits = params.lanes, params.result.bits, params.index_bits
    words = []
    for start in range(0, max(1, len(pairs)), lanes):
        word = 0
        for lane, (value, index) in enumerate(pairs[start : start + lanes]):
            word |= (value & ((1 << bits) - 1)) << (lane * bits)
            word |= index << (lanes * bits + lane * index_bits)
            word |= 1 << (lanes * (bits + index_bits) + lane)
        words.append(word)
    words[-1] |= 1 << params.output_bits
    return words


def unpack_results(params: ZeroSkipParams, words: Sequence[int]) -> list[list[Pair]]:
    """The results in each packet of output words, `last` on top of each word."""
    lanes, bits, index_bits = params.lanes, params.result.bits, params.index_bits
    sign = 1 << (bits - 1) if params.result.signed else 0
    packets: list[list[Pair]] = [[]]
    for word in words:
        for lane in range(lanes):
            if word >> (lanes * (bits + index_bits) + lane) & 1:
                value = word >> (lane * bits) & ((1 << bits) - 1)
                index = word >> (lanes * bits + lane * index_bits) & ((1 << index_bits) - 1)
                packets[-1].append(((value ^ sign) - sign, index))
        if word >> params.output_bits:
            packets.append([])
    return packets[:-1]

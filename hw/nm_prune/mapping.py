"""How groups of values become the words of a pruner, and its words (value, index) again. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from ..systolic.mapping import Matrix, pack_word
from .params import NMPruneParams

Element = tuple[int, int]


def command_fields(params: NMPruneParams, kept: int) -> dict[str, int]:
    """Fields of the command of a packet."""
    if not 1 <= kept <= params.max_kept:
        raise ValueError(f"kept: 1..{params.max_kept} (max_kept), got {kept}")
    return {"last_step": kept - 1}


def groups_of_weights(params: NMPruneParams, weights: Matrix) -> Iterator[list[int]]:
    """The groups of a matrix K x N in the order that `output: words` needs.

    For each `cols` columns, for each group of k, a group of each column; zeros beyond the edges.
    """
    num_k, num_n = len(weights), len(weights[0])
    for first in range(0, num_n, params.cols):
        for start in range(0, num_k, params.group):
            lines = weights[start : start + params.group]
            for column in range(first, first + params.cols):
                values = [int(line[column]) if column < num_n else 0 for line in lines]
                yield values + [0] * (params.group - len(values))


def pack_groups(params: NMPruneParams, groups: Sequence[Sequence[int]]) -> list[int]:
    """The words of a packet, `last` on top."""
    bits = params.value_format.bits
    words = [pack_word(group, bits) for group in groups]
    words[-1] |= 1 << params.input_word_bits
    return words


def pack_elements(params: NMPruneParams, elements: Iterable[Element]) -> int:
    """Elements side by side, the first lowest."""
    mask = (1 << params.value_format.bits) - 1
    packed = ((value & mask) | index << params.value_format.bits for value, index in elements)
    return pack_word(packed, params.element_bits)


def unpack_elements(params: NMPruneParams, word: int, num: int) -> list[Element]:
    """The `num` elements of a word."""
    bits, found = params.value_format.bits, []
    for e in range(num):
        element = (word >> (e * params.element_bits)) & ((1 << params.element_bits) - 1)
        value, index = element & ((1 << bits) - 1), element >> bits
        is_negative = params.value_format.signed and value >> (bits - 1)
        found.append((value - (is_negative << bits), index))
    return found

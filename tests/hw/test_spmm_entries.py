"""Stored values of A become limbs and pieces of lanes; what of them is refused."""

import pytest
from tilewright.hw.spmm.entries import cut, split
from tilewright.hw.spmm.params import SpmmParams
from tilewright.hw.spmm.schedule import make_schedule

from tilewright.spec.numbers import NumberFormat


def test_pieces_of_a_dense_row() -> None:
    """10 entries on 4 lanes: 3, 3, 2, 2; one row is a chain to the left."""
    params = SpmmParams(lanes=4, columns=1, banks=4, bank_words=8)
    entries = cut(params.lane_params, [5] * 10, range(10), [1] * 10)
    pieces = split(entries, 4)
    assert (pieces.ends - pieces.starts).tolist() == [3, 3, 2, 2]
    assert pieces.sends.tolist() == [False, True, True, True]
    assert pieces.waits.tolist() == [True, True, True, False]


def test_fewer_entries_than_lanes_lie_side_by_side() -> None:
    """An idle lane between two pieces of a row would cut the chain."""
    params = SpmmParams(lanes=8, columns=1, banks=8, bank_words=8)
    pieces = split(cut(params.lane_params, [0, 0, 0], [1, 2, 3], [1, 1, 1]), 8)
    assert pieces.lanes.tolist() == [0, 1, 2]


LIMBS = [
    # a, limb_bits, value -> (limb, position, has the sign)
    ("int8", 8, -128, [(0x80, 0, True)]),
    ("int8", 8, 127, [(0x7F, 0, False)]),
    ("int8", 4, 7, [(7, 0, False)]),
    ("int8", 4, 100, [(4, 0, False), (6, 1, False)]),
    ("int8", 4, 96, [(6, 1, False)]),
    ("int8", 4, -1, [(15, 0, True)]),
    ("int8", 4, -128, [(8, 1, True)]),
    ("int8", 4, -100, [(12, 0, False), (9, 1, True)]),
    ("int16", 8, 200, [(200, 0, False)]),
    ("int16", 8, -200, [(56, 0, False), (255, 1, True)]),
    ("int16", 4, -32768, [(8, 3, True)]),
    ("int16", 4, 0, [(0, 0, False)]),
    ("uint16", 8, 65535, [(255, 0, False), (255, 1, False)]),
    ("int6", 4, -32, [(14, 1, True)]),
]


@pytest.mark.parametrize(("a", "limb_bits", "value", "expected"), LIMBS)
def test_limbs(a: str, limb_bits: int, value: int, expected: list[tuple[int, int, bool]]) -> None:
    params = SpmmParams(
        lanes=1,
        columns=1,
        banks=1,
        bank_words=4,
        a_format=NumberFormat.parse(a),
        limb_bits=limb_bits,
    )
    found = cut(params.lane_params, [0], [0], [value])
    parts = zip(found.limbs[:, 0], found.positions, found.are_high, strict=True)
    assert list(parts) == expected
    total = 0
    for limb, position, has_sign in expected:
        signed_limb = limb - (1 << limb_bits) if has_sign else limb
        total += signed_limb << (position * limb_bits)
    assert total == value


def test_a_block_takes_the_limbs_of_its_widest_value() -> None:
    params = SpmmParams(
        lanes=1, columns=1, banks=1, bank_words=4, block_rows=2, limb_bits=4
    ).lane_params
    found = cut(params, [0], [0], [[100, -1]])
    assert found.limbs.tolist() == [[4, 15], [6, 15]]
    assert found.are_high.tolist() == [False, True]


@pytest.mark.parametrize(
    ("rows", "columns", "values", "message"),
    [
        ([1, 0], [0, 0], [1, 1], "not sorted by row"),
        ([0], [0], [128], "int8 is -128..127"),
        ([8], [0], [1], "rows lie in 0..7"),
        ([-1], [0], [1], "rows lie in 0..7"),
        ([0], [-2], [1], "column -2"),
        ([0], [9], [1], "B has 4 rows"),
        ([0, 1], [0], [1, 1], "2 rows and 1 columns"),
    ],
)
def test_refused(rows: list[int], columns: list[int], values: list[int], message: str) -> None:
    params = SpmmParams(lanes=2, columns=1, banks=2, bank_words=4, max_rows=8)
    with pytest.raises(ValueError, match=message):
        make_schedule(
            cut(params.lane_params, rows, columns, values),
            lanes=2,
            banks=2,
            slots=4,
            num_columns=4,
        )

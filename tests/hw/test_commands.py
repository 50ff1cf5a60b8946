"""Command formats: encoding, ranges, the streamers' fields."""

import numpy as np
import pytest
from tilewright.hw.lib.layout import command_layout
from tilewright.hw.lib.params import (
    CommandError,
    CommandFormat,
    Field,
    StreamerParams,
    jumps,
)

FORMAT = CommandFormat(
    fields=(Field(name="a", bits=3), Field(name="b", bits=4, signed=True), Field(name="c", bits=1))
)


def test_fields_follow_each_other_from_the_lowest_bit():
    assert FORMAT.width == 8
    assert FORMAT.encode({"a": 5, "b": -2, "c": 1}) == 0b1_1110_101
    assert FORMAT.decode(0b1_1110_101) == {"a": 5, "b": -2, "c": 1}


def test_every_value_goes_there_and_back():
    for word in range(256):
        assert FORMAT.encode(FORMAT.decode(word)) == word


def test_all_wrong_fields_are_named():
    with pytest.raises(CommandError) as error:
        FORMAT.encode({"a": 8, "b": -9, "d": 0})
    assert str(error.value) == (
        "d: not a field of this command; a: 0..7, got 8; b: -8..7, got -9; c: missing"
    )


def test_a_word_that_is_too_wide_is_refused():
    with pytest.raises(CommandError, match="a command of 8 bits, got 0x100"):
        FORMAT.decode(256)


def test_a_field_named_twice_is_refused():
    with pytest.raises(ValueError, match="fields named twice: a"):
        CommandFormat(fields=(Field(name="a", bits=1), Field(name="a", bits=2)))


def test_numpy_integers_are_taken():
    assert FORMAT.encode({"a": np.int64(5), "b": np.int8(-2), "c": np.uint8(1)}) == 0xF5


def test_the_hardware_sees_the_same_fields():
    layout = command_layout(FORMAT)
    assert layout.size == FORMAT.width
    constant = layout.from_bits(FORMAT.encode({"a": 5, "b": -2, "c": 1}))
    assert (constant.a, constant.b, constant.c) == (5, -2, 1)


def test_jumps_undo_the_loops_below():
    assert jumps([3, 2, 4], [1, 10, 100]) == [1, 8, 100 - 10 - 2]


def test_fields_of_a_streamer():
    params = StreamerParams(
        num_loops=2,
        address_bits=8,
        bound_bits=5,
        word_bits=32,
        num_waits=1,
        num_signals=1,
        token_bits=4,
        num_padding=1,
        padding_bits=6,
    )
    widths = {field.name: field.bits for field in params.command_format.fields}
    assert widths == {
        "last_0": 5,
        "last_1": 5,
        "base": 8,
        "jump_0": 9,
        "jump_1": 9,
        "wait0_level": 2,
        "wait0_count": 4,
        "signal0_level": 2,
        "signal0_count": 4,
        "pad0_base": 6,
        "pad0_jump_0": 7,
        "pad0_jump_1": 7,
        "pad0_limit": 5,
    }
    assert params.level_bits == 2  # 0..2, and 3 for never


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_groups": 3}, "word_bits: a multiple of num_groups x lane_bits = 24, got 32"),
        ({"group_loop": 2}, r"group_loop: 0\.\.1, got 2"),
        ({"credits": 0}, "credits: at least 1, got 0"),
    ],
)
def test_wrong_streamer_params_are_refused(changes, message):
    values = {"num_loops": 2, "address_bits": 8, "bound_bits": 5, "word_bits": 32}
    values |= {"num_waits": 0, "num_signals": 0, "token_bits": 4}
    with pytest.raises(ValueError, match=message):
        StreamerParams(**(values | changes))

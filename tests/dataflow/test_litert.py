"""LiteRT's functions of one number: by hand, and as LiteRT 2.3.0 answered."""

import hashlib

import numpy as np
import pytest
from tilewright.dataflow.graph import Op, Tensor
from tilewright.dataflow.litert import (
    divided_by_power,
    fixed_point,
    litert_table,
    multiplied,
    rescaled,
)


def tensor(scale: float, zero_point: int, name: str = "t") -> Tensor:
    return Tensor(
        name=name,
        shape=(1, 256),
        number_format="int8",
        scale=(float(np.float32(scale)),),
        zero_point=(zero_point,),
    )


def table(kind: str, source: Tensor, result: Tensor, **attributes: float) -> np.ndarray:
    op = Op(name="op", kind=kind, inputs=("t",), outputs=("y",), attributes=attributes)
    found = litert_table(op, source, result)
    assert found.shape == (256,) and found.min() >= -128 and found.max() <= 127
    return found


def at(values: np.ndarray, number: int) -> int:
    return int(values[number + 128])


def test_rescaling_has_eight_fraction_bits_and_rounds_half_up() -> None:
    half = np.float32(0.5)
    assert rescaled(np.array([-3, -1, 0, 1, 3]), half).tolist() == [-1, 0, 0, 1, 2]
    third = np.float32(1 / 3)  # 85 / 256 = 0.332
    assert rescaled(np.array([100, 255]), third).tolist() == [33, 85]


def test_rounding_by_powers_of_two_is_half_away_from_zero() -> None:
    assert divided_by_power(np.array([-3, -2, -1, 0, 1, 2, 3]), 1).tolist() == [
        -2, -1, -1, 0, 1, 1, 2,
    ]  # fmt: skip
    assert divided_by_power(np.array([5]), 0).tolist() == [5]


def test_fixed_point_numbers_have_31_bits() -> None:
    assert fixed_point(0.5) == (1 << 30, 0)
    assert fixed_point(3.0) == (3 << 29, 2)
    assert fixed_point(1 - 2**-40) == (1 << 30, 1)  # rounded up to a power of two
    assert fixed_point(2.0**-40) == (0, 0)
    assert multiplied(np.array([-3, -1, 1, 3]), *fixed_point(0.5)).tolist() == [-1, 0, 1, 2]
    assert multiplied(np.array([-6, -2, 2, 6]), *fixed_point(0.25)).tolist() == [-2, -1, 1, 2]


def test_functions_by_hand() -> None:
    sigmoid = table("sigmoid", tensor(0.1, 0), tensor(1 / 256, -128))
    assert at(sigmoid, 0) == 0  # 1/2 is 128 steps above -128
    assert at(sigmoid, 127) == 127 and at(sigmoid, -128) == -128
    tanh = table("tanh", tensor(0.05, 0), tensor(1 / 128, 0))
    assert at(tanh, 0) == 0 and at(tanh, 10) == 59  # tanh(1/2) 128 = 59.15
    assert at(tanh, -10) == -59
    relu = table("relu", tensor(0.5, -10), tensor(0.5, -10))
    assert at(relu, -11) == -10 and at(relu, 5) == 5
    clip = table("clip", tensor(0.5, 0), tensor(0.25, -128), minimum=0.0, maximum=6.0)
    assert at(clip, 100) == -128 + 24 and at(clip, 3) == -128 + 6
    leaky = table("leaky_relu", tensor(0.5, 0), tensor(0.5, 0), alpha=0.25)
    assert at(leaky, -100) == -25 and at(leaky, 100) == 100
    swish = table("hard_swish", tensor(0.05, 0), tensor(0.05, 0))
    assert at(swish, -128) == 0 and at(swish, 127) == 127  # beyond -3 and 3


RECORDED = [
    ("sigmoid", (0.07, 12), (1 / 256, -128), {}, "4ce89ec9e46a4568"),
    ("tanh", (0.031, -7), (1 / 128, 0), {}, "93d2f8e63f386f7e"),
    ("hard_swish", (0.043, 5), (0.03, -100), {}, "2556b9983c3f9436"),
    ("leaky_relu", (0.043, 5), (0.03, -10), {"alpha": 0.3}, "ac697a7ab0ea02dc"),
    ("relu", (0.043, 5), (0.0371, -128), {}, "5377bfbccde99c1d"),
    ("clip", (0.043, 5), (0.0371, -128), {"minimum": 0.0, "maximum": 6.0}, "5377bfbccde99c1d"),
]


@pytest.mark.parametrize(("kind", "source", "result", "attributes", "digest"), RECORDED)
def test_tables_are_what_litert_answered(
    kind: str,
    source: tuple[float, int],
    result: tuple[float, int],
    attributes: dict[str, float],
    digest: str,
) -> None:
    """sha256 of LiteRT's 256 answers (ai-edge-litert 2.3.0, x86-64, default path)."""
    found = table(kind, tensor(*source), tensor(*result, "y"), **attributes)
    assert hashlib.sha256(found.astype(np.int8).tobytes()).hexdigest()[:16] == digest


def test_only_functions_of_one_number_have_tables() -> None:
    op = Op(name="op", kind="softmax", inputs=("t",), outputs=("y",), attributes={"axis": 1})
    with pytest.raises(ValueError, match="no function of one number"):
        litert_table(op, tensor(0.1, 0), tensor(0.1, 0))

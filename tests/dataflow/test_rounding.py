"""Floats to integers in QONNX's order of steps, against qonnx and by hand."""

import numpy as np
import pytest
from tilewright.dataflow.rounding import ROUNDINGS, is_plain, quantize_as, round_qonnx
from tilewright.dataflow.tensor import Tensor

# Rounding, then what -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, -2.25, 2.25, -2.75, 2.75 become.
BY_HAND = {
    "half_even": [-2, -2, 0, 0, 2, 2, -2, 2, -3, 3],
    "half_up": [-3, -2, -1, 1, 2, 3, -2, 2, -3, 3],
    "half_down": [-2, -1, 0, 0, 1, 2, -2, 2, -3, 3],
    "up": [-3, -2, -1, 1, 2, 3, -3, 3, -3, 3],
    "down": [-2, -1, 0, 0, 1, 2, -2, 2, -2, 2],
    "ceil": [-2, -1, 0, 1, 2, 3, -2, 3, -2, 3],
    "floor": [-3, -2, -1, 0, 1, 2, -3, 2, -3, 2],
    "sign": [-1, -1, -1, 1, 1, 1, -1, 1, -1, 1],
}
VALUES = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, -2.25, 2.25, -2.75, 2.75], np.float32)


def tensor(number_format: str = "int4", scale: float = 1.0, zero_point: int = 0) -> Tensor:
    return Tensor(
        name="y",
        shape=(1,),
        number_format=number_format,
        scale=(scale,),
        zero_point=(zero_point,),
    )


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_each_rounding_by_hand(rounding: str) -> None:
    assert quantize_as(VALUES, tensor(), {"rounding": rounding}).tolist() == BY_HAND[rounding]


@pytest.mark.parametrize("rounding", [name for name in ROUNDINGS if name != "sign"])
def test_random_values_are_rounded_as_qonnx_does(rounding: str) -> None:
    intquant = pytest.importorskip("qonnx.custom_op.general.intquant")
    seed = ROUNDINGS.index(rounding)
    rng = np.random.default_rng(seed)
    for zero in (0, 1, 3):
        scale = rng.uniform(0.01, 2, (1, 50)).astype(np.float32)
        values = (rng.normal(size=(400, 50)) * 20).astype(np.float32)
        values[::2] = (rng.integers(-40, 41, (200, 50)) / 2 * scale).astype(np.float32)  # ties
        bits, zero_point = np.array(5, np.float32), np.array(zero, np.float32)
        made = round_qonnx(values, scale, zero_point, (-16, 15), rounding)
        back = (made - zero_point) * scale
        wanted = intquant.int_quant(values, scale, zero_point, bits, True, False, rounding)
        assert np.array_equal(back, wanted), f"seed {seed}, zero point {zero}"


def test_the_zero_point_is_added_before_the_rounding() -> None:
    """QONNX: round(0.5 + 1) = 2; ONNX: round(0.5) + 1 = 1."""
    half = np.array([0.5], np.float32)
    assert quantize_as(half, tensor(zero_point=1), {"rounding": "half_even"}).tolist() == [2]
    assert quantize_as(half, tensor(zero_point=1), {}).tolist() == [1]


def test_limits_narrower_than_the_format() -> None:
    values = np.array([-100, -7.6, 6.4, 100], np.float32)
    for attributes in ({"rounding": "half_even"}, {}):
        made = quantize_as(values, tensor(), {**attributes, "minimum": -7, "maximum": 6})
        assert made.tolist() == [-7, -7, 6, 6]
    assert quantize_as(values, tensor(), {"rounding": "sign", "minimum": 1}).tolist() == [1] * 4


def test_scales_of_channels() -> None:
    channels = Tensor(
        name="y",
        shape=(1, 3),
        number_format="int4",
        scale=(1.0, 0.5, 0.25),
        zero_point=(0, 1, -1),
        axis=1,
    )
    made = quantize_as(np.ones((2, 3), np.float32), channels, {"rounding": "floor"})
    assert made.tolist() == [[1, 3, 3]] * 2
    assert made.dtype == np.int8


def test_what_the_host_may_quantise_plainly() -> None:
    assert is_plain(tensor(), {})
    assert is_plain(tensor(), {"rounding": "half_even", "minimum": -8})
    assert not is_plain(tensor(), {"rounding": "half_even", "minimum": -7})
    assert not is_plain(tensor(zero_point=1), {"rounding": "half_even"})
    assert not is_plain(tensor(), {"rounding": "floor"})


def test_what_is_refused() -> None:
    one = np.ones(1, np.float32)
    with pytest.raises(ValueError, match="finite"):
        quantize_as(np.array([np.nan], np.float32), tensor(), {"rounding": "floor"})
    with pytest.raises(ValueError, match="half_even, half_up"):
        quantize_as(one, tensor(), {"rounding": "sideways"})
    with pytest.raises(ValueError, match=r"limits 3\.\.2"):
        quantize_as(one, tensor(), {"minimum": 3, "maximum": 2})

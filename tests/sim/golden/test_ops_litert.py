"""LiteRT's arithmetic by hand: where it rounds otherwise than onnxruntime does."""

from collections.abc import Sequence

import numpy as np
import pytest
from tilewright.dataflow.graph import Graph, Op, Tensor
from tilewright.sim.golden.ops_litert import KINDS, exponentials
from tilewright.sim.golden.run import run

Quantisation = tuple[float, int]


def tensor(name: str, shape: Sequence[int], how: Quantisation, role: str = "input") -> Tensor:
    return Tensor(
        name=name,
        shape=tuple(shape),
        number_format="int8",
        scale=(float(np.float32(how[0])),),
        zero_point=(how[1],),
        role=role,  # type: ignore[arg-type]  # one of the roles
    )


def result(
    kind: str,
    inputs: Sequence[tuple[Sequence, Quantisation]],
    shape: Sequence[int],
    how: Quantisation,
    **attributes: object,
) -> list:
    """What one op makes of the inputs, through the golden run."""
    arrays = [np.array(values, np.int8) for values, _ in inputs]
    names = [f"x{n}" for n in range(len(arrays))]
    given = [
        tensor(name, array.shape, quantisation)
        for name, array, (_, quantisation) in zip(names, arrays, inputs, strict=True)
    ]
    op = Op(
        name="op",
        kind=kind,
        inputs=tuple(names),
        outputs=("y",),
        attributes={**attributes, "arithmetic": "litert"},  # type: ignore[dict-item]  # as given
    )
    graph = Graph(name="g", ops=(op,), tensors=(*given, tensor("y", shape, how, "output")))
    made = run(graph, dict(zip(names, arrays, strict=True)))["y"]
    assert made.dtype == np.int8
    return made.tolist()


def test_sums_round_half_up() -> None:
    one, two = (1.0, 0), (2.0, 0)
    left, right = [[-3, -1, 0, 1, 3]], [[0, 0, 0, 0, 0]]
    assert result("add", [(left, one), (right, one)], (1, 5), two) == [[-1, 0, 0, 1, 2]]
    assert result("sub", [(right, one), (left, one)], (1, 5), two) == [[2, 1, 0, 0, -1]]


def test_sums_take_zero_points_and_saturate() -> None:
    ends = [([[127, -128, 10]], (0.5, -3)), ([[127, -128, 10]], (0.25, 7))]
    # 65 + 30 = 95; -62.5 - 33.75 = -96.25; 6.5 + 0.75 = 7.25; in steps of 0.5 from 1
    assert result("add", ends, (1, 3), (0.5, 1)) == [[127, -128, 16]]
    limited = result("add", ends, (1, 3), (0.5, 1), minimum=-5, maximum=9)
    assert limited == [[9, -5, 9]]


def test_products_round_half_to_even() -> None:
    ends = [([[1, 3, 5, -1, -3]], (1.0, 0)), ([[1, 1, 1, 1, 1]], (1.0, 0))]
    assert result("mul", ends, (1, 5), (2.0, 10)) == [[10, 12, 12, 10, 8]]


def test_requantisation_rounds_half_up_with_eight_bits() -> None:
    given = [([[-3, -1, 1, 3, 127]], (1.0, 0))]
    assert result("requantize", given, (1, 5), (2.0, 0)) == [[-1, 0, 1, 2, 64]]
    # 256 / 3 is cut to 85: 127 * 85 / 256 = 42.2, where 127 / 3 = 42.3
    assert result("requantize", [([[126]], (1.0, 0))], (1, 1), (3.0, 0)) == [[42]]
    assert result("requantize", [([[127]], (1.0, 0))], (1, 1), (0.0078, 0)) == [[127]]


def test_pools_round_stored_numbers_half_away_from_zero() -> None:
    window = {"kernel": (1, 2), "strides": (1, 2), "dilations": (1, 1), "counts_padding": 0}
    given = [([[[[1, 2, -1, -2, 5, 5]]]], (0.5, 100))]
    found = result("average_pool", given, (1, 1, 1, 3), (0.5, 100), pads=(0, 0, 0, 0), **window)
    assert found == [[[[2, -2, 5]]]]
    found = result("average_pool", given, (1, 1, 1, 4), (0.5, 100), pads=(0, 1, 0, 1), **window)
    assert found == [[[[1, 1, 2, 5]]]]  # (2 - 1) / 2 up to 1; (-2 + 5) / 2 up; the padding is out


def test_means_round_half_to_even() -> None:
    given = [([[1, 2], [2, 3], [-1, -2]], (1.0, 0))]
    assert result("reduce_mean", given, (3,), (1.0, 0), axes=(1,), keeps_axes=0) == [2, 2, -2]
    shifted = [([[1, 2], [2, 3], [-1, -2]], (1.0, 1))]
    # the zero point is added before rounding: 0.5 + 2 = 2.5 rounds to 2
    assert result("reduce_mean", shifted, (3, 1), (1.0, 2), axes=(1,), keeps_axes=1) == [
        [2], [4], [0],
    ]  # fmt: skip


def test_softmax_rounds_half_away_from_zero() -> None:
    equal = result("softmax", [([[5, 5]], (0.1, 3))], (1, 2), (1 / 256, -128), axis=1)
    assert equal == [[0, 0]]  # a half is 128 steps above -128
    certain = result("softmax", [([[127, -128]], (0.1, 0))], (1, 2), (1 / 256, -128), axis=1)
    assert certain == [[127, -128]]  # 1 saturates
    eighths = result("softmax", [([[0]] * 8, (0.1, 0))], (8, 1), (1 / 256, -128), axis=0)
    assert eighths == [[-96]] * 8


def test_exponentials_are_rounded_once() -> None:
    powers = exponentials(0.25, "int8")
    assert powers.dtype == np.float32 and powers.shape == (256,)
    assert powers[0] == 1 and powers[4] == np.float32(np.exp(-1.0))
    assert (np.diff(powers) < 0).all()


def test_every_kind_is_found_by_the_golden_run() -> None:
    assert set(KINDS) == {
        "add", "sub", "mul", "requantize", "average_pool", "reduce_mean", "softmax",
    }  # fmt: skip
    with pytest.raises(ValueError, match="no golden model in arithmetic 'other'"):
        result_of_other()


def result_of_other() -> None:
    given = tensor("x", (1, 2), (1.0, 0))
    op = Op(
        name="op", kind="softmax", inputs=("x",), outputs=("y",),
        attributes={"axis": 1, "arithmetic": "other"},
    )  # fmt: skip
    graph = Graph(name="g", ops=(op,), tensors=(given, tensor("y", (1, 2), (1.0, 0), "output")))
    run(graph, {"x": np.zeros((1, 2), np.int8)})

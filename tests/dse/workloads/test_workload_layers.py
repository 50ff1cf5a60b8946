"""Extents of layers, and what follows from them, against arithmetic by hand."""

import numpy as np
import pytest
from tilewright.dse.workloads.layers import MAX_EXTENT, Convolution, Matmul, Workload


def test_a_product_by_hand() -> None:
    layer = Matmul(name="fc", M=3, K=5, N=7, repeats=2)
    assert (layer.macs, layer.inputs, layer.weights, layer.outputs) == (210, 30, 70, 42)
    assert layer.as_matmul() is layer


def test_a_convolution_by_hand() -> None:
    """4x4 outputs of a 3x3 window of stride 2 reach 9x9 inputs; two groups of 2 inputs each."""
    layer = Convolution(
        name="c", B=2, K=6, C=4, OY=4, OX=4, FY=3, FX=3, stride=(2, 2), groups=2, repeats=3
    )
    assert (layer.input_rows, layer.input_columns) == (9, 9)
    assert layer.outputs == 2 * 6 * 16 * 3
    assert layer.macs == layer.outputs * 2 * 9
    assert layer.weights == 6 * 2 * 9 * 3
    assert layer.inputs == 2 * 4 * 81 * 3
    product = layer.as_matmul()
    assert (product.M, product.K, product.N, product.repeats) == (32, 18, 3, 6)
    assert (product.macs, product.weights, product.outputs) == (
        layer.macs,
        layer.weights,
        layer.outputs,
    )


def test_dilation_widens_the_window() -> None:
    layer = Convolution(name="c", K=1, C=1, OY=1, OX=5, FY=3, FX=3, dilation=(4, 2))
    assert (layer.input_rows, layer.input_columns) == (9, 9)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"M": 0}, "M must be a whole number from 1"),
        ({"K": True}, "K must be a whole number"),
        ({"N": MAX_EXTENT + 1}, "N must be a whole number"),
        ({"M": 2**20, "K": 2**20, "N": 2**14}, "at most 2\\^53 multiply-accumulates"),
        ({"kept": (3, 2)}, "of 2 weights 3 cannot be kept"),
    ],
)
def test_wrong_products_are_refused(change: dict[str, object], words: str) -> None:
    extents: dict[str, object] = {"name": "x", "M": 2, "K": 2, "N": 2}
    with pytest.raises(ValueError, match=words):
        Matmul(**(extents | change))  # type: ignore[arg-type]


def test_groups_must_divide() -> None:
    with pytest.raises(ValueError, match="groups must divide K and C"):
        Convolution(name="c", K=6, C=4, OY=1, OX=1, FY=1, FX=1, groups=4)


def test_the_largest_layer_is_exact_in_columns() -> None:
    layer = Matmul(name="x", M=2**20, K=2**20, N=2**13)
    columns = Workload(name="w", layers=(layer,)).columns()
    assert columns["macs"].tolist() == [2**53]
    assert float(columns["macs"][0]) == 2**53


def test_columns_agree_with_the_layers() -> None:
    layers = (
        Matmul(name="a", M=3, K=5, N=7),
        Convolution(name="b", K=6, C=4, OY=4, OX=3, FY=3, FX=1, groups=2),
    )
    columns = Workload(name="w", layers=layers).columns()
    product = columns["M"] * columns["K"] * columns["N"] * columns["repeats"]
    assert np.array_equal(product, columns["macs"])
    assert columns["inputs"].tolist() == [layer.inputs for layer in layers]
    assert columns["weights"].tolist() == [35, 6 * 2 * 3]

"""tanh, sigmoid, erf and Gelu in float32, to the last bit as onnxruntime's kernels compute them.

Each is a polynomial or a quotient of two, evaluated by Horner's rule with fused multiply-adds:

* tanh and sigmoid: odd over even polynomials. The coefficients are those of the Eigen library.
* erf: a polynomial of x^2 near 0; elsewhere `1 - exp(-r)` with a polynomial r of |x|, and exp by
  reduction with log 2 in two parts. The coefficients are N. Juffa's, published on Stack Overflow
  (question 35148198).

onnxruntime names both sources (`core/mlas/lib/{tanh,logistic,erf}.cpp`). Measured against 1.31.1 on
x86-64 with FMA: equal in every bit in 1.4 million floats each. They rise almost everywhere: a last
bit may fall back, so bisection must take `ROUNDED`, which is computed in float64 and rounded once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_ONE, _HALF = np.float32(1), np.float32(0.5)

_TANH_LIMIT = np.float32(9)
_TANH_ODD = (
    -2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08,
    1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03,
)  # fmt: skip
_TANH_EVEN = (
    1.19825839466702e-06,
    1.18534705686654e-04,
    2.26843463243900e-03,
    4.89352518554385e-03,
)

_SIGMOID_LIMIT = np.float32(18)
_SIGMOID_ODD = (
    4.37031012579801e-11, 1.15627324459942e-07, 6.08574864600143e-05, 8.51377133304701e-03,
    2.48287947061529e-01,
)  # fmt: skip
_SIGMOID_EVEN = (
    6.10247389755681e-13, 5.76102136993427e-09, 6.29106785017040e-06, 1.70198817374094e-03,
    1.16817656904453e-01, 9.93151921023180e-01,
)  # fmt: skip

_ERF_LIMIT, _ERF_SPLIT = np.float32(3.925), np.float32(0.921875)
_ERF_SMALL = (
    -5.99104969e-4, 4.99339588e-3, -2.67667342e-2, 1.12818025e-1, -3.76124859e-1, 1.28379151e-1,
)  # fmt: skip
_ERF_LARGE = (
    1.72948930e-5, -3.83208680e-4, 3.88393435e-3, -2.42545605e-2, 1.06777847e-1, 6.34846687e-1,
    1.28717512e-1,
)  # fmt: skip

_EXP = (1.38319808e-3, 8.37550033e-3, 4.16689515e-2, 1.66664466e-1, 4.99999851e-1, 1.0, 1.0)
_LOG2_E = np.float32(1.44269504088896341)
_LOG_2 = (np.float32(-6.93145752e-1), np.float32(-1.42860677e-6))
_TO_INTEGER = np.float32(1.5 * 2**23)  # added and taken away, it rounds to an integer


def fused(a: Floats, b: Floats | np.float32, c: Floats | np.float32) -> Floats:
    """`a * b + c`, rounded to float32 once.

    The product is exact in float64; the sum is rounded to odd there, which keeps the second
    rounding from being a double one (Boldo and Melquiond, 2005).
    """
    product = np.multiply(a, b, dtype=np.float64)
    addend = np.broadcast_to(np.asarray(c, np.float64), product.shape)
    total = product + addend
    shift = total - product
    error = (product - (total - shift)) + (addend - shift)
    bits = total.view(np.int64)
    is_even = (error != 0) & (bits % 2 == 0)
    toward = np.where((error > 0) == (total > 0), 1, -1)
    return (bits + np.where(is_even, toward, 0)).view(np.float64).astype(np.float32)


def polynomial(x: Floats, coefficients: Sequence[float]) -> Floats:
    """By Horner's rule, the highest coefficient first."""
    result: Floats = np.full(x.shape, coefficients[0], np.float32)
    for coefficient in coefficients[1:]:
        result = fused(result, x, np.float32(coefficient))
    return result


def tanh(x: Floats) -> Floats:
    x = np.clip(x, -_TANH_LIMIT, _TANH_LIMIT)
    square = x * x
    quotient: Floats = polynomial(square, _TANH_ODD) * x / polynomial(square, _TANH_EVEN)
    return quotient


def sigmoid(x: Floats) -> Floats:
    """Never below 0; near 18 it may be the number behind 1."""
    x = np.clip(x, -_SIGMOID_LIMIT, _SIGMOID_LIMIT)
    square = x * x
    quotient = polynomial(square, _SIGMOID_ODD) * x / polynomial(square, _SIGMOID_EVEN)
    result: Floats = np.maximum(quotient + _HALF, np.float32(0))
    return result


def erf(x: Floats) -> Floats:
    size = np.minimum(np.abs(x), _ERF_LIMIT)
    small = fused(polynomial(size * size, _ERF_SMALL), size, size)
    exponent = -fused(polynomial(size, _ERF_LARGE), size, size)
    large = _ONE - _exp(exponent)
    return np.copysign(np.where(size > _ERF_SPLIT, large, small), x)


def _exp(x: Floats) -> Floats:
    """For x from -88 to 0."""
    whole = fused(x, _LOG2_E, _TO_INTEGER) - _TO_INTEGER
    rest = x
    for part in _LOG_2:
        rest = fused(whole, part, rest)
    return np.ldexp(polynomial(rest, _EXP), whole.astype(np.int32)).astype(np.float32)


def gelu(x: Floats) -> Floats:
    """`x / 2 (1 + erf(x / sqrt(2)))`."""
    result: Floats = _HALF * x * (_ONE + erf(x * np.float32(math.sqrt(0.5))))
    return result


def gelu_by_tanh(x: Floats) -> Floats:
    """`x / 2 (1 + tanh(x (0.044715 sqrt(2 / pi) x^2 + sqrt(2 / pi))))`."""
    root = math.sqrt(2 / math.pi)
    inner = x * (np.float32(0.044715 * root) * x * x + np.float32(root))
    result: Floats = _HALF * x * (_ONE + tanh(inner))
    return result


def _rounded_sigmoid(x: Floats) -> Floats:
    small = np.exp(-np.abs(x.astype(np.float64)))
    return (np.where(x >= 0, 1.0, small) / (1.0 + small)).astype(np.float32)


ROUNDED: Mapping[str, Callable[[Floats], Floats]] = {
    "sigmoid": _rounded_sigmoid,
    "tanh": lambda x: np.tanh(x.astype(np.float64)).astype(np.float32),
}
"""Functions that never fall, by kind of op: the exact value, rounded."""

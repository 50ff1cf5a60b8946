"""Golden model of the nm_sparse template: integers, weights spread out again."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tilewright.hw.nm_sparse.params import NMSparseParams

from .systolic import systolic

IntArray = NDArray[np.int64]


def spread(values: ArrayLike, indices: ArrayLike, group: int) -> IntArray:
    """The matrix, K x N, of compressed weights `[groups][kept][N]`.

    Values with the same index are added; an index beyond the group stands for nothing.
    """
    values_, indices_ = np.asarray(values, np.int64), np.asarray(indices, np.int64)
    num_groups, _, num_columns = values_.shape
    matrix = np.zeros((num_groups, group, num_columns), np.int64)
    for index in range(group):
        matrix[:, index, :] = np.where(indices_ == index, values_, 0).sum(axis=1)
    return matrix.reshape(num_groups * group, num_columns)


def nm_sparse(
    params: NMSparseParams,
    a: ArrayLike,
    values: ArrayLike,
    indices: ArrayLike,
    *,
    biases: ArrayLike = 0,
    scale_words: ArrayLike = 0,
    zero_point: int = 0,
    minimum: int | None = None,
    maximum: int | None = None,
) -> IntArray:
    """What a kernel with `params` answers for a times the compressed weights."""
    weights = spread(values, indices, params.group)
    activations = np.asarray(a, np.int64)
    missing = weights.shape[0] - activations.shape[1]
    return systolic(
        params,
        np.pad(activations, ((0, 0), (0, missing))),
        weights,
        biases=biases,
        scale_words=scale_words,
        zero_point=zero_point,
        minimum=minimum,
        maximum=maximum,
    )

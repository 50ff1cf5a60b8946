"""Golden model of the pruner: NumPy's stable sort of negated magnitudes."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

IntArray = NDArray[np.int64]


def prune(matrix: ArrayLike, kept: int, group: int) -> IntArray:
    """The matrix with the `kept` largest magnitudes of each group of k of a column, else zero.

    Of equal magnitudes the lowest k stay. A last group may have fewer k.
    """
    result = np.array(matrix, np.int64)
    for start in range(0, result.shape[0], group):
        part = result[start : start + group]
        order = np.argsort(-np.abs(part), axis=0, kind="stable")
        np.put_along_axis(part, order[kept:], 0, axis=0)
    return result


def nm_prune(groups: ArrayLike, kept: int, max_kept: int) -> tuple[IntArray, IntArray, IntArray]:
    """Values, indices and mask, each `[groups][max_kept]`, of groups `[groups][group]`.

    What stays and is not zero comes first, in index order; the rest is 0.
    """
    values_in = np.asarray(groups, np.int64)
    pruned = prune(values_in.T, kept, values_in.shape[1]).T
    order = np.argsort(pruned == 0, axis=1, kind="stable")[:, :max_kept]
    values = np.take_along_axis(pruned, order, axis=1)
    mask = (values != 0).astype(np.int64)
    return values, order * mask, mask

"""Golden model of the top-k template: a whole sort, and the first k of it."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def topk(
    keys: ArrayLike, is_valid: ArrayLike, k: int, *, largest: bool = True
) -> NDArray[np.int64]:
    """Positions of the k largest (or smallest) valid keys in rank order; ties: the lowest first.

    Fewer than k valid keys give all of them.
    """
    values = np.asarray(keys, np.int64)
    positions = np.flatnonzero(np.asarray(is_valid, np.bool_))
    ranks = -values[positions] if largest else values[positions]
    order = np.lexsort((positions, ranks))  # the last of the sort keys counts first
    return positions[order][:k].astype(np.int64)

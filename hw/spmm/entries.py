"""A sparse matrix as entries: values cut into limbs, rows cut into the lanes' pieces. Pure."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .params import LaneParams

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Entries:
    """What lanes work on, in row-major order; entry i is one limb of one stored value.

    `rows` and `columns` say where it belongs, `limbs[i]` has a limb per row of a block, at
    `positions[i]`, of the highest ones if `are_high[i]`. `num_stored` counts stored values (or
    columns of blocks) before they were cut.
    """

    rows: Ints
    columns: Ints
    limbs: Ints
    positions: Ints
    are_high: Flags
    num_stored: int

    @property
    def num(self) -> int:
        """Entries."""
        return len(self.rows)


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """Runs of entries of one row in one lane, in order.

    Piece p has the entries [starts[p], ends[p]); lane l has the pieces [first[l], first[l + 1]).
    A piece `sends` its sum to the lane to the left if its row began there, and `waits` for one of
    the lane to the right if its row goes on there.
    """

    starts: Ints
    ends: Ints
    first: Ints
    sends: Flags
    waits: Flags

    @property
    def num(self) -> int:
        """Pieces."""
        return len(self.starts)

    @cached_property
    def lanes(self) -> Ints:
        """The lane of each piece."""
        return np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))

    @cached_property
    def of_entries(self) -> Ints:
        """The piece of each entry."""
        return np.repeat(np.arange(self.num), self.ends - self.starts)


def cut(params: LaneParams, rows: ArrayLike, columns: ArrayLike, values: ArrayLike) -> Entries:
    """Entries of a matrix whose stored values are sorted by row.

    A value takes as many limbs as it needs: those that are 0 are left out, all but one.
    """
    row_ids, column_ids = np.asarray(rows, np.int64), np.asarray(columns, np.int64)
    stored = np.asarray(values, np.int64).reshape(len(row_ids), params.block_rows)
    _check(params, row_ids, column_ids, stored)
    has_sign: Flags = np.asarray((stored < 0).any(axis=1))
    position = np.arange(params.num_limbs)
    # Non-negative values need no limb with a sign: their highest limb is as unsigned as the others.
    top = np.int64(1) << np.add.outer(-has_sign.astype(np.int64), params.limb_bits * (position + 1))
    low = np.where(has_sign[:, None], -top, 0)
    is_enough = ((stored[:, :, None] >= low[:, None]) & (stored[:, :, None] < top[:, None])).all(1)
    highest = is_enough.argmax(axis=1)
    limbs = stored[:, None, :] >> (params.limb_bits * position)[None, :, None]
    limbs &= (1 << params.limb_bits) - 1
    is_used = (limbs != 0).any(axis=2) & (position <= highest[:, None])
    is_used[:, 0] |= ~is_used.any(axis=1)
    number, place = np.nonzero(is_used)
    return Entries(
        rows=row_ids[number],
        columns=column_ids[number],
        limbs=limbs[number, place],
        positions=place.astype(np.int64),
        are_high=has_sign[number] & (place == highest[number]),
        num_stored=len(row_ids),
    )


def _check(params: LaneParams, rows: Ints, columns: Ints, values: Ints) -> None:
    if len(columns) != len(rows):
        raise ValueError(f"{len(rows)} rows and {len(columns)} columns of stored values")
    if (np.diff(rows) < 0).any():
        raise ValueError("the stored values are not sorted by row")
    if len(rows) and (rows.min() < 0 or rows.max() >= params.max_rows):
        raise ValueError(f"row {rows.max()}: rows lie in 0..{params.max_rows - 1}")
    if len(rows) and columns.min() < 0:
        raise ValueError(f"column {columns.min()}: no column is negative")
    low, high = params.a_format.minimum, params.a_format.maximum
    if values.size and (values.min() < low or values.max() > high):
        raise ValueError(
            f"values {values.min()}..{values.max()}: {params.a_format} is {low}..{high}"
        )


def split(entries: Entries, lanes: int) -> Pieces:
    """Equal numbers of consecutive entries for the lanes, the first ones one more if need be."""
    share, rest = divmod(entries.num, lanes)
    bounds = np.arange(lanes + 1) * share + np.minimum(np.arange(lanes + 1), rest)
    is_start = np.zeros(entries.num + 1, np.bool_)
    is_start[bounds] = True
    is_start[1:-1] |= entries.rows[1:] != entries.rows[:-1]
    marks = np.flatnonzero(is_start)
    starts, ends = marks[:-1], marks[1:]
    goes_on = np.zeros(entries.num + 1, np.bool_)  # a row crosses this border
    goes_on[1:-1] = entries.rows[1:] == entries.rows[:-1]
    return Pieces(
        starts=starts,
        ends=ends,
        first=np.searchsorted(starts, bounds),
        sends=goes_on[starts],
        waits=goes_on[ends],
    )

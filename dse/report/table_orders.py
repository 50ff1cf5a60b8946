"""The page's part about tables of energies: how far the order of designs depends on them."""

from __future__ import annotations

from typing import Final

from ..sweep_file import SweepFile, TableRanking
from .text import shown

TABLE_ORDERS: Final = "How far the order depends on the table of energies"


def table_orders(file: SweepFile) -> tuple[list[str], list[list[str]]]:
    """Heads and rows, safe HTML: a row for each table that was compared with the first one."""
    first = file.rankings[0]
    believed, best = shown(first.first), f"design {first.best_of_first:,}"
    heads = [
        "table",
        f"Kendall&#39;s tau against {believed}",
        f"takes the least (by {believed}: {best})",
        f"{best} takes more than that one",
        f"energies, times those of {believed}",
    ]
    return heads, [_row(one) for one in file.rankings]


def _row(one: TableRanking) -> list[str]:
    ratio = "in another unit"
    if one.least_ratio is not None and one.most_ratio is not None:
        ratio = f"{one.least_ratio:.2g} to {one.most_ratio:.2g}"
    loss = f"{100 * one.loss:.1f} %"
    return [shown(one.table), f"{one.tau:.2f}", f"design {one.best:,}", loss, ratio]

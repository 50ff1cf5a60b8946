"""Options of the verb `sweep`."""

import argparse
from pathlib import Path
from typing import Final

from tilewright.commands.whole import whole

MAX_WORKERS: Final = 1024
MAX_CONFIRMATIONS: Final = 10_000


def add_sweep_options(parser: argparse.ArgumentParser) -> None:
    """All of them."""
    parser.add_argument("spec", type=Path, metavar="SPEC")
    parser.add_argument(
        "--workers",
        type=_workers,
        metavar="N",
        help="processes that evaluate and simulate designs (default: one per processor)",
    )
    parser.add_argument(
        "--cluster", metavar="tcp://HOST:PORT", help="evaluate on the workers of a Dask scheduler"
    )
    parser.add_argument(
        "--confirm",
        type=_count,
        default=0,
        metavar="N",
        help="generate and simulate the N best designs, and measured is put beside estimated",
    )
    parser.add_argument(
        "--random-confirm",
        type=_count,
        metavar="N",
        help="and so many designs at random (default: as many as --confirm)",
    )
    parser.add_argument(
        "--fresh", action="store_true", help="begin anew; else what is in --out is gone on with"
    )
    parser.add_argument(
        "--retry-failed", action="store_true", help="evaluate again what failed before"
    )


def _workers(text: str) -> int:
    return whole(text, 1, MAX_WORKERS)


def _count(text: str) -> int:
    return whole(text, 0, MAX_CONFIRMATIONS)

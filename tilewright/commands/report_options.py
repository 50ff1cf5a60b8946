"""Options of the verb `report`."""

import argparse
from pathlib import Path

from tilewright.commands.whole import whole

MAX_INDEX = 10**12 - 1


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """All of them."""
    parser.add_argument(
        "directory",
        type=Path,
        nargs="?",
        metavar="DIR",
        help="of a verify or run; or of a sweep or an estimate, whose page is written there again",
    )
    parser.add_argument(
        "--diff",
        type=Path,
        nargs=2,
        metavar=("A", "B"),
        help="compare two sweeps: designs, front, hypervolume, versions",
    )
    parser.add_argument(
        "--trace",
        type=_index,
        metavar="N",
        help="write the schedule of a sweep's design N for ui.perfetto.dev",
    )


def _index(text: str) -> int:
    return whole(text, 0, MAX_INDEX)

"""Options of the verb `report`."""

import argparse
from pathlib import Path

MAX_INDEX_DIGITS = 12


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """All of them."""
    parser.add_argument(
        "directory",
        type=Path,
        nargs="?",
        metavar="DIR",
        help="of a verify or run; or of a sweep, whose page, tables and data are written there",
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
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_INDEX_DIGITS):
        raise argparse.ArgumentTypeError(f"the number of a design, got {text!r}")
    return int(text)

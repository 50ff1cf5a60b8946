"""Options of the verb `pack`."""

import argparse
from pathlib import Path

from tilewright.commands.whole import whole

MAX_NUMBER = 1 << 24
MAX_SEED = 1 << 60


def add_pack_options(parser: argparse.ArgumentParser) -> None:
    """All of them."""
    parser.add_argument(
        "matrix", type=Path, metavar="MATRIX", help="a sparse matrix: .mtx or .smtx"
    )
    parser.add_argument(
        "--for",
        dest="spec",
        type=Path,
        required=True,
        metavar="SPEC",
        help="the kernel spec, of template spmm or sddmm",
    )
    parser.add_argument(
        "--columns",
        type=_positive,
        metavar="N",
        help="spmm: columns of the dense matrix (default 64)",
    )
    parser.add_argument(
        "--depth",
        type=_positive,
        metavar="N",
        help="sddmm: elements of the rows of Q and K (default: the spec's depth)",
    )
    parser.add_argument(
        "--split",
        choices=("nonzeros", "rows"),
        default="nonzeros",
        help="sddmm: lanes get equal numbers of nonzeros (default), or whole rows",
    )
    parser.add_argument(
        "--values",
        choices=("file", "random"),
        default="file",
        help="spmm: the file's values (default), or random ones of the spec's format for the same "
        "places; files without values get random ones",
    )
    parser.add_argument(
        "--seed", type=_seed, default=1, metavar="N", help="of random values (default 1)"
    )


def _positive(text: str) -> int:
    return whole(text, 1, MAX_NUMBER)


def _seed(text: str) -> int:
    return whole(text, 0, MAX_SEED)

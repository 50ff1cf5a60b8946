"""Options of the verb `run`."""

import argparse
from pathlib import Path


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Inputs, and the board to run on instead of the simulated accelerator."""
    parser.add_argument(
        "--inputs",
        "--input",
        type=Path,
        required=True,
        metavar="FILE.npz",
        help="one array per model input; FILE.npy: the array of the only input",
    )
    parser.add_argument(
        "--board", metavar="NAME", help="a board, or FILE.yaml with its table (default: the spec's)"
    )
    parser.add_argument(
        "--port", metavar="PORT", help="run on the board at this serial port (/dev/ttyUSB0, COM3)"
    )
    parser.add_argument(
        "--simulate", action="store_true", help="run on the whole board simulated, serial line too"
    )

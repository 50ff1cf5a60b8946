"""Options of the verb `synth`."""

import argparse
from pathlib import Path
from typing import Final

from tilewright.commands.whole import whole

FAMILIES: Final = ("ecp5", "ice40", "gowin", "xilinx", "xc7", "xcup", "asic")
UNITS: Final = {"Hz": 1, "kHz": 1_000, "MHz": 1_000_000, "GHz": 1_000_000_000}
MAX_SEED: Final = 1 << 30
MAX_SEEDS: Final = 64
PLACERS: Final = ("heap", "static")


def add_synth_options(parser: argparse.ArgumentParser) -> None:
    """All of them."""
    parser.add_argument("spec", type=Path, metavar="SPEC")
    parser.add_argument(
        "--board", metavar="NAME", help="a board, or the path of a table (default: the spec's)"
    )
    parser.add_argument(
        "--family", choices=FAMILIES, help="a family of devices, without a board; xilinx is xc7"
    )
    parser.add_argument(
        "--to",
        choices=("synth", "pnr", "bitstream"),
        default="synth",
        help="the last step: area only (default), place and route, or the file for the board",
    )
    parser.add_argument(
        "--freq", type=_frequency, metavar="HZ", help="clock to aim at, such as 50MHz"
    )
    parser.add_argument(
        "--seed", type=_seed, default=1, metavar="N", help="of place and route (default 1)"
    )
    parser.add_argument(
        "--seeds", type=_seeds, default=1, metavar="N",
        help="place and route with N seeds from --seed on; the best is taken (default 1)",
    )  # fmt: skip
    parser.add_argument(
        "--placer", choices=PLACERS, help="of ECP5's place and route (default heap)"
    )
    parser.add_argument(
        "--keep-equivalent-registers", action="store_true",
        help="do not merge equal registers of one bit: more of them, with shorter wires",
    )  # fmt: skip
    parser.add_argument(
        "--liberty", type=Path, metavar="FILE", help="asic: the cell library (.lib or .lib.gz)"
    )
    parser.add_argument(
        "--memory-areas", type=Path, metavar="FILE", help="asic: areas of memories, a YAML file"
    )
    parser.add_argument(
        "--time-limit", type=_minutes, metavar="MIN", help="of each tool, in minutes"
    )


def _frequency(text: str) -> int:
    unit = next((u for u in sorted(UNITS, key=len, reverse=True) if text.endswith(u)), "")
    units, _, rest = text.removesuffix(unit).strip().partition(".")
    is_number = units.isascii() and units.isdigit() and len(units) <= 11
    is_number &= not rest or (rest.isascii() and rest.isdigit() and len(rest) <= 9)
    if not is_number:
        raise argparse.ArgumentTypeError(f"a frequency such as 50MHz or 12.5MHz, got {text!r}")
    factor = UNITS.get(unit, 1)
    value = int(units) * factor + (int(rest) * factor // 10 ** len(rest) if rest else 0)
    if not 1_000 <= value <= 10**10:
        raise argparse.ArgumentTypeError(f"a frequency from 1kHz to 10GHz, got {text!r}")
    return value


def _seed(text: str) -> int:
    return whole(text, 0, MAX_SEED)


def _seeds(text: str) -> int:
    return whole(text, 1, MAX_SEEDS)


def _minutes(text: str) -> int:
    return whole(text, 1, 10_000)

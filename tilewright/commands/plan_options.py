"""Options of the verb `plan`."""

import argparse
from pathlib import Path

MAX_BYTES = 1 << 50
MAX_SECONDS = 1e6


def add_plan_options(parser: argparse.ArgumentParser) -> None:
    """All of them."""
    parser.add_argument(
        "graph", type=Path, metavar="FILE", help="a graph (.json) or an accelerator spec (.yaml)"
    )
    parser.add_argument(
        "--budget",
        type=_size,
        metavar="SIZE",
        help="bytes on chip, as 301056 or 512KiB (default: the spec's scratchpad; for a graph "
        "the least that works)",
    )
    parser.add_argument(
        "--weights",
        choices=("activations", "all"),
        default="activations",
        help="what is planned: activations (default), or parameters too",
    )
    parser.add_argument(
        "--align",
        type=_alignment,
        metavar="N",
        help="addresses at multiples of N bytes (default: a spec's word, else 1)",
    )
    parser.add_argument(
        "--baseline",
        action="append",
        default=[],
        metavar="NAME",
        help="compare with ORDER/REPLACEMENT/PLACEMENT, or `all`; may be given more than once",
    )
    parser.add_argument(
        "--seconds", type=_seconds, metavar="N", help="time for the search (default 60)"
    )


def _size(text: str) -> int:
    from tilewright.spec.numbers import QuantityError, parse_size_bytes

    if text.isascii() and text.isdigit() and len(text) <= 18:
        value = int(text)
    else:
        try:
            value = parse_size_bytes(text)
        except QuantityError as error:
            raise argparse.ArgumentTypeError(f"{error}, got {text!r}") from None
    if not 1 <= value <= MAX_BYTES:
        raise argparse.ArgumentTypeError(f"1 to {MAX_BYTES} bytes, got {text!r}")
    return value


def _alignment(text: str) -> int:
    value = _size(text)
    if value > 1 << 20:
        raise argparse.ArgumentTypeError(f"at most {1 << 20} bytes, got {text!r}")
    return value


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"seconds above 0, at most {MAX_SECONDS:g}, got {text!r}")
    return value

"""Whole numbers on the command line."""

import argparse

MAX_DIGITS = 18


def whole(text: str, least: int, most: int) -> int:
    """The number in `text`, from `least` to `most`; `ArgumentTypeError` says what is wrong."""
    is_number = text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
    if not (is_number and least <= int(text) <= most):
        raise argparse.ArgumentTypeError(f"a whole number from {least} to {most}, got {text!r}")
    return int(text)

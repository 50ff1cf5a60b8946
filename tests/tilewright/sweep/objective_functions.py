"""Objectives as a user's package would have them."""

number = 3


def cost(design):
    return design["lut"] * design["cycles"] + design["accelerator.engines.array.rows"]


def raises(design):
    if design["accelerator.engines.array.rows"] == 2:
        raise ArithmeticError("nobody builds two rows")
    return 1.0


def escapes(design):
    raise ValueError("\x1b[2Jcleared")


def text(design):
    return "cheap"

"""Names and numbers as text that is safe inside HTML, and data that is safe inside a script."""

from __future__ import annotations

import json
import math
from html import escape
from typing import Any, Final

from tilewright.spec.diagnostics import printable

MAX_NAME_CHARS: Final = 80
LARGE: Final = 10**10
KIBI: Final = (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))
_IN_SCRIPT: Final = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def shown(text: str, most: int = MAX_NAME_CHARS) -> str:
    """A name from a file, safe inside HTML text and attributes."""
    return escape(printable(text, most), quote=True)


def json_block(value: Any) -> str:
    """`value` as JSON that ends no script, opens no comment and is one line of JavaScript."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.translate(_IN_SCRIPT)


def number_text(value: float) -> str:
    """`1,234`, `0.1234`, `1.234e+12`: whole numbers as they are, others to four digits."""
    if not math.isfinite(value):
        return str(value)
    if float(value).is_integer() and abs(value) < LARGE:
        return f"{int(value):,}"
    if 1e4 <= abs(value) < LARGE:
        return f"{round(value):,}"
    return f"{value:.4g}"


def counted(number: int, thing: str) -> str:
    """`1 design`, `1,234 designs`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def setting_text(value: object, unit: str = "") -> str:
    """A parameter's value: bytes in binary units, `none` where it is left out."""
    if value is None:
        return "none"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if unit == "B" and isinstance(value, int):
        for name, size in KIBI:
            if value and value % size == 0:
                return f"{value // size} {name}"
    return f"{number_text(value)} {unit}".rstrip()


def percent_text(ratio: float) -> str:
    """The change that a factor means: `-38 %`, `+4.2 %`, `x 12`."""
    change = 100 * (ratio - 1)
    if ratio >= 10:
        return f"x {ratio:.3g}"
    digits = 0 if abs(change) >= 9.95 else 1
    text = f"{change:+.{digits}f} %"
    return "0 %" if float(f"{change:.{digits}f}") == 0 else text

"""Small valid sections of the zero_skip template, for tests of random configurations."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy


def sections() -> SearchStrategy[dict[str, Any]]:
    """Sections as they stand under `kernel:`."""
    return _section()


@st.composite
def _section(draw: DrawFn) -> dict[str, Any]:
    sign = draw(st.sampled_from(["int", "uint"]))
    lanes = draw(st.sampled_from([1, 2, 4, 8, 16]))
    return {
        "template": "zero_skip",
        "function": draw(st.sampled_from(["zeros", "threshold", "delta"])),
        "lanes": lanes,
        "elements": draw(st.integers(1, 12 * lanes)),
        "value": f"{sign}{draw(st.integers(2, 16))}",
    }

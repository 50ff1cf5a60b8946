"""Small valid `kernel:` sections of nm_prune for Hypothesis."""

from typing import Any

from hypothesis import strategies as st

FORMATS = ("int8", "uint8", "int4", "int16", "uint2", "int5")


@st.composite
def sections(draw: st.DrawFn) -> dict[str, Any]:
    """Any group, number kept and format; words for 1 to 6 columns."""
    group = draw(st.integers(1, 16))
    section: dict[str, Any] = {
        "template": "nm_prune",
        "group": group,
        "values": draw(st.sampled_from(FORMATS)),
    }
    if draw(st.booleans()):
        section["max_kept"] = draw(st.integers(1, group))
    if draw(st.booleans()):
        section |= {"output": "words", "cols": draw(st.integers(1, 6))}
    return section

"""Small valid `kernel:` sections of nm_sparse for Hypothesis."""

from typing import Any

from hypothesis import strategies as st

FORMATS = {"int8": 8, "uint8": 8, "int4": 4, "int16": 16, "uint2": 2, "int5": 5}
"""Name and bits."""


@st.composite
def sections(draw: st.DrawFn) -> dict[str, Any]:
    """Any group, feed, mux, buffer and formats; arrays of 1 x 1 to 5 x 5 PEs."""
    group = draw(st.integers(1, 16))
    section: dict[str, Any] = {
        "template": "nm_sparse",
        "rows": draw(st.integers(1, 5)),
        "cols": draw(st.integers(1, 5)),
        "group": group,
        "mux": draw(st.sampled_from(("pe", "row"))),
        "a": draw(st.sampled_from(sorted(FORMATS))),
        "b": draw(st.sampled_from(sorted(FORMATS))),
        "output": "raw",
    }
    product_bits = FORMATS[section["a"]] + FORMATS[section["b"]] + 1
    section["accumulator_bits"] = draw(st.integers(max(8, product_bits), 48))
    if draw(st.booleans()):
        section["feed_lanes"] = draw(st.integers(1, group))
    if draw(st.booleans()):
        section["edge_groups"] = draw(st.integers(2, 12))
    if draw(st.integers(0, 3)) == 0:  # requantizers are much text to compile
        section |= {"output": "int8", "cols": min(section["cols"], 2)}
        section["accumulator_bits"] = max(24, section["accumulator_bits"])
        if draw(st.booleans()):
            bits = draw(st.integers(4, 24))
            section["requantize"] = {"mode": "fixed", "multiplier_bits": bits}
    return section

"""Small valid sections of the systolic template, for tests of random configurations."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy


def sections() -> SearchStrategy[dict[str, Any]]:
    """Sections as they stand under `kernel:`."""
    return _section()


@st.composite
def _section(draw: DrawFn) -> dict[str, Any]:
    rows, cols = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    lanes = max(rows, cols) + draw(st.integers(0, 4))
    signs = [draw(st.sampled_from(["int", "uint"])) for _ in range(2)]
    bits = [draw(st.integers(2, draw(st.sampled_from([8, 16])))) for _ in range(2)]
    product_bits = sum(bits) + (signs == ["uint", "uint"])
    section: dict[str, Any] = {
        "template": "systolic",
        "rows": rows,
        "cols": cols,
        "lanes": lanes,
        "a": f"{signs[0]}{bits[0]}",
        "b": f"{signs[1]}{bits[1]}",
        "accumulator_bits": draw(st.integers(max(8, product_bits), 48)),
        "dataflow": draw(st.sampled_from(["output_stationary", "weight_stationary"])),
        "output": draw(st.sampled_from(["int8", "raw"])),
    }
    if section["dataflow"] == "output_stationary":
        for feed in ("a_feed", "b_feed"):
            section[feed] = draw(st.sampled_from(["k_inner", "k_outer"]))
        if cols % 2 == 0 and max(bits) <= 8:
            section["products_per_dsp"] = draw(st.integers(1, 2))
    else:
        section["accumulator_rows"] = draw(st.integers(1, 24))
    if section["output"] == "int8":
        section["requantize"] = {"mode": draw(st.sampled_from(["exact", "fixed"]))}
        if section["requantize"]["mode"] == "fixed":
            section["requantize"]["multiplier_bits"] = draw(st.integers(4, 24))
        section["param_sets"] = -(-lanes // cols) + draw(st.integers(0, 3))
    return section

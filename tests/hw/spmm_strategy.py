"""Small valid sections of the spmm template, for tests of random configurations."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy


def sections() -> SearchStrategy[dict[str, Any]]:
    """Sections as they stand under `kernel:`."""
    return _section()


@st.composite
def _section(draw: DrawFn) -> dict[str, Any]:
    mode = draw(st.sampled_from(["static", "static", "dynamic", "broadcast"]))
    lanes = draw(st.integers(1, 5))
    banks = lanes if mode == "broadcast" else draw(st.integers(1, 10))
    a_bits = draw(st.integers(2, 16))
    sign_a, sign_b = (draw(st.sampled_from(["int", "uint"])) for _ in range(2))
    section: dict[str, Any] = {
        "template": "spmm",
        "mode": mode,
        "lanes": lanes,
        "columns": draw(st.integers(1, 4)),
        "banks": banks,
        "bank_words": draw(st.integers(1, 40)),
        "buffers": draw(st.integers(1, 2)),
        "load_words": draw(st.sampled_from([n for n in range(1, banks + 1) if banks % n == 0])),
        "a": f"{sign_a}{a_bits}",
        "b": f"{sign_b}{draw(st.integers(2, 16))}",
        "limb_bits": draw(st.integers(2, a_bits)),
        "accumulator_bits": draw(st.integers(8, 48)),
        "block_rows": draw(st.sampled_from([1, 1, 2, 3])),
        "max_rows": draw(st.integers(1, 40)),
        "max_panels": draw(st.integers(1, 5)),
        "result_words": draw(st.integers(2, 20)),
    }
    if mode == "dynamic":
        section["window"] = draw(st.integers(1, 8))
    return section

"""Small valid sections of the sddmm template, for tests of random configurations."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy


def sections() -> SearchStrategy[dict[str, Any]]:
    """Sections as they stand under `kernel:`."""
    return _section()


@st.composite
def _section(draw: DrawFn) -> dict[str, Any]:
    products = draw(st.integers(1, 5))
    depth = draw(st.integers(1, 11))
    banks = draw(st.integers(1, 10))
    bits = [draw(st.integers(2, 16)) for _ in range(2)]
    signs = [draw(st.sampled_from(["int", "uint"])) for _ in range(2)]
    chunks = -(-depth // products)
    product_bits = sum(bits) + (signs == ["uint", "uint"])
    return {
        "template": "sddmm",
        "lanes": draw(st.integers(1, 5)),
        "products": products,
        "depth": depth,
        "banks": banks,
        "bank_words": chunks * draw(st.integers(1, 6)) + draw(st.integers(0, chunks - 1)),
        "load_words": draw(st.sampled_from([n for n in range(1, banks + 1) if banks % n == 0])),
        "buffers": draw(st.integers(1, 2)),
        "query_rows": draw(st.sampled_from([1, 2, 4, 8])),
        "window": draw(st.sampled_from([2, 4, 8, 16])),
        "query": f"{signs[0]}{bits[0]}",
        "key": f"{signs[1]}{bits[1]}",
        "accumulator_bits": draw(st.integers(max(8, product_bits), 48)),
        "max_rows": draw(st.integers(1, 40)),
        "output": draw(st.sampled_from(["lanes", "rows"])),
    }

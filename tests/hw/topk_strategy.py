"""Small valid sections of the topk template, for tests of random configurations."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

ENGINES = ("shift_queue", "filtered_queue", "radix_select", "bitonic_merge")


def sections() -> SearchStrategy[dict[str, Any]]:
    """Sections as they stand under `kernel:`."""
    return _section()


@st.composite
def _section(draw: DrawFn) -> dict[str, Any]:
    engine = draw(st.sampled_from(["auto", *ENGINES]))
    lanes = 1 if engine == "shift_queue" else draw(st.integers(1, 9))
    max_keys = draw(st.integers(1, 60))
    bits = draw(st.integers(2, 32 if engine != "radix_select" else 12))
    order = "rank"
    if engine in ("auto", "radix_select"):
        order = draw(st.sampled_from(["index", "mask"] if engine != "auto" else ["mask", "rank"]))
    section: dict[str, Any] = {
        "template": "topk",
        "engine": engine,
        "lanes": lanes,
        "key": f"{draw(st.sampled_from(['int', 'uint']))}{bits}",
        "k_max": draw(st.integers(1, min(max_keys, 12))),
        "max_keys": max_keys,
        "order": order,
        "select": draw(st.sampled_from(["largest", "smallest"])),
    }
    if engine == "radix_select" or (engine == "auto" and order != "rank"):
        section["digit_bits"] = draw(st.integers(min(3, bits), min(8, bits)))
    if engine == "auto":
        # One key per cycle is what a sorted queue sustains, however short the packets.
        section["rate"] = draw(st.integers(0, 1)) if lanes == 1 and order == "rank" else 0
        section["rate_keys"] = draw(st.sampled_from(["any", "random"]))
    return section

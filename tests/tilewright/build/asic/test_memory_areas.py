"""Files of areas of memories: what is read, and every mistake with its place."""

from pathlib import Path

import pytest

from tilewright.build.synth.memory_areas import (
    MemoryArea,
    MemoryAreas,
    parse_memory_areas,
    read_memory_areas,
)
from tilewright.spec import SpecError

GOOD = """\
tilewright_memory_areas: 1
source: a data sheet
memories:
  - {words: 512, bits: 128, um2: 61000}
  - {module: mine_ring, um2: 9500.5}
"""


def test_entries_by_size_and_by_module(tmp_path: Path) -> None:
    path = tmp_path / "areas.yaml"
    path.write_text(GOOD)
    areas = read_memory_areas(path)
    ring = MemoryArea(module="mine_ring", um2=9500.5)
    assert areas == MemoryAreas(
        entries=(MemoryArea(words=512, bits=128, um2=61000.0), ring), source="a data sheet"
    )
    found = areas.find(words=512, bits=128, module="other")
    assert found is not None and found.um2 == 61000
    assert areas.find(words=512, bits=128, module="mine_ring") == ring  # the closer one
    assert areas.find(words=128, bits=512, module="other") is None
    assert [entry.text for entry in areas.entries] == ["512 x 128", "mine_ring"]


def test_a_file_may_have_no_memories() -> None:
    assert parse_memory_areas("tilewright_memory_areas: 1\nmemories: []\n", "a.yaml").entries == ()


BAD = {
    "empty": ("", ["1:1: error: is empty"]),
    "no mapping": ("[]", ["1:1: error: must be a list of `key: value` lines"]),
    "another version": (
        "tilewright_memory_areas: 2\nmemories: []\n",
        ["1:26: error: tilewright_memory_areas: must be"],
    ),
    "an unknown key": (
        "tilewright_memory_areas: 1\nmemory: []\nmemories: []\n",
        ["2:1: error: memory: "],
    ),
    "values": (
        "tilewright_memory_areas: 1\nmemories:\n  - {words: 0, bits: x, um2: -1}\n  - 3\n",
        ["3:13: error: memories[0].words", "3:22: error: memories[0].bits",
         "3:30: error: memories[0].um2: must be above 0", "4:5: error: memories[1]: must be"],
    ),
    "endless": (
        "tilewright_memory_areas: 1\nmemories:\n  - {words: 1, bits: 1, um2: .inf}\n",
        ["3:30: error: memories[0].um2"],
    ),
    "half a size": (
        "tilewright_memory_areas: 1\nmemories:\n  - {um2: 1}\n  - {words: 1, um2: 2}\n"
        "  - {words: 1, bits: 2, module: a, um2: 2}\n",
        ["3:5: error: memories[0]: must have words and bits, or module",
         "4:5: error: memories[1]: must have", "5:5: error: memories[2]: must have"],
    ),
    "twice": (
        GOOD + "  - {words: 512, bits: 128, um2: 5}\n",
        ["6:5: error: memories[2]: must stand once, entry 0 is the same memory"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_mistakes_are_told_all_at_once(case: str) -> None:
    text, told = BAD[case]
    with pytest.raises(SpecError) as caught:
        parse_memory_areas(text, "a.yaml")
    heads = [line for line in str(caught.value).splitlines() if line.startswith("a.yaml:")]
    assert len(heads) == len(told), heads
    for line, start in zip(heads, told, strict=True):
        assert line.startswith(f"a.yaml:{start}"), line


def test_too_many_entries() -> None:
    lines = "".join(f"  - {{words: {n + 1}, bits: 1, um2: 1}}\n" for n in range(1001))
    with pytest.raises(SpecError, match="at most 1000 entries"):
        parse_memory_areas(f"tilewright_memory_areas: 1\nmemories:\n{lines}", "a.yaml")

"""Areas of memories that a user gives, from a small file: synthesis of cells knows none.

    tilewright_memory_areas: 1
    source: data sheet of the RAM compiler, typical corner
    memories:
      - {words: 512, bits: 128, um2: 61000}
      - {module: digits_mlp_parameters, um2: 9500.5}

An entry says the area of one memory of this size, or of each memory of this Verilog module.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from tilewright.spec.kinds import Kind, Section, mistake, text, whole
from tilewright.spec.sections.base import Conflict
from tilewright.spec.table import TableSection, load_table, parse_table

__all__ = ["MemoryArea", "MemoryAreas", "parse_memory_areas", "read_memory_areas"]

MAX_ENTRIES = 1000
MAX_WORDS = 1 << 30
MAX_BITS = 1 << 16
MAX_UM2 = 1e9


@dataclass(frozen=True, kw_only=True)
class MemoryArea:
    """Area of one memory: of `words` of `bits`, or of the Verilog module `module`."""

    um2: float
    words: int | None = None
    bits: int | None = None
    module: str | None = None

    def fits(self, *, words: int, bits: int, module: str) -> bool:
        """Whether a memory of this size in this Verilog module is meant."""
        if self.module is not None:
            return self.module == module
        return (self.words, self.bits) == (words, bits)

    @property
    def text(self) -> str:
        """How the entry is called in messages."""
        return self.module if self.module is not None else f"{self.words} x {self.bits}"


@dataclass(frozen=True, kw_only=True)
class MemoryAreas:
    """All entries, and where the areas come from."""

    entries: tuple[MemoryArea, ...] = ()
    source: str = ""

    def find(self, *, words: int, bits: int, module: str) -> MemoryArea | None:
        """The entry for a memory; one by module is closer than one by size."""
        fitting = [e for e in self.entries if e.fits(words=words, bits=bits, module=module)]
        return min(fitting, key=lambda e: e.module is None, default=None)


def area() -> Kind:
    """A positive number of um2."""

    def convert(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise mistake("must be a number of um2")
        if not 0 < value <= MAX_UM2:
            raise mistake(f"must be above 0 and at most {MAX_UM2:g}")
        return float(value)

    return Kind(convert, {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_UM2})


def _to_tuple(value: object) -> object:
    if not isinstance(value, (list, tuple)):
        raise mistake("must be a list", "write `- {words: 512, bits: 64, um2: 20000}`")
    if len(value) > MAX_ENTRIES:
        raise mistake(f"must have at most {MAX_ENTRIES} entries")
    return tuple(value)


class AreaSection(Section):
    """One memory."""

    words: Annotated[int | None, whole(1, MAX_WORDS)] = Field(default=None, description="Words.")
    bits: Annotated[int | None, whole(1, MAX_BITS)] = Field(
        default=None, description="Bits of a word."
    )
    module: Annotated[str | None, text("the name of a module", 200)] = Field(
        default=None, description="Verilog module that holds the memory, instead of its size."
    )
    um2: Annotated[float, area()] = Field(description="Area of one such memory.")


class AreasTable(TableSection):
    """The whole file."""

    tilewright_memory_areas: Annotated[int, whole(1, 1)] = Field(description="Version of the form.")
    source: Annotated[str, text("where the areas come from", 400)] = Field(
        default="", description="Where the areas come from."
    )
    memories: Annotated[tuple[AreaSection, ...], BeforeValidator(_to_tuple)] = Field(
        description="A memory each."
    )

    def conflicts(self) -> Iterator[Conflict]:
        seen: dict[tuple[Any, ...], int] = {}
        for index, entry in enumerate(self.memories):
            given = entry.model_dump(exclude_none=True, exclude={"um2"})
            if given.keys() not in ({"words", "bits"}, {"module"}):
                yield Conflict(
                    path=("memories", index),
                    rule="must have words and bits, or module",
                    value=" and ".join(given) or "none of them",
                )
                continue
            key = (entry.words, entry.bits, entry.module)
            if key in seen:
                yield Conflict(
                    path=("memories", index),
                    rule=f"must stand once, entry {seen[key]} is the same memory",
                    value=f"entry {index}",
                )
            seen.setdefault(key, index)


def read_memory_areas(path: Path) -> MemoryAreas:
    """The entries of a file.

    Raises:
        SpecError: with all mistakes in it.
    """
    return _areas(load_table(path, AreasTable))


def parse_memory_areas(content: str, file: str) -> MemoryAreas:
    """The same from text; `file` is named in errors."""
    return _areas(parse_table(content, file, AreasTable))


def _areas(table: AreasTable) -> MemoryAreas:
    entries = tuple(
        MemoryArea(um2=entry.um2, words=entry.words, bits=entry.bits, module=entry.module)
        for entry in table.memories
    )
    return MemoryAreas(entries=entries, source=table.source)

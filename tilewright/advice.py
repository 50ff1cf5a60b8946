"""Which keys of a spec make a design smaller that is too large for its device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from tilewright.spec import AcceleratorSpec, KernelSpec, Spec

__all__ = ["ENGINE", "IMAGE", "NO_COUNTERS", "OUTSTANDING", "SCRATCHPAD", "Savings", "advice"]

ENGINE: Final = "engine"
SCRATCHPAD: Final = "scratchpad"
IMAGE: Final = "memory image"
NO_COUNTERS: Final = "counters"
OUTSTANDING: Final = "outstanding"
MEMORY: Final = ("ram_blocks", "large_ram_blocks")
LOGIC: Final = ("lut", "ff")

Savings = Mapping[str, Mapping[str, int]]
"""By what is changed (the names above) how much of each resource that saves at most."""


def advice(
    spec: Spec, resource: str, savings: Savings | None = None, *, has_image: bool = False
) -> str:
    """What to do for less of a resource, what saves most first where that is known.

    `has_image`: the memory image lies in RAM blocks of the device.
    """
    if isinstance(spec, KernelSpec):
        return f"lower {spec.kernel.shrinking(resource)}"
    told = list(_changes(spec, resource, has_image))
    if savings is None:
        return "; ".join(text for _, text in told)
    known = [(savings.get(name, {}).get(resource, 0), text) for name, text in told]
    known = sorted(((saved, text) for saved, text in known if saved), key=lambda item: -item[0])
    if not known:
        return advice(spec, resource, has_image=has_image)
    return "; ".join(f"{text} (up to {saved:,} less)" for saved, text in known)


def _changes(spec: AcceleratorSpec, resource: str, has_image: bool) -> Iterator[tuple[str, str]]:
    """What can be changed, and how."""
    section = spec.accelerator
    engine = next(iter(section.engines.values()))
    if resource in MEMORY and has_image:
        yield IMAGE, f"make the memory image smaller: {_image_keys(spec)}"
    if resource in MEMORY:
        yield SCRATCHPAD, "lower the capacity of the scratchpad"
    yield ENGINE, f"lower {engine.shrinking(resource)}"
    if resource in LOGIC and section.counters:
        yield NO_COUNTERS, "write `counters: false`"
    if resource in LOGIC and section.memory.outstanding > 1:
        yield OUTSTANDING, "lower `memory.outstanding`"


def _image_keys(spec: AcceleratorSpec) -> str:
    keys = []
    if spec.verify is not None and spec.verify.batch > 1:
        keys.append(f"a `verify.batch` below {spec.verify.batch}")
    if spec.accelerator.memory.alignment_bytes > spec.accelerator.word_bytes:
        keys.append("a smaller `memory.alignment`")
    return " or ".join([*keys, "a smaller model"])

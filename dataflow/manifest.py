"""`Manifest`: what a folder of generated files holds, for those who use or test it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .checks import at_least, distinct
from .serial import frozen_mapping

_SHA256 = re.compile(r"[0-9a-f]{64}")


def _require_sha256(name: str, value: str) -> None:
    if not _SHA256.fullmatch(value):
        raise ValueError(f"{name}: must be 64 hexadecimal digits, got {value!r}")


@dataclass(frozen=True, kw_only=True)
class File:
    """A file of the folder, by its relative `path`."""

    path: str
    sha256: str
    bytes: int

    def __post_init__(self) -> None:
        parts = self.path.split("/")
        if not self.path or self.path.startswith("/") or ".." in parts or "\\" in self.path:
            raise ValueError(f"file path: must lie inside the folder, got {self.path!r}")
        _require_sha256(f"file {self.path}: sha256", self.sha256)
        at_least(f"file {self.path}: bytes", self.bytes, 0)


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port of the top module."""

    name: str
    direction: Literal["input", "output"]
    bits: int

    def __post_init__(self) -> None:
        at_least(f"port {self.name}: bits", self.bits, 1)


@dataclass(frozen=True, kw_only=True)
class Register:
    """A register of the control port; `access` is `ro`, `rw`, `wo` or `w1c`."""

    name: str
    offset_bytes: int
    bits: int
    access: Literal["ro", "rw", "wo", "w1c"]
    description: str = ""

    def __post_init__(self) -> None:
        at_least(f"register {self.name}: offset_bytes", self.offset_bytes, 0)
        at_least(f"register {self.name}: bits", self.bits, 1)


@dataclass(frozen=True, kw_only=True)
class ModelPort:
    """An input or output of the model: where it lies in memory, and what its integers mean."""

    name: str
    address_bytes: int
    words: int
    shape: tuple[int, ...]
    number_format: str
    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    layout: str

    def __post_init__(self) -> None:
        at_least(f"{self.name}: address_bytes", self.address_bytes, 0)
        at_least(f"{self.name}: words", self.words, 1)


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Files with their hashes, the hardware's outside, the model's inputs and outputs, versions.

    `design` is `kernel` or `accelerator`; `memory_bytes` the size of an accelerator's memory image,
    `estimated_cycles` what one start takes by the cost laws (both 0 for a kernel).
    """

    name: str
    design: Literal["kernel", "accelerator"]
    files: tuple[File, ...]
    ports: tuple[Port, ...]
    parameters: Mapping[str, int | float | str | bool]
    clock: str
    reset: str
    registers: tuple[Register, ...]
    inputs: tuple[ModelPort, ...]
    outputs: tuple[ModelPort, ...]
    spec_sha256: str
    versions: Mapping[str, str]
    seed: int
    memory_bytes: int = 0
    estimated_cycles: int = 0
    notes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        distinct("files", (file.path for file in self.files))
        distinct("ports", (port.name for port in self.ports))
        distinct("registers", (register.name for register in self.registers))
        _require_sha256("spec_sha256", self.spec_sha256)
        for name in ("seed", "memory_bytes", "estimated_cycles"):
            at_least(name, getattr(self, name), 0)
        for name in ("parameters", "versions", "notes"):
            object.__setattr__(self, name, frozen_mapping(getattr(self, name)))

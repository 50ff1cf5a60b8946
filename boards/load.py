"""From the table files to `Board` and `Device`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TypeVar

from tilewright.spec import Diagnostic, SpecError
from tilewright.spec.diagnostics import suggestion
from tilewright.spec.sections.base import Conflict
from tilewright.spec.table import load_table

from .model import Board, BoardMemory, Clock, Device, Pin, Uart
from .table import OPEN_FAMILIES, BoardTable, DevicesTable, MemoryTable

FOLDER = Path(__file__).resolve().parent
ON_CHIP_SOURCE = "the device's own RAM; what the design itself takes of it is not deducted"


@cache
def board_names() -> tuple[str, ...]:
    """Names of all boards that come with the package, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


@cache
def devices() -> Mapping[str, Device]:
    """All devices by name."""
    found: dict[str, Device] = {}
    for path in sorted((FOLDER / "devices").glob("*.yaml")):
        table = load_table(path, DevicesTable)
        for name, entry in table.devices.items():
            found[name] = Device(
                name=name,
                family=table.family,
                lut=entry.lut,
                lut_inputs=table.lut_inputs,
                ff=entry.ff,
                dsp=entry.dsp,
                ram_blocks=entry.ram_blocks,
                ram_block_bits=table.ram_block_bits,
                large_ram_blocks=entry.large_ram_blocks,
                large_ram_block_bits=table.large_ram_block_bits,
                source=table.source,
            )
    return found


def device_names() -> tuple[str, ...]:
    """Names of all devices, sorted."""
    return tuple(sorted(devices()))


def load_device(name: str) -> Device:
    """The device of this name.

    Raises:
        SpecError: if there is none; the help names the likely one.
    """
    return _known(name, "device", devices())


@cache
def load_board(name: str) -> Board:
    """The board of this name, one of `board_names()`.

    Raises:
        SpecError: if there is none; the help names the likely one.
    """
    paths = {known: FOLDER / f"{known}.yaml" for known in board_names()}
    return load_board_file(_known(name, "board", paths))


def load_board_file(path: Path) -> Board:
    """A board from a table file: one of ours, or a user's.

    Raises:
        SpecError: with every mistake in the file, each with its place.
    """
    table = load_table(path, BoardTable, _device_conflicts)
    device = devices()[table.device]
    return Board(
        name=table.name,
        title=table.title,
        device=device,
        package=table.package,
        speed=table.speed,
        part=table.part,
        clock=_clock(table),
        uart=Uart(**table.uart.model_dump()) if table.uart else None,
        reset=_reset(table),
        leds=_leds(table),
        memories=tuple(_memory(n, entry, device) for n, entry in table.memories.items()),
        flow=table.flow,
        source=table.source,
    )


def _device_conflicts(table: BoardTable) -> Iterator[Conflict]:
    """Whether the device is known, and whether the open tools know its family."""
    device = devices().get(table.device)
    if device is None:
        help = suggestion(table.device, device_names(), "device")
        yield Conflict(path=("device",), rule="must be a name of the device tables", help=help)
        return
    if table.flow == "open" and device.family not in OPEN_FAMILIES:
        help = "write `flow: vivado`: limits and a project"
        yield Conflict(path=("flow",), rule=f"no open flow for family {device.family}", help=help)
    for name, memory in table.memories.items():
        if memory.kind == "large_ram" and not device.large_ram_blocks:
            rule = f"{device.name} has no large RAM"
            yield Conflict(path=("memories", name, "kind"), rule=rule)


def _clock(table: BoardTable) -> Clock:
    return Clock(
        pin=table.clock.pin or "",
        pin_n=table.clock.pin_n or "",
        frequency_hz=table.clock.frequency,
        io_standard=table.clock.io_standard or "",
        note=table.clock.note or "",
    )


def _reset(table: BoardTable) -> Pin | None:
    button = table.reset
    if button is None:
        return None
    return Pin(
        name=button.pin,
        io_standard=button.io_standard,
        is_inverted=button.is_inverted,
        pull=button.pull,
    )


def _leds(table: BoardTable) -> tuple[Pin, ...]:
    leds = table.leds
    if leds is None:
        return ()
    return tuple(
        Pin(name=pin, io_standard=leds.io_standard, is_inverted=leds.is_inverted)
        for pin in leds.pins
    )


def _memory(name: str, entry: MemoryTable, device: Device) -> BoardMemory:
    if entry.is_on_chip:
        capacity = device.ram_bytes if entry.kind == "block_ram" else device.large_ram_bytes
        source = entry.source or ON_CHIP_SOURCE
        return BoardMemory(name=name, kind=entry.kind, capacity_bytes=capacity, source=source)
    # The table's rules have seen to it that each of these is given.
    assert entry.capacity and entry.width_bits and entry.transfers
    assert entry.latency_ns and entry.source
    return BoardMemory(
        name=name,
        kind=entry.kind,
        capacity_bytes=entry.capacity,
        bytes_per_second=entry.width_bits * entry.transfers // 8,
        latency_seconds=entry.latency_ns * 1e-9,
        source=entry.source,
    )


Found = TypeVar("Found")


def _known(name: str, noun: str, known: Mapping[str, Found]) -> Found:
    if name in known:
        return known[name]
    help = suggestion(name, sorted(known), noun)
    rule = f"must be the name of a {noun}"
    raise SpecError([Diagnostic.plain(noun, "", rule, help, name)])

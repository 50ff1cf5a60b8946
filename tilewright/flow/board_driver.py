"""A design on a board, used over its link: load, start, wait, read."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilewright.boards.link.host import Link
from tilewright.boards.link.messages import Identity
from tilewright.build.accelerator_files import program_writes
from tilewright.dataflow.memory_map import memory_image, read_activations
from tilewright.dataflow.plan import MemoryTensor
from tilewright.errors import TilewrightError
from tilewright.hw.top import register_table

from .design import Design

__all__ = ["BoardRunError", "Driver", "Start", "WrongDesignError"]

START, SOFT_RESET = 1, 2
BUSY, DONE, ERROR = 1, 2, 4
EVENTS = 3
"""Both bits of the interrupt's enable and status."""
IDLE_SECONDS = 5.0
"""For a run that a host left behind; then the accelerator is reset."""


class WrongDesignError(TilewrightError):
    """Another design is on the board."""


class BoardRunError(TilewrightError):
    """The accelerator did not do what it should."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """One start: cycles by the accelerator's register, seconds until it was seen to be done."""

    cycles: int
    seconds: float
    outputs: Mapping[str, NDArray[Any]] = field(repr=False)


class Driver:
    """Uses `design` on the board at the other end of `link`.

    Nothing that an earlier program left matters: `open` finds out what is there, and every start
    sets all that it depends on.
    """

    def __init__(self, link: Link, design: Design, *, limit_seconds: float) -> None:
        self.link = link
        self.design = design
        self._limit_seconds = limit_seconds
        table = register_table(design.config)
        self._offset = {register.name: register.offset for register in table.registers}
        self._word_bytes = design.machine.word_bytes

    def open(self) -> None:
        """Begin, see that the board has this design, and wait for or end what it is doing.

        Raises:
            WrongDesignError: if it is another design. LinkError: as `Link.open`.
        """
        self._check(self.link.open())
        deadline = time.monotonic() + IDLE_SECONDS
        while self._read("status") & BUSY:
            if time.monotonic() > deadline:
                self.link.reset()
                break
        self._write("control", SOFT_RESET)
        if self._read("status"):
            self.link.reset()
        if self._read("status"):
            raise BoardRunError(f"{self.design.name}: the accelerator is not idle after a reset")

    def _check(self, identity: Identity) -> None:
        """Whether the board has this design; what differs if not."""
        design, config = self.design, self.design.config
        differences = [
            f"{what}, this spec {wanted}"
            for is_alike, what, wanted in (
                (identity.spec_hash == config.spec_hash,
                 f"it is {identity.spec_hash:08x}", f"is {config.spec_hash:08x}"),
                (identity.memory_bytes >= design.memory_bytes,
                 f"it has {identity.memory_bytes:,} bytes of memory",
                 f"needs {design.memory_bytes:,}"),
                (identity.unit_bytes == config.axi.data_bytes,
                 f"its memory port has {identity.unit_bytes} bytes",
                 f"has {config.axi.data_bytes}"),
            )
            if not is_alike
        ]  # fmt: skip
        if differences:
            raise WrongDesignError(
                f"{design.name}: the board has another design: {'; '.join(differences)}",
                help="make and load the bitstream of this spec; spec, model and batch belong to it",
            )

    def load_constants(self) -> int:
        """Weights, parameters and, of a programmable accelerator, the program; bytes written."""
        design = self.design
        zeros = {t.name: np.zeros(t.shape, t.number_format) for t in design.graph.inputs}
        image = memory_image(design.graph, design.plan, design.machine, zeros)
        results = {name for op in design.graph.ops for name in op.outputs}
        inputs = {tensor.name for tensor in design.graph.inputs}
        num_bytes = 0
        for place in design.plan.memory:
            if place.tensor not in results | inputs:
                num_bytes += self._write_words(image, place.base_words, place.words)
        for offset, values in _runs(program_writes(design)):
            self.link.write_registers(offset, values)
            num_bytes += 4 * len(values)
        return num_bytes

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> Start:
        """One start on quantised inputs.

        Raises:
            BoardRunError: if it does not finish, or says that something went wrong.
        """
        design = self.design
        image = memory_image(design.graph, design.plan, design.machine, inputs)
        for tensor in design.graph.inputs:
            place = self._place(tensor.name)
            self._write_words(image, place.base_words, place.words)
        self._write("memory_base_low", 0)
        if "memory_base_high" in self._offset:
            self._write("memory_base_high", 0)
        self._write("irq_enable", EVENTS)
        self._write("irq_status", EVENTS)
        self._write("control", SOFT_RESET)
        if self._read("status"):
            raise BoardRunError(f"{design.name}: the accelerator is not idle before a start")
        started = time.monotonic()
        self._write("control", START)
        self._wait(started)
        seconds = time.monotonic() - started
        low = self._read("cycles_low")
        return Start(
            cycles=low | self._read("cycles_high") << 32,
            seconds=seconds,
            outputs={tensor.name: self._output(tensor.name) for tensor in design.graph.outputs},
        )

    def _wait(self, started: float) -> None:
        while (status := self._read("status")) & BUSY or not status & DONE:
            if not status & BUSY:
                raise BoardRunError(f"{self.design.name}: the start was not taken")
            if time.monotonic() - started > self._limit_seconds:
                self.link.reset()
                raise BoardRunError(
                    f"{self.design.name}: not done after {self._limit_seconds:.0f} s"
                )
        if status & ERROR:
            errors = self._read("errors")
            raise BoardRunError(f"{self.design.name}: the accelerator tells errors {errors:#x}")

    def _output(self, name: str) -> NDArray[Any]:
        """An output tensor from the board's memory."""
        design, place = self.design, self._place(name)
        image = np.zeros((design.plan.memory_words, self._word_bytes), np.uint8)
        data = self.link.read_memory(
            place.base_words * self._word_bytes, place.words * self._word_bytes
        )
        words = np.frombuffer(data, np.uint8).reshape(-1, self._word_bytes)
        image[place.base_words : place.base_words + place.words] = words
        return read_activations(image, design.graph, design.plan, design.machine, name)

    def _place(self, name: str) -> MemoryTensor:
        return next(place for place in self.design.plan.memory if place.tensor == name)

    def _write_words(self, image: NDArray[np.uint8], base: int, count: int) -> int:
        data = image[base : base + count].tobytes()
        self.link.write_memory(base * self._word_bytes, data)
        return len(data)

    def _read(self, register: str) -> int:
        return self.link.read_registers(self._offset[register])[0]

    def _write(self, register: str, value: int) -> None:
        self.link.write_registers(self._offset[register], [value])


def _runs(writes: Sequence[tuple[int, int]]) -> Iterator[tuple[int, list[int]]]:
    """Register writes joined where offsets follow each other."""
    start = 0
    values: list[int] = []
    for offset, value in writes:
        if values and offset != start + 4 * len(values):
            yield start, values
            values = []
        if not values:
            start = offset
        values.append(value)
    if values:
        yield start, values

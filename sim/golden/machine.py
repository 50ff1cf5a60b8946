"""Golden model of the machine: carries out a Program on a memory image, word by word, without time.

It shares no arithmetic with the hardware and none with the golden run of the Graph, so that the two
answers check the planner. Rows of a tile that no load has written hold what was there before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tilewright.dataflow.machine import Machine
from tilewright.dataflow.program import Command, Program
from tilewright.dataflow.tiling import ArrayShape, array_shape
from tilewright.dataflow.untimed import run_untimed
from tilewright.hw.lib.requantize_params import RequantizeParams

from .requantize import requantize

ENTRY_BYTES = 8


def run_program(
    program: Program,
    machine: Machine,
    image: NDArray[np.uint8],
    order: Callable[[list[str]], str] | None = None,
    seed: int = 0,
) -> NDArray[np.uint8]:
    """The memory after `program` ran on `image` (`[word][word_bytes]`).

    `order` chooses which unit steps next: a right program gives the same memory for every order.
    The scratchpad starts with random bytes made from `seed`.
    """
    state = MachineState(machine, image.copy(), seed)
    run_untimed(program, state.step, order)
    return state.memory


class MachineState:
    """Memory, scratchpad and the queues between the units of the array."""

    def __init__(self, machine: Machine, memory: NDArray[np.uint8], seed: int) -> None:
        pad = machine.scratchpad
        self.array: ArrayShape = array_shape(machine)
        self.memory = memory
        rng = np.random.default_rng(seed)
        size = (pad.banks * pad.words_per_bank, self.array.lanes)
        self.scratchpad: NDArray[np.uint8] = rng.integers(0, 256, size, np.uint8)
        self.a: deque[NDArray[np.int64]] = deque()
        self.b: deque[NDArray[np.int64]] = deque()
        self.parameters: deque[NDArray[np.uint8]] = deque()
        self.results: deque[NDArray[np.int64]] = deque()
        self.sums = np.zeros((self.array.rows, self.array.cols), np.int64)
        self.panel: NDArray[np.uint8] = np.zeros((0, ENTRY_BYTES), np.uint8)

    def step(self, unit: str, command: Command, counters: tuple[int, ...], start: int) -> None:
        """One step of a unit: a run, a k block, or the rows of a tile."""
        if command.operation == "load":
            self._load(command, counters)
        elif command.operation == "store":
            memory, local = self._run(command, counters)
            self.memory[memory, : self.array.lanes] = self.scratchpad[local]
        elif command.operation == "read":
            words = self.scratchpad[self._addresses(command, counters)].view(np.int8)
            (self.a if unit.endswith(".a") else self.b).append(words.astype(np.int64))
        elif command.operation == "write":
            self._write(command, counters)
        elif command.operation == "matmul":
            self._multiply(command, counters, start)
        else:
            self._accumulate(command, counters, start)

    def _run(self, command: Command, counters: tuple[int, ...]) -> tuple[slice, slice]:
        words = command.fields["run_words"]
        memory = _address(command, counters, "memory")
        local = _address(command, counters, "local")
        return slice(memory, memory + words), slice(local, local + words)

    def _load(self, command: Command, counters: tuple[int, ...]) -> None:
        memory, local = self._run(command, counters)
        assert memory.start >= 0 and memory.stop <= len(self.memory), "read outside the memory"
        if command.fields["target"] == 1:
            self.parameters.append(self.memory[memory])
        else:
            assert local.start >= 0 and local.stop <= len(self.scratchpad), "outside scratchpad"
            self.scratchpad[local] = self.memory[memory, : self.array.lanes]

    def _addresses(self, command: Command, counters: tuple[int, ...]) -> NDArray[np.int64]:
        inner = command.loops[0]
        first = _address(command, counters, "local")
        addresses = first + np.arange(inner.bound) * inner.stride("local")
        assert addresses.min() >= 0 and addresses.max() < len(self.scratchpad), "outside scratchpad"
        return addresses

    def _write(self, command: Command, counters: tuple[int, ...]) -> None:
        """Rows as they leave the core; the counter of loop 1 is the group of lanes."""
        cols = self.array.cols
        lanes = slice(counters[1] * cols, (counters[1] + 1) * cols)
        values = self.results.popleft().astype(np.int8).view(np.uint8)
        self.scratchpad[self._addresses(command, counters), lanes] = values

    def _multiply(self, command: Command, counters: tuple[int, ...], start: int) -> None:
        if start >= 3:
            self._take_parameters(command.loops[1].bound)
        if counters[0] == 0:
            self.sums[:] = 0
        self.sums += self.a.popleft() @ self.b.popleft().T
        if counters[0] == command.loops[0].bound - 1:
            self.results.append(self._requantize(command, counters[1]))

    def _accumulate(self, command: Command, counters: tuple[int, ...], start: int) -> None:
        """A k block of a weight-stationary array: a pass for each subblock of its lanes."""
        rows, cols = self.array.rows, self.array.cols
        if start >= 3:
            self._take_parameters(command.loops[2].bound)
        if counters[1] == 0:
            self.sums = np.zeros((command.loops[0].bound, cols), np.int64)
        for subblock in range(command.fields["subblocks"]):
            lanes = slice(subblock * rows, min((subblock + 1) * rows, self.array.lanes))
            operands, weights = self.a.popleft()[:, lanes], self.b.popleft()[:, :cols]
            self.sums = self.sums + operands @ weights[: operands.shape[1]]
        if counters[1] == command.loops[1].bound - 1:
            self.results.append(self._requantize(command, counters[2]))

    def _take_parameters(self, subpanels: int) -> None:
        words = self.parameters.popleft().reshape(subpanels, -1)
        used = words[:, : self.array.cols * ENTRY_BYTES]
        self.panel = np.ascontiguousarray(used).reshape(-1, ENTRY_BYTES)

    def _requantize(self, command: Command, subpanel: int) -> NDArray[np.int64]:
        cols = self.array.cols
        entries = np.ascontiguousarray(self.panel[subpanel * cols : (subpanel + 1) * cols])
        bias: NDArray[Any] = entries[:, :4].copy().view("<i4")[:, 0]
        scale: NDArray[Any] = entries[:, 4:].copy().view("<u4")[:, 0]
        return requantize(
            self.sums,
            bias.astype(np.int64),
            scale.astype(np.int64),
            RequantizeParams(),
            command.fields["zero_point"],
            command.fields["minimum"],
            command.fields["maximum"],
        )


def _address(command: Command, counters: tuple[int, ...], space: str) -> int:
    loops = zip(command.loops, counters, strict=True)
    return command.bases.get(space, 0) + sum(loop.stride(space) * n for loop, n in loops)

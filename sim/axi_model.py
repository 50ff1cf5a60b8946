"""AXI4 memory for Amaranth's simulator and for any stepped test: the same rules as `axi_memory.sv`.

A channel model is stepped once per clock cycle: its attributes are what it drives in a cycle,
`clock` takes what the manager drives in that cycle and moves on to the next.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

PAGE_BYTES = 4096

Stall = Callable[[str], bool]
"""Whether channel "ar", "r", "aw", "w" or "b" pauses in the next cycle."""


def no_stall(channel: str) -> bool:
    """Never pause."""
    return False


def random_stall(seed: int, probability: float, channels: str = "ar r aw w b") -> Stall:
    """Pause the named channels with a probability in each cycle."""
    generator = np.random.default_rng(seed)
    chosen = set(channels.split())
    return lambda channel: bool(generator.random() < probability) and channel in chosen


@dataclass(frozen=True, kw_only=True)
class MemoryTiming:
    """`latency` in cycles as in the architecture's section 8; bursts under way at most."""

    latency: int = 1
    outstanding: int = 8


@dataclass
class _Burst:
    address: int
    num_beats: int
    accepted: int
    beats_done: int = 0
    data: list[tuple[int, int]] = field(default_factory=list)


def _check_burst(address: int, last: int, data_bytes: int, size: int, burst: int) -> None:
    num_bytes = (last + 1) * data_bytes
    assert address % data_bytes == 0, f"unaligned address {address:#x}"
    assert 1 << size == data_bytes, f"beats of {1 << size} bytes, expected {data_bytes}"
    assert burst == 1, f"burst type {burst}, expected 1 (incrementing)"
    assert address // PAGE_BYTES == (address + num_bytes - 1) // PAGE_BYTES, (
        f"burst of {num_bytes} bytes at {address:#x} crosses 4 KiB"
    )


class ReadModel:
    """The subordinate's side of AR and R."""

    def __init__(
        self, memory: bytearray, data_bytes: int, timing: MemoryTiming, stall: Stall = no_stall
    ) -> None:
        self.memory, self.data_bytes, self.timing, self.stall = memory, data_bytes, timing, stall
        self.arready = self.rvalid = self.rlast = self.rresp = self.rdata = 0
        self.cycle = 0
        self.bad_addresses: set[int] = set()
        self._bursts: deque[_Burst] = deque()
        self._waiting: tuple[int, ...] | None = None

    def clock(
        self, *, arvalid: int, araddr: int, arlen: int, arsize: int, arburst: int, rready: int
    ) -> None:
        """One cycle."""
        request = (araddr, arlen, arsize, arburst) if arvalid else None
        if self._waiting is not None:
            assert request == self._waiting, f"AR changed: {self._waiting} -> {request}"
        self._waiting = request if request and not self.arready else None
        if self.rvalid and rready:
            self.rvalid = 0
            if self.rlast:
                self._bursts.popleft()
        if request and self.arready:
            _check_burst(araddr, arlen, self.data_bytes, arsize, arburst)
            self._bursts.append(_Burst(araddr, arlen + 1, self.cycle))
        self.cycle += 1
        self._drive()

    def _drive(self) -> None:
        head = self._bursts[0] if self._bursts else None
        is_due = head is not None and self.cycle >= head.accepted + self.timing.latency
        if head and is_due and not self.rvalid and not self.stall("r"):
            start = head.address + head.beats_done * self.data_bytes
            self.rdata = int.from_bytes(self.memory[start : start + self.data_bytes], "little")
            self.rresp = 2 if start in self.bad_addresses else 0
            head.beats_done += 1
            self.rvalid, self.rlast = 1, int(head.beats_done == head.num_beats)
        is_open = len(self._bursts) < self.timing.outstanding
        self.arready = int(is_open and not self.stall("ar"))


class WriteModel:
    """The subordinate's side of AW, W and B. A burst is in memory when its response is valid."""

    def __init__(
        self, memory: bytearray, data_bytes: int, timing: MemoryTiming, stall: Stall = no_stall
    ) -> None:
        self.memory, self.data_bytes, self.timing, self.stall = memory, data_bytes, timing, stall
        self.awready = self.wready = self.bvalid = self.bresp = 0
        self.cycle = 0
        self.bad_addresses: set[int] = set()
        self._open: deque[_Burst] = deque()
        self._done: deque[_Burst] = deque()
        self._waiting_address: tuple[int, ...] | None = None
        self._waiting_beat: tuple[int, ...] | None = None

    def clock(
        self,
        *,
        awvalid: int,
        awaddr: int,
        awlen: int,
        awsize: int,
        awburst: int,
        wvalid: int,
        wdata: int,
        wstrb: int,
        wlast: int,
        bready: int,
    ) -> None:
        """One cycle."""
        request = (awaddr, awlen, awsize, awburst) if awvalid else None
        beat = (wdata, wstrb, wlast) if wvalid else None
        if self._waiting_address is not None:
            assert request == self._waiting_address, "AW changed before it was accepted"
        if self._waiting_beat is not None:
            assert beat == self._waiting_beat, "W changed before it was accepted"
        self._waiting_address = request if request and not self.awready else None
        self._waiting_beat = beat if beat and not self.wready else None
        if self.bvalid and bready:
            self.bvalid = 0
            self._done.popleft()
        if request and self.awready:
            _check_burst(awaddr, awlen, self.data_bytes, awsize, awburst)
            self._open.append(_Burst(awaddr, awlen + 1, self.cycle))
        if beat and self.wready:
            self._take_beat(wdata, wstrb, wlast)
        self.cycle += 1
        self._drive()

    def _take_beat(self, wdata: int, wstrb: int, wlast: int) -> None:
        burst = self._open[0]
        burst.data.append((wdata, wstrb))
        is_last = len(burst.data) == burst.num_beats
        assert wlast == is_last, f"WLAST {wlast} at beat {len(burst.data)} of {burst.num_beats}"
        if is_last:
            burst.accepted = self.cycle
            self._done.append(self._open.popleft())

    def _drive(self) -> None:
        head = self._done[0] if self._done else None
        is_due = head is not None and self.cycle >= head.accepted + self.timing.latency
        if head and is_due and not self.bvalid and not self.stall("b"):
            self._commit(head)
            self.bvalid, self.bresp = 1, 2 if head.address in self.bad_addresses else 0
        is_open = len(self._open) + len(self._done) < self.timing.outstanding
        self.awready = int(is_open and not self.stall("aw"))
        self.wready = int(bool(self._open) and not self.stall("w"))

    def _commit(self, burst: _Burst) -> None:
        for beat, (word, strobe) in enumerate(burst.data):
            start = burst.address + beat * self.data_bytes
            for lane in range(self.data_bytes):
                if strobe >> lane & 1:
                    self.memory[start + lane] = word >> 8 * lane & 0xFF

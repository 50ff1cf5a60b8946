"""A channel that loses, doubles, changes and invents bytes, seeded: for tests of the link."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from .device import Device
from .frames import FLAG

__all__ = ["DeviceKilled", "DevicePort", "FaultRates", "damage"]


class DeviceKilled(Exception):
    """The host ends here: what it had sent so far has arrived, nothing more will."""


@dataclass(frozen=True, kw_only=True)
class FaultRates:
    """Probability per byte of each fault; `flag`: a flag is put in, which ends a frame."""

    drop: float = 0.0
    double: float = 0.0
    change: float = 0.0
    insert: float = 0.0
    flag: float = 0.0


def damage(data: bytes, rates: FaultRates, draw: random.Random) -> bytes:
    """What arrives of `data`."""
    out = bytearray()
    for byte in data:
        if draw.random() < rates.insert:
            out.append(draw.randrange(256))
        if draw.random() < rates.flag:
            out.append(FLAG)
        if draw.random() < rates.drop:
            continue
        if draw.random() < rates.change:
            byte ^= 1 << draw.randrange(8)
        out.append(byte)
        if draw.random() < rates.double:
            out.append(byte)
    return bytes(out)


class DevicePort:
    """A host's port to a `Device` in the same process, through a damaged channel, in virtual time.

    `late` is the probability that an answer arrives only when the host has given up waiting for it:
    then it is there before the answer to the next request. `kill_after` bytes sent by the host,
    `DeviceKilled` is raised; what the board had answered stays for the next host.
    """

    def __init__(
        self,
        device: Device,
        *,
        rates: FaultRates | None = None,
        late: float = 0.0,
        seed: int = 1,
        kill_after: int | None = None,
    ) -> None:
        self.device = device
        self.seconds = 0.0
        self.kill_after = kill_after
        self._rates, self._late = rates or FaultRates(), late
        self._draw = random.Random(seed)
        self._coming = b""
        self._held = b""

    @property
    def now(self) -> Callable[[], float]:
        """The clock for `Link`."""
        return lambda: self.seconds

    def write(self, data: bytes) -> None:
        """Send to the board."""
        is_last = self.kill_after is not None and len(data) >= self.kill_after
        data = data[: self.kill_after] if is_last else data
        if self.kill_after is not None:
            self.kill_after -= len(data)
        answer = self.device.take(damage(data, self._rates, self._draw))
        arrived = damage(answer, self._rates, self._draw)
        if self._draw.random() < self._late:
            self._held += arrived
        else:
            self._coming += self._held + arrived
            self._held = b""
        if is_last:
            raise DeviceKilled

    def read(self, seconds: float) -> bytes:
        """A few of the bytes that have come; without any, time passes."""
        if not self._coming:
            self.seconds += seconds
            self._coming, self._held = self._held, b""
            return b""
        count = self._draw.randrange(1, 64)
        data, self._coming = self._coming[:count], self._coming[count:]
        return data

    def successor(self, *, kill_after: int | None = None) -> DevicePort:
        """The port of the next host: bytes that were on their way to the last one are there."""
        port = DevicePort(
            self.device,
            rates=self._rates,
            late=self._late,
            seed=self._draw.randrange(1 << 30),
            kill_after=kill_after,
        )
        port._coming = self._held + self._coming
        return port

"""Serial ports: the board's end of the cable, as a stream of bytes."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tilewright.boards.link.host import LinkError
from tilewright.errors import TilewrightError, ToolError

if TYPE_CHECKING:
    from tilewright.boards.link.host import Port

__all__ = ["PortError", "SerialPort", "open_port"]

_PORT_ERRORS: tuple[type[Exception], ...] = (OSError,)
try:
    import termios
except ImportError:  # not POSIX
    pass
else:
    _PORT_ERRORS = (OSError, termios.error)

STEP_SECONDS: Final = 0.02
"""How often a read looks whether its time is up; a byte that comes ends the wait at once."""
WRITE_SECONDS: Final = 10.0


class PortError(TilewrightError):
    """The serial port cannot be used."""


class SerialPort:
    """A `boards.link.host.Port` over pyserial."""

    def __init__(self, serial: Any) -> None:
        self._serial = serial

    def write(self, data: bytes) -> None:
        """Send all of it."""
        import serial

        try:
            self._serial.write(data)
        except (OSError, serial.SerialException) as error:
            raise LinkError(f"the port no longer takes bytes: {error}") from error

    def read(self, seconds: float) -> bytes:
        """What has come; waits for the first byte up to `seconds`."""
        import serial

        deadline = time.monotonic() + seconds
        try:
            while True:
                data = bytes(self._serial.read(max(1, self._serial.in_waiting)))
                if data or time.monotonic() >= deadline:
                    return data
        except (OSError, serial.SerialException) as error:
            raise LinkError(f"the port is gone (unplugged?): {error}") from error


@contextlib.contextmanager
def open_port(name: str, baud: int) -> Iterator[Port]:
    """The serial port `name` (`/dev/ttyUSB0`, `COM3`), ours alone while it is open.

    Raises:
        ToolError: if pyserial is missing. PortError: if the port is not there, not ours, or busy.
    """
    try:
        import serial
    except ImportError as error:
        raise ToolError(
            "no Python package serial", help="pip install 'tilewright[boards]'"
        ) from error
    try:
        port = serial.Serial(
            name, baud, timeout=STEP_SECONDS, write_timeout=WRITE_SECONDS, exclusive=True
        )
    except (OSError, serial.SerialException, ValueError) as error:
        raise _cannot_open(name, baud, error) from error
    with port:
        _hurry(port)
        _forget_input(port, name)
        yield SerialPort(port)


def _hurry(port: Any) -> None:
    """USB adapters hold bytes back for milliseconds, unless the system can tell them not to."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(ValueError):  # pyserial's answer for a port that is no such adapter
        port.set_low_latency_mode(True)


def _forget_input(port: Any, name: str) -> None:
    """What came before we opened the port is not for us."""
    try:
        port.reset_input_buffer()
    except _PORT_ERRORS as error:
        help = "is it still plugged in, and is it a serial port?"
        raise PortError(f"{name}: its input cannot be emptied: {error}", help=help) from error


def _cannot_open(name: str, baud: int, error: Exception) -> PortError:
    """Why a port cannot be opened, and which ports there are."""
    from serial.tools import list_ports

    number = getattr(error, "errno", None)
    found = sorted(entry.device for entry in list_ports.comports())
    ports = f"ports here: {', '.join(found)}" if found else "no serial port was found here"
    if number == 13:
        return PortError(f"{name}: permission denied", help="be a member of the group dialout")
    if number in (11, 16):
        return PortError(f"{name}: another program has it", help="end that program first")
    if not Path(name).exists():
        return PortError(f"{name}: no such port", help=ports)
    return PortError(f"{name}: cannot be opened at {baud:,} baud: {error}", help=ports)

"""A whole board under Verilator behind a pseudo terminal, for the driver of real boards."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tilewright.boards.link.host import LinkError
from tilewright.build import verilator
from tilewright.build.board_port import open_port
from tilewright.build.cache import BuildCache
from tilewright.build.compiled import compiled
from tilewright.build.model import bench_source
from tilewright.build.process import (
    ProcessError,
    ProcessResult,
    describe_returncode,
    running,
)
from tilewright.build.verilator import BuildOptions
from tilewright.errors import TilewrightError

if TYPE_CHECKING:
    from tilewright.boards.link.host import Port

__all__ = ["build_board", "simulated_board"]

MAIN: Final = "board_main.cpp"
PROGRAM: Final = "board"
START_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.02
END_SECONDS: Final = 2.0


def build_board(sources: Mapping[str, str], top: str, *, cache: BuildCache | None = None) -> Path:
    """The simulator program of the board whose top module is `top`: ports clk, rx, tx,
    and reset where it has a button.

    `sources`: file name to Verilog. Compiled once, then taken from the cache. Raises `ToolError`
    for a missing tool, `ProcessError` with the compiler's words.
    """
    toolchain = verilator.find_toolchain()
    options = BuildOptions(top=top, has_timing=False)
    texts = {**sources, MAIN: bench_source(MAIN)}
    files = [name for name in texts if Path(name).suffix in (".v", ".sv")]
    translate = [toolchain.perl, str(toolchain.root / "bin" / "verilator")]
    translate += ["-cc", "--exe", "-Mdir", ".", "--top-module", top, "-O3"]
    translate += ["--prefix", verilator.PREFIX, "-o", PROGRAM, "--no-timing"]
    translate += ["-CFLAGS", "-std=c++20", "-Wno-fatal", "-Wno-lint", "-Wno-style", MAIN, *files]
    folder, _ = compiled(texts, translate, options, cache=cache)
    return folder / PROGRAM


@contextlib.contextmanager
def simulated_board(
    program: Path,
    *,
    divisor: int,
    baud: int,
    has_low_button: bool = False,
    log_path: Path | None = None,
) -> Iterator[Port]:
    """Start a board and open the port that it is on; it ends with the `with` block.

    `divisor`: the board's clock cycles per bit. `has_low_button`: a low pin means that the reset
    button is pressed, which nobody does. `log_path` keeps what it says of its cycles.
    """
    if sys.platform != "linux":
        raise TilewrightError("a simulated board needs a pseudo terminal: Linux only")
    with tempfile.TemporaryDirectory(prefix="tilewright-board-") as name:
        folder = Path(name)
        place = folder / "port.txt"
        argv = [str(program), str(place), str(divisor), str(int(has_low_button))]
        log = log_path or folder / "board.log"
        with running(argv, cwd=folder, log_path=log) as outcome:
            deadline = time.monotonic() + START_SECONDS
            while not place.exists():
                ended = outcome()
                if ended is not None or time.monotonic() > deadline:
                    tail = ended.tail if ended is not None else ""
                    raise ProcessError(
                        "the simulated board did not start", argv=argv, tail=tail, log_path=log_path
                    )
                time.sleep(POLL_SECONDS)
            with open_port(place.read_text().strip(), baud) as port:
                yield _WatchedPort(port, outcome, log_path)


class _WatchedPort:
    """A port whose other end is our own process: when that ends, nobody has unplugged anything."""

    def __init__(
        self, port: Port, outcome: Callable[[], ProcessResult | None], log_path: Path | None
    ) -> None:
        self._port, self._outcome, self._log_path = port, outcome, log_path

    def write(self, data: bytes) -> None:
        """Send all of it."""
        try:
            self._port.write(data)
        except LinkError as error:
            raise self._reason(error) from error

    def read(self, seconds: float) -> bytes:
        """What has come; waits for the first byte up to `seconds`."""
        try:
            data = self._port.read(seconds)
        except LinkError as error:
            raise self._reason(error) from error
        if not data and (ended := self._outcome()) is not None:
            raise self._ended(ended)
        return data

    def _reason(self, error: LinkError) -> Exception:
        """The end of the process, which may be a moment behind that of its terminal."""
        deadline = time.monotonic() + END_SECONDS
        while (ended := self._outcome()) is None and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return error if ended is None else self._ended(ended)

    def _ended(self, ended: ProcessResult) -> ProcessError:
        words = describe_returncode(ended.returncode)
        return ProcessError(
            f"the simulated board {words}",
            argv=ended.argv,
            tail=ended.tail,
            log_path=self._log_path,
        )

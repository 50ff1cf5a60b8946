"""A simulated board that ends by itself: nobody has unplugged anything."""

import sys
from pathlib import Path

import pytest
from tilewright.boards.link.host import Link, LinkTiming

from tilewright.build.board_simulation import simulated_board
from tilewright.build.process import ProcessError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs a pseudo terminal")
BOARD = """\
#!{python}
import os, signal, sys, tty
leader, follower = os.openpty()
tty.setraw(follower)
open(sys.argv[1] + ".partial", "w").write(os.ttyname(follower))
os.rename(sys.argv[1] + ".partial", sys.argv[1])
print("a word before the end", flush=True)
{last}
"""


@pytest.mark.parametrize(
    ("last", "told"),
    [
        ("os.read(leader, 1); sys.exit(3)", "ended with code 3"),
        ("os.read(leader, 1); os.kill(os.getpid(), signal.SIGSEGV)", "was ended by SIGSEGV"),
    ],
)
def test_the_end_of_its_process_is_told(tmp_path: Path, last: str, told: str) -> None:
    program = tmp_path / "board"
    program.write_text(BOARD.format(python=sys.executable, last=last))
    program.chmod(0o755)
    timing = LinkTiming(answer_seconds=0.5, attempts=20)
    with (
        pytest.raises(ProcessError, match=f"the simulated board {told}") as error,
        simulated_board(program, divisor=4, baud=1_000_000) as port,
    ):
        Link(port, timing=timing).open()
    assert "a word before the end" in error.value.tail
    assert "unplugged" not in str(error.value)

"""The ledger as a file: exclusive, repaired, never half written."""

import errno
import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tilewright.dse.ledger import Record, content_key

from tilewright.build import ledger as ledger_file
from tilewright.build.ledger import LEDGER, LedgerBusyError, open_ledger, read_ledger
from tilewright.errors import OutputError

CONTEXT = {"tilewright": "1"}


def record(number: int) -> Record:
    return Record(key=content_key(number), body={"status": "done", "number": number})


def fill(folder: Path, numbers: range) -> None:
    with open_ledger(folder, CONTEXT) as ledger:
        for number in numbers:
            ledger.append([record(number)])


def test_records_are_resumed(tmp_path: Path) -> None:
    fill(tmp_path, range(3))
    fill(tmp_path, range(3, 5))
    with open_ledger(tmp_path, CONTEXT) as ledger:
        assert [r.body["number"] for r in ledger.records.values()] == [0, 1, 2, 3, 4]
        assert ledger.get(content_key(2)) == record(2)
        assert ledger.get("x") is None
        with pytest.raises(ValueError, match="already"):
            ledger.append([record(2)])
    assert len(read_ledger(tmp_path).records) == 5


def test_a_torn_tail_is_repaired(tmp_path: Path) -> None:
    fill(tmp_path, range(3))
    path = tmp_path / LEDGER
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        with open_ledger(tmp_path, CONTEXT) as ledger:
            num_whole = max(whole[:cut].count(b"\n") - 1, 0)
            assert len(ledger.records) == num_whole
            ledger.append([record(n) for n in range(num_whole, 3)])
        assert path.read_bytes() == whole, cut


def test_fresh_begins_anew(tmp_path: Path) -> None:
    fill(tmp_path, range(3))
    with open_ledger(tmp_path, {"tilewright": "2"}, is_fresh=True) as ledger:
        assert not ledger.records
    assert read_ledger(tmp_path).context == {"tilewright": "2"}


def test_another_version_and_damage_are_clear_errors(tmp_path: Path) -> None:
    fill(tmp_path, range(3))
    with (
        pytest.raises(OutputError, match="another version: tilewright: 1 there, 2 now") as caught,
        open_ledger(tmp_path, {"tilewright": "2"}),
    ):
        pass
    assert "`--fresh`" in caught.value.help
    path = tmp_path / LEDGER
    path.write_bytes(path.read_bytes().replace(b'"number":1', b'"number":6'))
    with (
        pytest.raises(OutputError, match=f"{re.escape(str(path))}: line 3 is not as"),
        open_ledger(tmp_path, CONTEXT),
    ):
        pass
    with pytest.raises(OutputError, match="cannot be read"):
        read_ledger(tmp_path / "nowhere")


def test_a_second_sweep_is_kept_out_and_let_in_later(tmp_path: Path) -> None:
    with (
        open_ledger(tmp_path, CONTEXT) as first,
        pytest.raises(LedgerBusyError, match=f"another sweep .*process {os.getpid()}"),
        open_ledger(tmp_path, CONTEXT),
    ):
        pass
    first_records = first.records
    with open_ledger(tmp_path, CONTEXT) as second:
        assert second.records == first_records


def test_a_full_disk_leaves_the_ledger_as_it_was(tmp_path: Path, monkeypatch) -> None:
    """Half of the line is written before the disk is full; then there is room again."""
    write = os.write

    def half(descriptor: int, data) -> int:
        if len(data) > 100:
            write(descriptor, bytes(data)[: len(data) // 2])
            raise OSError(errno.ENOSPC, "full")
        return write(descriptor, data)

    with open_ledger(tmp_path, CONTEXT) as ledger:
        ledger.append([record(0)])
        before = (tmp_path / LEDGER).read_bytes()
        monkeypatch.setattr(ledger_file.os, "write", half)
        with pytest.raises(OutputError, match="no space left"):
            ledger.append([record(1)])
        monkeypatch.undo()
        assert (tmp_path / LEDGER).read_bytes() == before
        ledger.append([record(1)])
    assert len(read_ledger(tmp_path).records) == 2


def test_an_interrupted_append_is_not_there(tmp_path: Path, monkeypatch) -> None:
    def interrupted(descriptor: int) -> None:
        raise KeyboardInterrupt

    with open_ledger(tmp_path, CONTEXT) as ledger:
        monkeypatch.setattr(ledger_file.os, "fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ledger.append([record(1)])
        monkeypatch.undo()
        ledger.append([record(1)])
    assert len(read_ledger(tmp_path).records) == 1


HOLDER = """
    import os, sys, time
    from pathlib import Path
    from tilewright.build.ledger import open_ledger
    with open_ledger(Path(sys.argv[1]), {"tilewright": "1"}) as ledger:
        child = os.fork()  # inherits the lock's descriptor
        if child == 0:
            print(os.getpid(), flush=True)  # it has let go of the lock
            time.sleep(60)
            os._exit(0)
        time.sleep(60)
"""


def test_the_lock_dies_with_its_process_even_if_its_children_live(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", textwrap.dedent(HOLDER), str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        child = int(holder.stdout.readline())
        try:
            with pytest.raises(LedgerBusyError), open_ledger(tmp_path, CONTEXT):
                pass
            holder.send_signal(signal.SIGKILL)
            holder.wait()
            os.kill(child, 0)  # it is alive
            with open_ledger(tmp_path, CONTEXT) as ledger:
                ledger.append([record(0)])
        finally:
            holder.kill()
            os.kill(child, signal.SIGKILL)

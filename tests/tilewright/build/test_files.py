"""Files are whole or absent, and a changed directory is not believed."""

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tilewright.build import files
from tilewright.errors import OutputError


def make_result(final: Path, text: str = "module top;\n") -> None:
    with files.output_directory(final, manifest={"name": "x"}) as (folder, manifest):
        (folder / "top.v").write_text(text)
        (folder / "sub").mkdir()
        (folder / "sub" / "image.hex").write_text("00\n")
        manifest["seed"] = 7


def write_half_and_fail(final: Path) -> None:
    with files.output_directory(final) as (folder, _):
        (folder / "half").write_text("half")
        raise ZeroDivisionError


def leftovers(parent: Path) -> list[str]:
    return sorted(path.name for path in parent.iterdir() if path.name.startswith("."))


def test_result_is_published_with_its_manifest(tmp_path: Path) -> None:
    final = tmp_path / "deep" / "out"
    make_result(final)
    contents = files.verify_directory(final)
    assert contents["name"] == "x"
    assert contents["seed"] == 7
    assert list(contents["files"]) == ["sub/image.hex", "top.v"]
    # sha256 of b"00\n", from outside (coreutils sha256sum)
    expected = subprocess.run(["sha256sum"], input=b"00\n", capture_output=True, check=True)
    assert contents["files"]["sub/image.hex"] == {
        "sha256": expected.stdout.split()[0].decode(),
        "bytes": 3,
    }
    assert leftovers(final.parent) == []


def test_same_contents_same_bytes(tmp_path: Path) -> None:
    make_result(tmp_path / "a")
    make_result(tmp_path / "b")
    names = [(tmp_path / name / files.MANIFEST).read_bytes() for name in "ab"]
    assert names[0] == names[1]


def test_an_exception_publishes_nothing_and_keeps_the_old_result(tmp_path: Path) -> None:
    final = tmp_path / "out"
    for _ in range(2):  # first without an old result, then with one
        with pytest.raises(ZeroDivisionError):
            write_half_and_fail(final)
        assert leftovers(tmp_path) == []
        if final.exists():
            assert files.verify_directory(final)["name"] == "x"
        else:
            make_result(final)


def test_an_older_result_is_replaced_whole(tmp_path: Path) -> None:
    final = tmp_path / "out"
    make_result(final)
    with files.output_directory(final) as (folder, _):
        (folder / "only.txt").write_text("new")
    assert list(files.verify_directory(final)["files"]) == ["only.txt"]
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("manifest", [None, "not json", "[]", '{"files": {}}'])
def test_a_directory_of_somebody_else_is_left_alone(tmp_path: Path, manifest: str | None) -> None:
    final = tmp_path / "thesis"
    final.mkdir()
    (final / "chapter.tex").write_text("years of work")
    if manifest is not None:
        (final / files.MANIFEST).write_text(manifest)
    with pytest.raises(OutputError, match="left alone"):
        make_result(final)
    assert (final / "chapter.tex").read_text() == "years of work"


def test_an_empty_directory_is_taken_and_a_file_is_not(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    make_result(tmp_path / "empty")
    files.verify_directory(tmp_path / "empty")
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="not a directory"):
        make_result(tmp_path / "file")
    with pytest.raises(OutputError, match="not a directory"):
        make_result(tmp_path / "file" / "below")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda final: (final / "top.v").write_text("module tap;\n"), "changed: top.v"),
        (lambda final: (final / "top.v").unlink(), "missing: top.v"),
        (lambda final: (final / "sub" / "more").write_text(""), "not listed: sub/more"),
        (lambda final: (final / files.MANIFEST).unlink(), "not a finished result"),
        (lambda final: os.truncate(final / files.MANIFEST, 20), "cannot be read"),
    ],
)
def test_a_changed_directory_is_not_believed(tmp_path: Path, change, problem: str) -> None:
    final = tmp_path / "out"
    make_result(final)
    change(final)
    with pytest.raises(OutputError, match=problem):
        files.verify_directory(final)


def test_disk_full_is_a_clean_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="no space left on the disk"):
        make_result(tmp_path / "out")
    with pytest.raises(OutputError, match="no space left on the disk"):
        files.write_file(tmp_path / "one", "text")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_disk_full_inside_the_block_is_a_clean_error(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="no space left on the disk"),
        files.output_directory(tmp_path / "out"),
    ):
        Path("/dev/full").write_text("x" * 100_000)
    assert list(tmp_path.iterdir()) == []


def test_an_error_that_is_not_about_writing_keeps_its_type(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), files.output_directory(tmp_path / "out"):
        (tmp_path / "absent").read_text()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_parent(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="permission denied"):
        make_result(tmp_path / "out")


def test_failed_publication_brings_the_old_result_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    final = tmp_path / "out"
    make_result(final)
    rename = Path.rename

    def fail_for_new(self: Path, target: Path) -> Path:
        if "partial" in self.name:
            raise OSError(errno.EROFS, "Read-only file system")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_for_new)
    with pytest.raises(OutputError, match="read-only"):
        make_result(final, "other")
    assert files.verify_directory(final)["name"] == "x"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_run_leaves_nothing_that_is_believed(
    tmp_path: Path, number: signal.Signals
) -> None:
    text = """
        import time
        from pathlib import Path
        from tilewright.build import files
        with files.output_directory(Path("out")) as (folder, _):
            (folder / "half.v").write_text("half")
            print("ready", flush=True)
            time.sleep(60)
    """
    command = [sys.executable, "-c", textwrap.dedent(text)]
    ours = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert ours.stdout is not None
    assert ours.stdout.readline() == b"ready\n"
    ours.send_signal(number)
    ours.wait(timeout=20)
    ours.stdout.close()
    assert not (tmp_path / "out").exists()
    for left in tmp_path.glob(".out.partial-*"):  # after SIGKILL; old enough to be removed
        os.utime(left, (0, 0))
    make_result(tmp_path / "out")
    assert leftovers(tmp_path) == []


def test_a_run_that_is_alive_keeps_its_files(tmp_path: Path) -> None:
    with files.output_directory(tmp_path / "out") as (folder, _):
        os.utime(folder, (0, 0))
        files.remove_stale(tmp_path / "out")
        assert folder.is_dir()
    young = tmp_path / ".out.partial-young"
    young.mkdir()
    files.remove_stale(tmp_path / "out")
    assert young.is_dir()


def test_manifest_keys_that_are_ours(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="files"), files.output_directory(tmp_path / "out") as out:
        out[1]["files"] = {}


def test_one_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.json"
    files.write_file(path, "one")
    files.write_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o400
    with pytest.raises(OutputError, match="exists already"):
        files.write_file(path, "three", overwrite=False)
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["report.json"]


def test_json_has_one_spelling_and_no_nan() -> None:
    assert files.to_json_bytes({"b": 1, "a": [2]}) == files.to_json_bytes({"a": [2], "b": 1})
    assert json.loads(files.to_json_bytes({"a": 1})) == {"a": 1}
    with pytest.raises(ValueError, match="JSON"):
        files.to_json_bytes(float("nan"))

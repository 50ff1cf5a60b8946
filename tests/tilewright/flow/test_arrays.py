"""Files of arrays may be anything: they are read, or the words say why not."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tilewright.flow.arrays import UnreadableArrays, load_arrays

SEED = 23
GOOD = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }\n"


def npy(header: str) -> bytes:
    """A file with this header and room for 12 values."""
    text = header.encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(48)


def npz(*, compressed: bool = False) -> bytes:
    buffer = io.BytesIO()
    save = np.savez_compressed if compressed else np.savez
    save(buffer, x=np.arange(12, dtype="f4").reshape(3, 4), y=np.zeros(3, "i8"))
    return buffer.getvalue()


def encrypted() -> bytes:
    """The flag of a password in the directory of the archive."""
    data = bytearray(npz())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def read(folder: Path, data: bytes) -> dict[str, np.ndarray]:
    (folder / "x.npz").write_bytes(data)
    return load_arrays(folder / "x.npz")


def test_both_forms(tmp_path: Path) -> None:
    assert list(read(tmp_path, npz())) == ["x", "y"]
    assert read(tmp_path, npy(GOOD))["x"].shape == (3, 4)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK",
        encrypted(),
        npy(GOOD.replace("(3, 4)", "(3, 4")),  # NumPy's reader ends in a TokenError
        npy(GOOD.replace("'<f4'", "('f4',)")),  # in an IndexError
        npy(GOOD.replace("(3, 4)", "(True,)")),  # in a TypeError
        npy(GOOD.replace("(3, 4)", f"({10**15},)")),  # in a MemoryError
        npy(GOOD.replace("'<f4'", "'|O'")),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(UnreadableArrays, match=r"cannot be read as \.npz: ."):
        read(tmp_path, data)


def test_a_file_within_an_archive_that_is_no_array(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("notes", "words")
    with pytest.raises(UnreadableArrays, match="notes is no array"):
        read(tmp_path, buffer.getvalue())


@pytest.mark.parametrize(
    "start", [npz(), npz(compressed=True), npy(GOOD)], ids=["npz", "compressed", "npy"]
)
def test_damaged_files_never_end_in_a_traceback(
    tmp_path: Path, start: bytes, damaged: Callable[..., bytes]
) -> None:
    random = np.random.default_rng(SEED)
    refused = 0
    for _ in range(700):
        data = damaged(random, start, [b"{", b"'", b"(", b"9", b"\x00", b"None"], 29)
        try:
            read(tmp_path, data)
        except UnreadableArrays:
            refused += 1
    assert refused > 300

"""Files that are whole or absent.

A result directory is written as a hidden sibling, gets its `manifest.json` last, is synced to disk
and then renamed. So a directory that has a manifest is complete, and `verify_directory` proves that
it still is. What is interrupted leaves only a hidden sibling, which the next run removes.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tilewright.errors import OutputError

MANIFEST: Final = "manifest.json"
MANIFEST_FORMAT: Final = 1
FORMAT_KEY: Final = "tilewright_manifest"
STALE_SECONDS: Final = 60.0

_REASONS: Final = {
    errno.ENOSPC: "no space left on the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EROFS: "the file system is read-only",
    errno.ENOTDIR: "a part of the path is a file, not a directory",
    errno.EEXIST: "a part of the path is a file, not a directory",
    errno.ENAMETOOLONG: "the name is too long",
}


def output_error(path: Path, error: OSError) -> OutputError:
    """The clean error for a failed write: what, why, and what to do."""
    reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
    return OutputError(f"{path}: cannot write: {reason}", help="choose another place with --out")


def is_write_error(error: OSError) -> bool:
    """Whether the disk or its permissions are in the way: the user's affair, not a bug."""
    return error.errno in _REASONS


def to_json_bytes(value: object) -> bytes:
    """Readable JSON with one spelling: same value, same bytes."""
    return (json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n").encode()


def sha256_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_file(path: Path, data: bytes | str, *, overwrite: bool = True) -> None:
    """Write one file so that a reader sees the old one or the new one, never a part."""
    raw = data.encode() if isinstance(data, str) else data
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.partial-", dir=path.parent)
    except OSError as error:
        raise output_error(path, error) from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fchmod(file.fileno(), 0o666 & ~_umask())
            os.fsync(file.fileno())
        if overwrite:
            temporary.replace(path)
        else:
            os.link(temporary, path)  # fails if it exists, also if it appeared just now
    except FileExistsError as error:
        raise OutputError(f"{path}: exists already", help="choose another name") from error
    except OSError as error:
        raise output_error(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write NumPy arrays as an `.npz` file, whole or not at all."""
    import io

    import numpy as np

    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_file(path, buffer.getvalue())


@contextlib.contextmanager
def output_directory(
    final: Path, *, manifest: Mapping[str, Any] | None = None
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield a directory to write into and the manifest's contents; publish both at the end.

    An exception inside publishes nothing and leaves what was at `final` as it was. An older result
    at `final` is replaced; a directory that is not one of ours is never touched.
    """
    final = final.absolute()
    contents = dict(manifest or {})
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        _refuse_foreign(final)
        remove_stale(final)
        partial = Path(tempfile.mkdtemp(prefix=f".{final.name}.partial-", dir=final.parent))
        partial.chmod(0o777 & ~_umask())
    except OSError as error:
        raise output_error(final, error) from error
    try:
        with _locked(partial):
            yield partial, contents
            write_manifest(partial, contents)
            _sync_tree(partial)
            _publish(partial, final)
    except OSError as error:
        if not is_write_error(error):  # not about writing: the caller's own affair
            raise
        raise output_error(final, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)  # gone already if it was published


def write_manifest(directory: Path, contents: Mapping[str, Any]) -> None:
    """Write `manifest.json` with the hash and size of every other file of the directory."""
    reserved = {"files", FORMAT_KEY} & contents.keys()
    if reserved:
        raise ValueError(f"these manifest keys are ours: {sorted(reserved)}")
    files = {
        name: {"sha256": sha256_file(directory / name), "bytes": (directory / name).stat().st_size}
        for name in _file_names(directory)
    }
    whole = {**contents, FORMAT_KEY: MANIFEST_FORMAT, "files": files}
    write_file(directory / MANIFEST, to_json_bytes(whole))


def read_manifest(directory: Path) -> dict[str, Any]:
    """The manifest's contents; `OutputError` if there is none or it is not one of ours."""
    path = directory / MANIFEST
    try:
        contents = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise OutputError(f"{directory}: no {MANIFEST}: not a finished result") from error
    except (OSError, ValueError) as error:
        raise OutputError(f"{path}: cannot be read: {error}") from error
    if not isinstance(contents, dict) or contents.get(FORMAT_KEY) != MANIFEST_FORMAT:
        raise OutputError(f"{path}: not a manifest of this version of tilewright")
    if not isinstance(contents.get("files"), dict):
        raise OutputError(f"{path}: lists no files")
    return contents


def verify_directory(directory: Path) -> dict[str, Any]:
    """Check every file against the manifest and return its contents.

    Raises `OutputError` that names each missing, changed or unlisted file.
    """
    contents = read_manifest(directory)
    listed: dict[str, dict[str, Any]] = contents["files"]
    present = set(_file_names(directory))
    problems = [f"missing: {name}" for name in sorted(listed.keys() - present)]
    problems += [f"not listed: {name}" for name in sorted(present - listed.keys())]
    for name in sorted(present & listed.keys()):
        if sha256_file(directory / name) != listed[name].get("sha256"):
            problems.append(f"changed: {name}")
    if problems:
        raise OutputError(
            f"{directory}: is not what its manifest says: " + "; ".join(problems),
            help="generate it again",
        )
    return contents


def remove_stale(final: Path) -> None:
    """Remove what interrupted runs left beside `final`; a run that is still alive holds a lock."""
    for pattern in (f".{final.name}.partial-*", f".{final.name}.old-*"):
        for left in final.parent.glob(pattern):
            is_new = time.time() - left.stat().st_mtime < STALE_SECONDS
            if is_new or not left.is_dir() or left.is_symlink():
                continue
            with contextlib.suppress(BlockingIOError), _locked(left):
                shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Hold the directory's lock; it is given up however the process ends."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _refuse_foreign(final: Path) -> None:
    if final.is_symlink() or (final.exists() and not final.is_dir()):
        raise OutputError(f"{final}: exists and is not a directory", help="choose another --out")
    if final.is_dir() and any(final.iterdir()):
        try:
            read_manifest(final)
        except OutputError as error:
            raise OutputError(
                f"{final}: holds files that tilewright did not write, so it is left alone",
                help="choose an empty or a new directory with --out",
            ) from error


def _publish(partial: Path, final: Path) -> None:
    """Rename into place; an older result steps aside first, and comes back if that fails."""
    old: Path | None = None
    if final.exists():
        old = Path(tempfile.mkdtemp(prefix=f".{final.name}.old-", dir=final.parent))
        final.rename(old)
    try:
        partial.rename(final)
    except OSError:
        if old is not None:
            old.rename(final)
        raise
    _sync(final.parent)
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)


def _file_names(directory: Path) -> list[str]:
    """Names of all files below, relative, with `/`, sorted, without the manifest itself."""
    found = (path for path in directory.rglob("*") if path.is_symlink() or not path.is_dir())
    names = (path.relative_to(directory).as_posix() for path in found)
    return sorted(name for name in names if name != MANIFEST)


def _sync_tree(directory: Path) -> None:
    for path in directory.rglob("*"):
        if not path.is_symlink():
            _sync(path)
    _sync(directory)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    value = os.umask(0o022)
    os.umask(value)
    return value

"""Content-keyed cache of build folders: atomic, safe between processes, limited in size.

An entry is one folder named by its key. It is made under a temporary name and renamed when it is
complete, so a folder with the right name is a complete one. A lock file per key makes other
processes wait for the one that builds.
"""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["BuildCache", "default_cache"]

_MARK = "complete"
_DEFAULT_LIMIT_BYTES = 4 << 30
# Precompiled headers and dependency lists: large, or of no use to a build that is never remade.
_DROPPED = ("*.gch", "*.d")
_STALE_SECONDS = 24 * 3600.0


@dataclass(frozen=True, kw_only=True)
class BuildCache:
    """Build folders under `root`, at most about `limit_bytes` of them, oldest use dropped first."""

    root: Path
    limit_bytes: int = _DEFAULT_LIMIT_BYTES

    def find(self, key: str) -> Path | None:
        """The folder of `key`, or None; a found one counts as used now."""
        entry = self.root / key
        if not (entry / _MARK).is_file():
            return None
        os.utime(entry)
        return entry

    def get(self, key: str, make: Callable[[Path], None]) -> tuple[Path, bool]:
        """The folder of `key` and whether it was there; else `make` fills a new one.

        If `make` raises, nothing is kept.
        """
        if (entry := self.find(key)) is not None:
            return entry, True
        self.root.mkdir(parents=True, exist_ok=True)
        with self._lock(key):
            if (entry := self.find(key)) is not None:  # another process was building it
                return entry, True
            self._make(key, make)
        self.shrink(keep=key)
        return self.root / key, False

    def _make(self, key: str, make: Callable[[Path], None]) -> None:
        entry = self.root / key
        if entry.exists():  # a name without the mark is the work of some other program
            shutil.rmtree(entry)
        work = Path(tempfile.mkdtemp(prefix=f"tmp-{key[:16]}-", dir=self.root))
        try:
            make(work)
            for path in [found for pattern in _DROPPED for found in work.glob(pattern)]:
                path.unlink()
            (work / _MARK).write_text(f"{_size_bytes(work)}\n")
            work.rename(entry)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def shrink(self, keep: str = "") -> None:
        """Drop the entries used longest ago until the rest fits the limit."""
        entries = []
        for path in self.root.iterdir():
            if path.name.startswith("tmp-"):
                _remove_if_stale(path)
            if path.is_dir() and (path / _MARK).is_file():
                size = int((path / _MARK).read_text() or 0)
                entries.append((path.stat().st_mtime, size, path))
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries, key=lambda entry: entry[0]):
            if total <= self.limit_bytes:
                break
            if path.name == keep:
                continue
            doomed = path.with_name(f"tmp-drop-{os.getpid()}-{path.name[:16]}")
            try:
                path.rename(doomed)
            except OSError:  # dropped by another process meanwhile
                continue
            shutil.rmtree(doomed, ignore_errors=True)
            total -= size

    @contextmanager
    def _lock(self, key: str) -> Iterator[None]:
        # The file stays: removing it would let two processes lock two files of one name.
        with (self.root / f"{key[:16]}.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def _remove_if_stale(path: Path) -> None:
    """A folder whose builder was killed; a running one is younger than the limit."""
    with suppress(FileNotFoundError):  # renamed or removed by its builder meanwhile
        if time.time() - path.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


def default_cache() -> BuildCache:
    """The cache of this user, or the one that `TILEWRIGHT_CACHE` names."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    root = os.environ.get("TILEWRIGHT_CACHE") or str(Path(home) / "tilewright")
    return BuildCache(root=Path(root) / "verilator")


def _size_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

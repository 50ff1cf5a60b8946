"""Fixtures that several folders of tests share."""

import importlib
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from tilewright.build.cache import BuildCache, default_cache
from tilewright.build.verilator import find_toolchain
from tilewright.errors import ToolError

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


def pytest_configure(config: pytest.Config) -> None:
    """A marker that skips with the reason; and programs started by tests can be interrupted.

    A background job may be started with SIGINT ignored, which its children would inherit.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "simulator: needs Verilator's C++ toolchain")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A missing tool is a skip with its reason."""
    if item.get_closest_marker("simulator") is None:
        return
    try:
        find_toolchain()
    except ToolError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def build_cache() -> BuildCache:
    """The cache of the user: its keys cover everything that a build depends on."""
    return default_cache()


@contextmanager
def _benchmarks() -> Iterator[Callable[[str], ModuleType]]:
    before = set(sys.modules)
    sys.path.insert(0, str(BENCHMARKS))
    yield importlib.import_module
    sys.path.remove(str(BENCHMARKS))
    for name in set(sys.modules) - before:
        path = getattr(sys.modules[name], "__file__", None)
        if path is not None and Path(path).is_relative_to(BENCHMARKS):
            del sys.modules[name]


@pytest.fixture
def benchmark_module() -> Iterator[Callable[[str], ModuleType]]:
    """Imports `NAME` or `parts.NAME` of the benchmarks; the test over, nothing of it is left."""
    with _benchmarks() as load:
        yield load


@pytest.fixture(scope="module")
def benchmark_modules() -> Iterator[Callable[..., SimpleNamespace]]:
    """`benchmark_modules("parts.resource_", "fit", "table")`: an object with these modules, for all
    tests of a file.
    """
    with _benchmarks() as load:
        yield lambda stem, *names: SimpleNamespace(**{n: load(f"{stem}{n}") for n in names})


@pytest.fixture
def damaged() -> Callable[..., bytes]:
    """`damaged(random, start, inserts, most)`: in one to three places a byte is another, up to
    `most` bytes are missing, or one of `inserts` is put in.
    """

    def damage(random: np.random.Generator, start: bytes, inserts: list[bytes], most: int) -> bytes:
        data = bytearray(start)
        for _ in range(int(random.integers(1, 4))):
            at = int(random.integers(0, len(data)))
            match int(random.integers(0, 3)):
                case 0:
                    data[at] = int(random.integers(0, 256))
                case 1:
                    del data[at : at + int(random.integers(1, most + 1))]
                case _:
                    data[at:at] = inserts[int(random.integers(0, len(inserts)))]
            data = data or bytearray(b"\n")
        return bytes(data)

    return damage


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A new folder for the files of one simulation."""
    return tmp_path / "run"

"""The wheel holds every file of the packages, data included, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("hw", "dataflow", "sim", "dse", "boards")
NOT_SHIPPED = {".pyc", ".md"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, str(ROOT / ".ci" / "build_wheel.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return zipfile.ZipFile(done.stdout.strip().splitlines()[-1])


def expected_names() -> set[str]:
    names = set()
    for top in ("tilewright", *FOLDERS):
        for path in (ROOT / top).rglob("*"):
            is_cache = "__pycache__" in path.parts
            if path.is_file() and path.suffix not in NOT_SHIPPED and not is_cache:
                name = path.relative_to(ROOT).as_posix()
                names.add(name if top == "tilewright" else f"tilewright/{name}")
    return names


def test_every_file_of_the_packages_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    missing, extra = expected_names() - names, names - expected_names()
    assert not missing, f"not in the wheel: {sorted(missing)}"
    assert not extra, f"only in the wheel: {sorted(extra)}"
    assert "tilewright/py.typed" in names


def test_every_folder_with_code_is_a_package() -> None:
    for top in ("tilewright", *FOLDERS):
        for path in (ROOT / top).rglob("*.py"):
            assert (path.parent / "__init__.py").is_file(), f"{path.parent} has no __init__.py"


def test_licence_and_command_are_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    for file in ("LICENSE", "NOTICE"):
        assert any(name.endswith(f".dist-info/licenses/{file}") for name in names), file
    scripts = next(name for name in names if name.endswith(".dist-info/entry_points.txt"))
    assert "tilewright = tilewright.cli:main" in wheel.read(scripts).decode()
    metadata = next(name for name in names if name.endswith(".dist-info/METADATA"))
    assert "License-Expression: Apache-2.0" in wheel.read(metadata).decode()


def test_pins_agree_with_the_constraints() -> None:
    """What pyproject pins is what was tested; constraints name no host and no path."""
    from tilewright.build.tools import parse_requirement, satisfies

    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all("==" in pin and "/" not in pin and "@" not in pin for pin in pins)
    tested = dict(pin.lower().replace("_", "-").split("==") for pin in pins)
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    for line in wanted:
        requirement = parse_requirement(line)
        assert requirement is not None
        name = requirement.name.lower().replace("_", "-")
        assert name in tested, f"{name} is not in constraints.txt"
        assert satisfies(tested[name], requirement.bounds), f"{line}: tested {tested[name]}"

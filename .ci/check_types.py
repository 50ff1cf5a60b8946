"""Runs mypy on a throw-away real install, and proves that it saw every file.

On an editable install mypy follows the mapping of folders to subpackages for one file only.
"""

import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """0 if mypy finds nothing and saw everything."""
    with tempfile.TemporaryDirectory(prefix="tilewright-types-") as name:
        site = Path(name)
        command = [sys.executable, str(ROOT / ".ci" / "build_wheel.py"), name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(done.stderr)
            return 1
        with zipfile.ZipFile(done.stdout.strip().splitlines()[-1]) as wheel:
            wheel.extractall(site)
        num_files = len(list((site / "tilewright").rglob("*.py")))
        command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml")]
        command += ["--cache-dir", str(ROOT / ".mypy_cache"), "-p", "tilewright"]
        done = subprocess.run(command, cwd=site, capture_output=True, text=True, check=False)
        print(done.stdout + done.stderr, end="")
    seen = re.search(r"(?:in|checked) (\d+) source files", done.stdout)
    if seen is None or int(seen[1]) != num_files:
        print(f"mypy saw {seen[1] if seen else 0} of {num_files} files")
        return 1
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())

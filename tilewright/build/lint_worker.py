"""Runs slang or yosys over one file and prints what they found, one JSON object per line.

A process of its own (`python -m tilewright.build.lint_worker slang|yosys FILE TOP`): both are
native libraries that may end the process or print as they like.
"""

import json
import re
import sys
from functools import partial
from typing import Any

MARK = "@finding "
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def main(arguments: list[str]) -> int:
    """Entry point; 0 if the tool did its work, whatever it found."""
    tool, file, top = arguments
    if not NAME.fullmatch(top) or not re.fullmatch(r"[A-Za-z0-9_.]+", file):
        raise ValueError(f"not a plain name: {file!r}, {top!r}")
    {"slang": _slang, "yosys": _yosys}[tool](file, top)
    _print(severity="done", code="", line=0, text="")
    return 0


def _print(**finding: Any) -> None:
    print(MARK + json.dumps(finding), flush=True)


def _slang(file: str, top: str) -> None:
    import pyslang.driver

    driver = pyslang.driver.Driver()
    driver.addStandardArgs()
    for step in (
        partial(driver.parseCommandLine, f"slang {file} --top {top}"),
        driver.processOptions,
        driver.parseAllSources,
    ):
        if not step():
            _print(severity="error", code="driver", line=0, text="slang could not read the text")
            return
    engine = driver.diagEngine
    compilation = driver.createCompilation()
    for diagnostic in compilation.getAllDiagnostics():
        severity = engine.getSeverity(diagnostic.code, diagnostic.location).name.lower()
        if severity in ("ignored", "note"):
            continue
        _print(
            severity="error" if severity in ("error", "fatal") else "warning",
            code=engine.getOptionName(diagnostic.code) or str(diagnostic.code),
            line=driver.sourceManager.getLineNumber(diagnostic.location),
            text=engine.formatMessage(diagnostic),
        )


def _yosys(file: str, top: str) -> None:
    from pyosys import libyosys

    design = libyosys.Design()
    for script in (f"read_verilog {file}", f"hierarchy -check -top {top}", "proc", "opt_clean"):
        libyosys.run_pass(script, design)
    libyosys.run_pass("check -assert", design)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

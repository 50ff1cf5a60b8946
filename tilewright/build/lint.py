"""Three independent tools over generated Verilog: Verilator, slang and yosys."""

import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tilewright.build import verilator
from tilewright.build.lint_worker import MARK
from tilewright.build.process import Limits, ProcessError, run

__all__ = ["ALLOWED", "Finding", "LintResult", "lint", "lint_page"]

Tool = Literal["verilator", "slang", "yosys"]

ALLOWED: Final[dict[tuple[Tool, str], str]] = {
    ("verilator", "DECLFILENAME"): "One file holds all modules of a design.",
    ("verilator", "PROCASSINIT"): (
        "Registers have an initial value and are assigned in a process: the power-up value that "
        "FPGAs load and that the reset repeats."
    ),
    ("verilator", "UNUSEDSIGNAL"): (
        "Amaranth names every member of an interface; bits that the design does not need remain "
        "as names without a reader."
    ),
    ("verilator", "UNUSEDPARAM"): "As for signals.",
    ("verilator", "WIDTHEXPAND"): (
        "Sums are written with operands of their own widths; Verilog extends them by the sign "
        "that they are declared with, as the generator meant. Cutting bits off is not allowed."
    ),
    ("verilator", "CASEINCOMPLETE"): (
        "What a case assigns is assigned before it, too: values without a branch keep that."
    ),
    ("verilator", "VARHIDDEN"): "A local name equals one further out; the nearer one is meant.",
}
"""Classes of warnings that may remain, and why. Everything else fails the check."""

_FILE: Final = "design.v"
_VERILATOR_LINE = re.compile(
    r"%(?P<severity>Warning|Error)(?:-(?P<code>[A-Z0-9]+))?: "
    r"(?:[^ :]+:(?P<line>\d+):\d+: )?(?P<text>.*)"
)
_YOSYS_LINE = re.compile(r"(?P<severity>Warning|ERROR): (?P<text>.*)")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One complaint of one tool; `line` counts from 1, 0 where the tool names none."""

    tool: Tool
    severity: Literal["error", "warning"]
    code: str
    line: int
    text: str

    @property
    def is_allowed(self) -> bool:
        """A warning of a class that may remain."""
        return self.severity == "warning" and (self.tool, self.code) in ALLOWED

    def __str__(self) -> str:
        return f"{self.tool}: {self.severity} {self.code} line {self.line}: {self.text}"


@dataclass(frozen=True, kw_only=True)
class LintResult:
    """What all tools said."""

    findings: tuple[Finding, ...]

    @property
    def problems(self) -> tuple[Finding, ...]:
        """Findings that are not allowed."""
        return tuple(finding for finding in self.findings if not finding.is_allowed)

    @property
    def is_clean(self) -> bool:
        """No tool found anything but allowed warnings."""
        return not self.problems

    @property
    def allowed_counts(self) -> dict[str, int]:
        """How often each allowed class came up."""
        return dict(Counter(f"{f.tool} {f.code}" for f in self.findings if f.is_allowed))


def lint(
    verilog: str, top: str, tools: Sequence[Tool] = ("verilator", "slang", "yosys")
) -> LintResult:
    """Check the text of a design with the module `top` as its root.

    A tool that does not finish its work is itself an error among the findings.
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", top):
        raise ValueError(f"not a plain Verilog name: {top!r}")
    findings: list[Finding] = []
    with tempfile.TemporaryDirectory(prefix="tilewright-lint-") as name:
        folder = Path(name)
        (folder / _FILE).write_text(verilog)
        for tool in tools:
            findings += _run_verilator(folder, top) if tool == "verilator" else []
            findings += _run_worker(folder, tool, top) if tool != "verilator" else []
    return LintResult(findings=tuple(findings))


def _run_verilator(folder: Path, top: str) -> Iterator[Finding]:
    toolchain = verilator.find_toolchain()
    command = [toolchain.perl, str(toolchain.root / "bin" / "verilator"), "--lint-only", "-Wall"]
    command += ["-Wno-fatal", "--top-module", top, _FILE]
    log, has_ended = _log(folder, "verilator", command, toolchain.environment())
    for line in log.splitlines():
        if found := _VERILATOR_LINE.match(line):
            yield Finding(
                tool="verilator",
                severity="error" if found["severity"] == "Error" else "warning",
                code=found["code"] or "",
                line=int(found["line"] or 0),
                text=found["text"],
            )
    if not has_ended:
        yield _unfinished("verilator", log)


def _run_worker(folder: Path, tool: Tool, top: str) -> Iterator[Finding]:
    command = [sys.executable, "-m", "tilewright.build.lint_worker", tool, _FILE, top]
    log, _ = _log(folder, tool, command, {})
    is_done = False
    for line in log.splitlines():
        if line.startswith(MARK):
            entry = json.loads(line.removeprefix(MARK))
            is_done |= entry["severity"] == "done"
            if entry["severity"] != "done":
                yield Finding(tool=tool, **entry)
        elif tool == "yosys" and (found := _YOSYS_LINE.match(line)):
            severity: Literal["error", "warning"]
            severity = "error" if found["severity"] == "ERROR" else "warning"
            yield Finding(tool=tool, severity=severity, code="", line=0, text=found["text"])
    if not is_done:
        yield _unfinished(tool, log)


def _log(
    folder: Path, tool: str, command: list[str], environment: dict[str, str]
) -> tuple[str, bool]:
    path = folder / f"{tool}.log"
    try:
        result = run(
            command,
            cwd=folder,
            log_path=path,
            extra_env=environment,
            limits=Limits(wall_seconds=300.0),
            check=False,
        )
    except ProcessError as error:
        return f"{error.message}\n{error.tail}", False
    return path.read_text(errors="replace"), result.is_good


def _unfinished(tool: Tool, log: str) -> Finding:
    tail = log.strip().splitlines()[-1:] or ["no output"]
    return Finding(tool=tool, severity="error", code="unfinished", line=0, text=tail[0])


def lint_page() -> str:
    """The text of `docs/lint.md`."""
    rows = [f"| {tool} | {code} | {reason} |" for (tool, code), reason in ALLOWED.items()]
    head = [
        "# Warnings that may remain in generated Verilog",
        "",
        "Generated Verilog passes `verilator --lint-only -Wall`, slang and yosys `check -assert`",
        "without errors. Classes of warnings that are allowed, all others fail the check:",
        "",
        "| tool | class | reason |",
        "|---|---|---|",
    ]
    return "\n".join([*head, *rows]) + "\n"

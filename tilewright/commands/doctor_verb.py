"""The verb `doctor`: the findings as a table, and what to type."""

import argparse

from tilewright.build.doctor import Finding, check_tools
from tilewright.commands.contract import Outcome
from tilewright.errors import EXIT_GOOD, EXIT_TOOL_MISSING


def doctor(options: argparse.Namespace) -> Outcome:
    """Everything that the verb `options.scope` needs; code 3 if something needed is missing."""
    findings = check_tools(options.scope)
    bad = [finding for finding in findings if not finding.is_good]
    end = [f"everything that `{options.scope}` needs is here"]
    if bad:
        end = [f"{options.scope} cannot work: {', '.join(f.name for f in bad)}; to install:"]
        end += [f"  {fix}" for fix in dict.fromkeys(f.fix for f in bad if f.fix)]
    optional = [f for f in findings if f.is_good and f.status == "missing"]
    end += [f"optional, for {f.purpose.partition(' ')[0]}: {f.fix}" for f in optional]
    return Outcome(
        text="\n".join([*table(findings), "", *end]),
        data={
            "ok": not bad,
            "for": options.scope,
            "findings": [finding.to_json() for finding in findings],
        },
        exit_code=EXIT_TOOL_MISSING if bad else EXIT_GOOD,
    )


def table(findings: list[Finding]) -> list[str]:
    """One line per tool: name, status, what was found, what it is for."""
    rows = [(f.name, _status(f), f.found or "-", f.purpose) for f in findings]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, (*widths, 0), strict=True)).rstrip()
        for row in rows
    ]


def _status(finding: Finding) -> str:
    return (
        f"{finding.status} (optional)"
        if finding.status == "missing" and finding.is_good
        else (finding.status)
    )

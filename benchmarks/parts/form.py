"""One form for all benchmarks: a table for readers, or one JSON object; exit code 1 if short."""

import argparse
import json
import os
import platform
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

Row = dict[str, Any]


def machine_line() -> str:
    """The machine in a line."""
    system = f"{platform.machine()} {platform.system()} Python {platform.python_version()}"
    return f"{system}, {os.cpu_count()} cores"


def arguments_of(text: str | None, **flags: str) -> argparse.Namespace:
    """The command line: `--json`, and a flag for each of `flags` with its help."""
    return parser_of(text, **flags).parse_args()


def parser_of(text: str | None, **flags: str) -> argparse.ArgumentParser:
    """The same, before it reads the command line: a benchmark may add options of its own."""
    parser = argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="one object on standard output")
    for name, help in flags.items():
        parser.add_argument(f"--{name}", action="store_true", help=help)
    return parser


def finish(
    rows: Sequence[Row],
    shortfalls: Sequence[str],
    *,
    as_json: bool,
    table: Callable[[Sequence[Row]], str],
    packages: Sequence[str],
) -> int:
    """Print the result in its form; the exit code."""
    if as_json:
        versions = {name: version(name) for name in ("tilewright", *packages)}
        report = {"rows": list(rows), "ok": not shortfalls, "machine": machine_line()}
        print(json.dumps(report | {"versions": versions}))
    else:
        print(table(rows))
        print("\n".join(f"falls short: {text}" for text in shortfalls) or "all goals met")
    return 1 if shortfalls else 0

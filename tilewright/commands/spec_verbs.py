"""Verbs that only read or write specs: `init`, `check`, `schema`. They load no heavy package."""

import argparse
from pathlib import Path
from typing import Final

from tilewright.commands.contract import Outcome
from tilewright.errors import UsageError

SCHEMA_FILE: Final = "tilewright.schema.json"


def init(options: argparse.Namespace) -> Outcome:
    """Write a commented spec, and beside it the schema that editors complete and check with."""
    from tilewright.build.files import to_json_bytes, write_file
    from tilewright.catalog import spec_sections
    from tilewright.spec import json_schema, parse_spec, spec_template

    folder = options.out or Path()
    text = spec_template(options.kind, options.name, schema=SCHEMA_FILE)
    if parse_spec(text, f"{options.name}.yaml").name != options.name:  # also refuses bad names
        raise UsageError(f"init: {options.name!r} is not a name")
    path = folder / f"{options.name}.yaml"
    write_file(path, text, overwrite=False)
    write_file(folder / SCHEMA_FILE, to_json_bytes(json_schema(spec_sections())))
    return Outcome(
        text=f"wrote {path} and {folder / SCHEMA_FILE}\nnext: tilewright check {path}",
        data={"ok": True, "spec": str(path), "schema": str(folder / SCHEMA_FILE)},
    )


def check(options: argparse.Namespace) -> Outcome:
    """Report all mistakes of all given specs."""
    from tilewright.catalog import load_spec
    from tilewright.spec import Diagnostic, Spec, SpecError

    good: list[tuple[Path, Spec]] = []
    mistakes: list[Diagnostic] = []
    for path in options.spec:
        try:
            good.append((path, load_spec(path)))
        except SpecError as error:
            mistakes += error.diagnostics
    if mistakes:
        raise SpecError(mistakes)
    specs = [{"file": str(path), "name": spec.name, "kind": kind_of(spec)} for path, spec in good]
    lines = [f"{spec['file']}: good: {spec['kind']} {spec['name']}" for spec in specs]
    return Outcome(text="\n".join(lines), data={"ok": True, "specs": specs})


def schema(options: argparse.Namespace) -> Outcome:
    """The JSON Schema itself, also without `--json`; with `--out` as a file."""
    from tilewright.build.files import to_json_bytes, write_file
    from tilewright.catalog import spec_sections
    from tilewright.spec import json_schema

    contents = json_schema(spec_sections())
    raw = to_json_bytes(contents)
    if options.out is None:
        return Outcome(text=raw.decode().rstrip("\n"), data=contents)
    path = options.out / SCHEMA_FILE
    write_file(path, raw)
    return Outcome(text=f"wrote {path}", data={"ok": True, "schema": str(path)})


def kind_of(spec: object) -> str:
    return "kernel" if getattr(spec, "kernel", None) is not None else "accelerator"

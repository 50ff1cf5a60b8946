"""Verbs about models alone: `import` and `quantize`."""

import argparse
from typing import Any, Final

from tilewright.commands.contract import Outcome, Progress

READERS: Final = ("onnx", "onnx-ir", "onnxscript", "networkx", "tflite")
"""Packages that read models."""


def import_(options: argparse.Namespace, progress: Progress) -> Outcome:
    """The integer graph of a quantised model as a table; with `--out` also as a file."""
    _require(*READERS)
    from tilewright.flow.models import import_model

    return _outcome(
        import_model(options.model, options.out, batch=options.batch, progress=progress)
    )


def quantize(options: argparse.Namespace, progress: Progress) -> Outcome:
    """A float model as an int8 one."""
    _require(*READERS, "onnxruntime")
    from tilewright.flow.quantize import quantize_model

    result = quantize_model(
        options.model,
        options.data,
        options.out,
        samples=options.samples,
        arrays=dict(options.array),
        progress=progress,
    )
    return _outcome(result)


def _outcome(result: Any) -> Outcome:
    from tilewright.flow.text_table import terminal_columns

    return Outcome(text=result.table(terminal_columns()), data={"ok": True, **result.to_json()})


def _require(*packages: str) -> None:
    """Say what is missing before anything is read, as a missing tool of any verb."""
    from tilewright.build.doctor import check_package
    from tilewright.errors import ToolError

    findings = [check_package(name, "reads models") for name in packages]
    missing = [finding for finding in findings if not finding.is_good]
    if missing:
        names = ", ".join(f"{finding.name} ({finding.status})" for finding in missing)
        raise ToolError(f"this verb needs: {names}", help=missing[0].fix)

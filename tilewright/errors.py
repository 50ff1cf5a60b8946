"""Errors that a user can do something about, each with the exit code of the command.

A mistake in a spec has an error of its own, `tilewright.spec.SpecError` (exit code 2), because the
spec layer imports nothing of ours.
"""

from typing import ClassVar, Final

EXIT_GOOD: Final = 0
EXIT_FAILED: Final = 1
EXIT_WRONG_TEXT: Final = 2
EXIT_TOOL_MISSING: Final = 3
EXIT_OUR_BUG: Final = 4
EXIT_NOTHING_RUN: Final = 5
EXIT_INTERRUPTED: Final = 130


class TilewrightError(Exception):
    """Base of the errors below: one sentence, and a line of help where there is one."""

    exit_code: ClassVar[int] = EXIT_FAILED

    def __init__(self, message: str, *, help: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.help = help

    def __str__(self) -> str:
        return f"{self.message}\n  help: {self.help}" if self.help else self.message


class UsageError(TilewrightError):
    """The command line, or a file named on it, makes no sense."""

    exit_code = EXIT_WRONG_TEXT


class OutputError(TilewrightError):
    """Files could not be written, or what lies in a directory is not what its manifest says."""


class ToolError(TilewrightError):
    """A tool is missing, too old or of a kind we refuse."""

    exit_code = EXIT_TOOL_MISSING


class NothingRunError(TilewrightError):
    """No case ran: that is not a pass."""

    exit_code = EXIT_NOTHING_RUN

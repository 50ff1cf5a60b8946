"""Writes the traceback of a bug of ours to a file: never to a user's terminal."""

import os
import platform
import shlex
import sys
import tempfile
import traceback
from pathlib import Path

from tilewright.build.tools import DISTRIBUTION, package_version


def write_crash_report(error: BaseException) -> Path | None:
    """Traceback, command and versions in a new file; None if not even that can be written."""
    lines = [
        f"command: {shlex.join(sys.argv)}",
        f"tilewright {package_version(DISTRIBUTION)}, Python {sys.version}",
        f"platform: {platform.platform()}",
        "",
        "".join(traceback.format_exception(error)),
    ]
    try:
        handle, name = tempfile.mkstemp(prefix="tilewright-bug-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write("\n".join(lines))
    except OSError:
        return None
    return Path(name)

"""Runs one tool of the open flow from its Python package, in a process of its own.

`python -m tilewright.build.synth.tool_worker MEMORY_BYTES TOOL ARGUMENTS...`. The packages have
entry points for consoles but no modules that Python can be told to run.
"""

import sys
from importlib import import_module

from tilewright.build.synth.guard import guard
from tilewright.build.synth.tools import TOOLS


def main(arguments: list[str]) -> int:
    """Entry point; the tool's own return code."""
    memory, name, *rest = arguments
    tool = TOOLS[name]
    guard(int(memory))
    function = getattr(import_module(tool.module), tool.function)
    if tool.takes_arguments:
        return int(function(rest) or 0)
    sys.argv = [name, *rest]
    return int(function() or 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

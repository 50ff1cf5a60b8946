"""Runs the passes in `passes.json` of the folder that it is started in; a process of its own."""

import json
from pathlib import Path

from pyosys import libyosys

if __name__ == "__main__":
    design = libyosys.Design()
    for line in json.loads(Path("passes.json").read_text()):
        libyosys.run_pass(line, design)

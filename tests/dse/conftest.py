"""Functions of `sweep_functions.py` must be importable in worker processes, too."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))

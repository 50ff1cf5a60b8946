"""Generates and verifies FPGA/ASIC accelerators for quantised neural networks.

Everything the command `tilewright` does is a call here; each is imported when it is first used, so
that `import tilewright` costs nothing:

- `load_spec(path) -> Spec`: read and check a spec; `SpecError` holds every mistake with its place.
- `estimate(spec)`, `generate(spec, out)`, `verify(spec, out)`, `run(spec, out, inputs=...)`,
  `report(out)`: results with `.ok`, `.table()` and `.to_json()` (`tilewright.commands.contract`).
- `import_model(model)`: the integer graph of a quantised model, with its table.
- `quantize_model(model, data, out)`: an int8 model of a float one, and how well the two agree.
- `plan_file(path, out, options=PlanOptions(...))`: what lies where in a scratchpad and what moves,
  for a graph of operators or a spec's model, with a proof or a gap.
- `pack_file(matrix, spec, out, options=PackOptions(...))`: a sparse matrix as the words that a
  kernel plays, with its cycles and the loads of lanes and banks.
- `run_sweep(spec, out, options=SweepOptions(...))`: the designs that a spec's section `sweep:`
  describes, their front, and some of them confirmed in RTL.
- `design_env(spec, steps=64)`: the same designs as a Gymnasium environment for learning agents.
- `check_tools(for_="verify") -> list[Finding]`: what the command `tilewright doctor` shows.
- `templates() -> Mapping[str, Template]`: the catalog, with the templates of installed packages.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tilewright.build.doctor import check_tools
    from tilewright.catalog import load_spec, templates
    from tilewright.errors import NothingRunError, OutputError, TilewrightError, ToolError
    from tilewright.flow import estimate, generate, report, run, verify
    from tilewright.flow.models import import_model
    from tilewright.flow.pack import PackOptions, pack_file
    from tilewright.flow.plan import PlanOptions, plan_file
    from tilewright.flow.quantize import quantize_model
    from tilewright.flow.sweep.environment import design_env
    from tilewright.flow.sweep.run import SweepOptions, run_sweep
    from tilewright.spec import Spec, SpecError

__all__ = [
    "NothingRunError",
    "OutputError",
    "PackOptions",
    "PlanOptions",
    "Spec",
    "SpecError",
    "SweepOptions",
    "TilewrightError",
    "ToolError",
    "check_tools",
    "design_env",
    "estimate",
    "generate",
    "import_model",
    "load_spec",
    "pack_file",
    "plan_file",
    "quantize_model",
    "report",
    "run",
    "run_sweep",
    "templates",
    "verify",
]

_HOMES = {
    "tilewright.build.doctor": ("check_tools",),
    "tilewright.catalog": ("load_spec", "templates"),
    "tilewright.errors": ("NothingRunError", "OutputError", "TilewrightError", "ToolError"),
    "tilewright.flow": ("estimate", "generate", "report", "run", "verify"),
    "tilewright.flow.models": ("import_model",),
    "tilewright.flow.pack": ("PackOptions", "pack_file"),
    "tilewright.flow.plan": ("PlanOptions", "plan_file"),
    "tilewright.flow.quantize": ("quantize_model",),
    "tilewright.flow.sweep.environment": ("design_env",),
    "tilewright.flow.sweep.run": ("SweepOptions", "run_sweep"),
    "tilewright.spec": ("Spec", "SpecError"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("tilewright")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'tilewright' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})

"""The verb `synth`: area, clock and bitstream of a spec's design on a device."""

import argparse
from typing import TYPE_CHECKING, Any

from tilewright.commands.contract import Outcome, Progress
from tilewright.errors import EXIT_FAILED, EXIT_GOOD, UsageError

if TYPE_CHECKING:
    from tilewright.flow.synth import SynthOptions


def synth(options: argparse.Namespace, progress: Progress) -> Outcome:
    """Code 0 if the design fits and meets its clock."""
    from tilewright.build.doctor import require_tools
    from tilewright.catalog import load_spec
    from tilewright.flow.synth import synth as synthesise
    from tilewright.flow.text_table import terminal_columns

    spec = load_spec(options.spec)
    chosen = _options(options)
    require_tools("generate")  # what the device needs besides is known once it is
    result = synthesise(spec, options.out, options=chosen, progress=progress)
    return Outcome(
        text=result.table(terminal_columns()),
        data={"ok": result.ok, **result.to_json()},
        exit_code=EXIT_GOOD if result.ok else EXIT_FAILED,
    )


def _options(options: argparse.Namespace) -> "SynthOptions":
    from tilewright.build.synth import SynthLimits
    from tilewright.flow.synth import SynthOptions

    family: Any = "xc7" if options.family == "xilinx" else options.family
    for name in ("liberty", "memory_areas"):
        if getattr(options, name) is not None and family != "asic":
            raise UsageError(f"synth: --{name.replace('_', '-')} is for --family asic")
    limits = SynthLimits()
    if options.time_limit is not None:
        seconds = 60.0 * options.time_limit
        limits = SynthLimits(synth_seconds=seconds, pnr_seconds=seconds, pack_seconds=seconds)
    return SynthOptions(
        board=options.board,
        family=family,
        to=options.to,
        freq_hz=options.freq,
        seed=options.seed,
        limits=limits,
    )

"""The verb `synth`: area, clock and bitstream of a spec's design on a device."""

import argparse
from typing import TYPE_CHECKING, Any

from tilewright.commands.contract import Outcome, Progress
from tilewright.errors import EXIT_FAILED, EXIT_GOOD, UsageError

if TYPE_CHECKING:
    from tilewright.build.synth import SynthLimits
    from tilewright.flow.asic import AsicOptions, AsicResult
    from tilewright.flow.synth import SynthOptions
    from tilewright.flow.synth_report import ProjectResult, SynthResult


def synth(options: argparse.Namespace, progress: Progress) -> Outcome:
    """Code 0 if the design fits and meets its clock."""
    from tilewright.flow.text_table import terminal_columns

    work = _cells if options.family == "asic" else _device
    result = work(options, progress)
    return Outcome(
        text=result.table(terminal_columns()),
        data={"ok": result.ok, **result.to_json()},
        exit_code=EXIT_GOOD if result.ok else EXIT_FAILED,
    )


def _device(options: argparse.Namespace, progress: Progress) -> "SynthResult | ProjectResult":
    """An FPGA."""
    from tilewright.build.doctor import require_tools
    from tilewright.catalog import load_spec
    from tilewright.flow.synth import synth as synthesise

    spec = load_spec(options.spec)
    chosen = _options(options)
    require_tools("generate")  # what the device needs besides is known once it is
    return synthesise(spec, options.out, options=chosen, progress=progress)


def _cells(options: argparse.Namespace, progress: Progress) -> "AsicResult":
    """A cell library."""
    from tilewright.build.doctor import require_tools
    from tilewright.catalog import load_spec
    from tilewright.flow.asic import asic

    spec = load_spec(options.spec)
    chosen = _asic_options(options)
    require_tools("generate")
    return asic(spec, options.out, options=chosen, progress=progress)


def _options(options: argparse.Namespace) -> "SynthOptions":
    from tilewright.flow.synth import SynthOptions

    family: Any = "xc7" if options.family == "xilinx" else options.family
    for name in ("liberty", "memory_areas"):
        if getattr(options, name) is not None and family != "asic":
            raise UsageError(f"synth: --{name.replace('_', '-')} is for --family asic")
    return SynthOptions(
        board=options.board,
        family=family,
        to=options.to,
        freq_hz=options.freq,
        seed=options.seed,
        seeds=options.seeds,
        placer=options.placer,
        keeps_registers=options.keep_equivalent_registers,
        limits=_limits(options),
    )


def _asic_options(options: argparse.Namespace) -> "AsicOptions":
    from tilewright.flow.asic import AsicOptions

    if options.liberty is None:
        raise UsageError("synth: --family asic needs a cell library", help="--liberty FILE.lib.gz")
    if options.board is not None:
        raise UsageError("synth: --board or --family, not both: a board has its own family")
    if options.to != "synth":
        raise UsageError("synth: --family asic ends with the gates", help="--to synth")
    if options.placer is not None or options.seeds != 1:
        raise UsageError("synth: --placer and --seeds are of place and route, which asic lacks")
    if options.keep_equivalent_registers:
        raise UsageError("synth: --keep-equivalent-registers is for FPGAs, asic keeps none")
    return AsicOptions(
        liberty=options.liberty,
        memory_areas=options.memory_areas,
        freq_hz=options.freq,
        limits=_limits(options),
    )


def _limits(options: argparse.Namespace) -> "SynthLimits":
    from tilewright.build.synth import SynthLimits

    if options.time_limit is None:
        return SynthLimits()
    seconds = 60.0 * options.time_limit
    return SynthLimits(synth_seconds=seconds, pnr_seconds=seconds, pack_seconds=seconds)

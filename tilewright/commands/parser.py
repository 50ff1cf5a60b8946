"""The command line: verbs, their options, and options that every verb takes."""

import argparse
from pathlib import Path
from typing import Final

from tilewright.commands.pack_options import add_pack_options
from tilewright.commands.plan_options import add_plan_options
from tilewright.commands.report_options import add_report_options
from tilewright.commands.run_options import add_run_options
from tilewright.commands.sweep_options import add_sweep_options
from tilewright.commands.synth_options import add_synth_options

EPILOG: Final = """exit codes:
  0 good   1 valid, but failed or does not fit   2 the text is wrong (spec, model, usage)
  3 a tool is missing or too old   4 our own bug   5 nothing was run   130 interrupted"""
VERBS: Final = (
    ("init", "write a commented spec to start from"),
    ("check", "read specs and report every mistake with its place"),
    ("estimate", "cycles by the cost laws, area and clock by fitted ones"),
    ("generate", "write Verilog, program, memory image and manifest"),
    ("verify", "generate, simulate the Verilog and compare with the golden model"),
    ("run", "run the simulated accelerator, or a board, on your own inputs"),
    ("import", "show the integer graph of a quantised model, and what runs it"),
    ("quantize", "make an int8 model of a float one, with your data"),
    ("plan", "order, addresses, spills and reloads for a scratchpad, with a proof or a gap"),
    ("pack", "schedule a sparse matrix for a kernel and write its memory image"),
    ("synth", "area, clock and bitstream on a device, with open tools"),
    ("sweep", "evaluate the many designs of one spec, and find the best"),
    ("report", "show again what an earlier verify, run or sweep found; compare two sweeps"),
    ("schema", "print the JSON Schema of specs"),
    ("doctor", "check the tools, and say which line installs what is missing"),
)
OUT: Final = ("DIR", "where results go")
OUT_OF: Final = {
    "estimate": ("DIR", "also write report.html, where the cycles go, and its data in this folder"),
    "import": ("DIR", "also write the graph as JSON, in this folder"),
    "pack": ("DIR", "folder for the words and pack.json (default: out/NAME_pack)"),
    "synth": ("DIR", "folder for results and logs (default: out/NAME_synth/DEVICE)"),
    "sweep": ("DIR", "folder for records and results (default: out/NAME_sweep)"),
    "plan": ("DIR", "also write plan.json and plan.html, the memory over time, in this folder"),
    "quantize": ("FILE.onnx", "file or folder (default: NAME.qdq.onnx beside the model)"),
}


def build_parser() -> argparse.ArgumentParser:
    """The whole parser. Options of every verb may stand before or after the verb."""
    parser = argparse.ArgumentParser(
        prog="tilewright",
        description="Generates and verifies accelerators for quantised neural networks.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="print the version and stop")
    _add_global_options(parser, is_top=True)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs")
    made = {}
    for name, summary in VERBS:
        made[name] = verbs.add_parser(
            name, help=summary, description=summary.capitalize() + ".", allow_abbrev=False
        )
        _add_global_options(made[name], is_top=False, out=OUT_OF.get(name, OUT))
    _add_verb_options(made)
    return parser


def _add_global_options(
    parser: argparse.ArgumentParser, *, is_top: bool, out: tuple[str, str] = OUT
) -> None:
    """`SUPPRESS` below the top: else a verb's default would undo what stood before the verb."""

    def default(value: object) -> object:
        return value if is_top else argparse.SUPPRESS

    group = parser.add_argument_group("options of every verb")
    group.add_argument(
        "--json", action="store_true", default=default(False), help="print one JSON object"
    )
    group.add_argument("--out", type=Path, metavar=out[0], default=default(None), help=out[1])
    group.add_argument(
        "-q", "--quiet", action="store_true", default=default(False), help="errors only"
    )
    group.add_argument(
        "-v", "--verbose", action="store_true", default=default(False), help="say each stage"
    )
    group.add_argument("--no-color", action="store_true", default=default(False), help="no colours")


def _add_verb_options(verbs: dict[str, argparse.ArgumentParser]) -> None:
    verbs["init"].add_argument("name", help="name of the design, also of the file: NAME.yaml")
    verbs["init"].add_argument(
        "--kind", choices=("accelerator", "kernel"), default="accelerator", help="form of the spec"
    )
    verbs["check"].add_argument("spec", type=Path, nargs="+", metavar="SPEC")
    for name in ("estimate", "generate", "verify", "run"):
        verbs[name].add_argument("spec", type=Path, metavar="SPEC")
    verbs["verify"].add_argument(
        "--samples", type=_positive, metavar="N", help="how many inputs (default: the spec's)"
    )
    verbs["verify"].add_argument(
        "--seed", type=_natural, metavar="N", help="of random data and stalls (default: the spec's)"
    )
    verbs["verify"].add_argument(
        "--waves",
        type=_window,
        nargs="?",
        const=(0, 10_000),
        metavar="START:END",
        help="write waves (FST) of these cycles (default 0:10000)",
    )
    add_run_options(verbs["run"])
    _add_model_options(verbs["import"], verbs["quantize"])
    add_plan_options(verbs["plan"])
    add_pack_options(verbs["pack"])
    add_synth_options(verbs["synth"])
    add_sweep_options(verbs["sweep"])
    add_report_options(verbs["report"])
    verbs["doctor"].add_argument(
        "--for",
        dest="scope",
        choices=("check", "estimate", "generate", "verify", "synth"),
        default="verify",
        help="the verb whose tools to check",
    )


def _add_model_options(
    importing: argparse.ArgumentParser, quantizing: argparse.ArgumentParser
) -> None:
    importing.add_argument("model", type=Path, metavar="MODEL", help="a .onnx or .tflite file")
    importing.add_argument(
        "--batch", type=_positive, default=1, metavar="N", help="samples of one run (default 1)"
    )
    quantizing.add_argument("model", type=Path, metavar="MODEL.onnx", help="a float model")
    quantizing.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="FILE.npz",
        help="samples to calibrate with: one array per model input, [samples][...]",
    )
    quantizing.add_argument(
        "--array",
        type=_pair,
        action="append",
        default=[],
        metavar="INPUT=NAME",
        help="the array for an input, where its name is another",
    )
    quantizing.add_argument(
        "--samples", type=_positive, metavar="N", help="how many of them (default: all)"
    )


def _pair(text: str) -> tuple[str, str]:
    name, equals, array = text.rpartition("=")
    if not (equals and name and array):
        raise argparse.ArgumentTypeError(f"INPUT=NAME, got {text!r}")
    return name, array


def _natural(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise argparse.ArgumentTypeError(f"a whole number of at least 0, got {text!r}")
    return int(text)


def _positive(text: str) -> int:
    value = _natural(text)
    if value == 0:
        raise argparse.ArgumentTypeError("a whole number of at least 1, got '0'")
    return value


def _window(text: str) -> tuple[int, int]:
    start, colon, end = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"START:END in cycles, got {text!r}")
    window = (_natural(start), _natural(end))
    if window[0] >= window[1]:
        raise argparse.ArgumentTypeError(f"a window that ends after its start, got {text!r}")
    return window

"""The command `tilewright`: reads the command line, calls a verb, prints what it returns.

The only module that prints. Whatever happens becomes an exit code (`tilewright.errors`) and a
message; a traceback is only ever written to a file, for a bug of ours.
"""

try:
    import argparse
    import contextlib
    import io
    import json
    import os
    import signal
    import sys
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import TYPE_CHECKING, NoReturn, cast

    from tilewright.commands.contract import Outcome, Progress, no_progress
    from tilewright.commands.parser import build_parser
    from tilewright.errors import (
        EXIT_GOOD,
        EXIT_INTERRUPTED,
        EXIT_OUR_BUG,
        EXIT_WRONG_TEXT,
        TilewrightError,
    )
except KeyboardInterrupt:  # Ctrl-C while Python still imports: nothing was begun
    raise SystemExit(130) from None

if TYPE_CHECKING:
    from tilewright.spec import SpecError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    try:
        _end_cleanly_when_told()
        _escape_what_cannot_be_shown()
        parser = build_parser()
        options = parser.parse_args(argv)
    except KeyboardInterrupt:  # before anything was begun
        return EXIT_INTERRUPTED
    try:
        if options.version:
            return _show(_version(), options)
        if options.verb is None:
            parser.print_help(sys.stderr)
            return EXIT_WRONG_TEXT
        return _show(_call(options), options)
    except BrokenPipeError:  # `tilewright schema | head`: the reader has enough
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_GOOD
    except KeyboardInterrupt:
        _show_error("interrupted", {"kind": "interrupted"}, EXIT_INTERRUPTED, options)
        return EXIT_INTERRUPTED
    except TilewrightError as error:
        details = {"kind": type(error).__name__, "message": error.message, "help": error.help}
        return _show_error(f"error: {error}", details, error.exit_code, options)
    except Exception as error:
        return _show_other(error, options)


def _call(options: argparse.Namespace) -> Outcome:
    """Import only what the verb needs: `check` must start fast."""
    if options.verb in ("init", "check", "schema"):
        from tilewright.commands import spec_verbs

        return cast("Outcome", getattr(spec_verbs, options.verb)(options))
    if options.verb == "doctor":
        from tilewright.commands import doctor_verb

        return doctor_verb.doctor(options)
    if options.verb in ("import", "quantize"):
        from tilewright.commands import model_verbs

        verb = model_verbs.import_ if options.verb == "import" else model_verbs.quantize
        return verb(options, _progress(options))
    if options.verb == "plan":
        from tilewright.commands import plan_verb

        return plan_verb.plan(options, _progress(options))
    if options.verb == "pack":
        from tilewright.commands import pack_verb

        return pack_verb.pack(options, _progress(options))
    if options.verb == "synth":
        from tilewright.commands import synth_verb

        return synth_verb.synth(options, _progress(options))
    if options.verb == "sweep":
        from tilewright.commands import sweep_verb

        return sweep_verb.sweep(options, _progress(options), _announcer(options))
    from tilewright.commands import flow_verbs

    return cast("Outcome", getattr(flow_verbs, options.verb)(options, _progress(options)))


def _version() -> Outcome:
    from tilewright.build.tools import DISTRIBUTION, package_version

    version = package_version(DISTRIBUTION) or "unknown (not installed)"
    return Outcome(text=f"tilewright {version}", data={"version": version})


def _progress(options: argparse.Namespace) -> Progress:
    """Stages are told on a terminal, or where they were asked for; never in the results' stream."""
    if not (options.verbose or sys.stderr.isatty()):
        return no_progress
    return _announcer(options)


def _announcer(options: argparse.Namespace) -> Progress:
    """What must be said before hours of work begin, also where nobody watches."""
    if options.quiet:
        return no_progress

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    return tell


def _show(outcome: Outcome, options: argparse.Namespace) -> int:
    if options.json:
        print(json.dumps(outcome.data, indent=2))
    elif outcome.text and not (options.quiet and outcome.exit_code == EXIT_GOOD):
        print(outcome.text)
    sys.stdout.flush()
    return outcome.exit_code


def _show_error(
    text: str, details: Mapping[str, object], exit_code: int, options: argparse.Namespace
) -> int:
    if options.json:
        print(json.dumps({"ok": False, "exit_code": exit_code, "errors": [details]}, indent=2))
    else:
        print(text, file=sys.stderr)
    return exit_code


def _show_other(error: Exception, options: argparse.Namespace) -> int:
    """A wrong spec, a disk that refuses, or else a bug of ours."""
    from tilewright.build.files import is_write_error, output_error
    from tilewright.spec import SpecError

    if isinstance(error, SpecError):
        return _show_mistakes(error, options)
    if isinstance(error, OSError) and is_write_error(error):
        place = os.fsdecode(error.filename) if error.filename is not None else "output"
        clean = output_error(Path(place), error)
        details = {"kind": type(clean).__name__, "message": clean.message, "help": clean.help}
        return _show_error(f"error: {clean}", details, clean.exit_code, options)
    return _show_bug(error, options)


def _show_mistakes(error: "SpecError", options: argparse.Namespace) -> int:
    if options.json:
        errors = [diagnostic.to_json() for diagnostic in error.diagnostics]
        print(json.dumps({"ok": False, "exit_code": EXIT_WRONG_TEXT, "errors": errors}, indent=2))
    else:
        print(error.render(color=_has_color(options)), file=sys.stderr)
    return EXIT_WRONG_TEXT


def _show_bug(error: Exception, options: argparse.Namespace) -> int:
    from tilewright.build.crash import write_crash_report

    path = write_crash_report(error)
    place = f"details are in {path}" if path else "and its details could not be written"
    text = f"error: this is a bug in tilewright ({type(error).__name__}); {place}"
    details: dict[str, object] = {"kind": type(error).__name__, "report": str(path or "")}
    return _show_error(text, details, EXIT_OUR_BUG, options)


def _has_color(options: argparse.Namespace) -> bool:
    is_wanted = not options.no_color and not os.environ.get("NO_COLOR")
    return is_wanted and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def _escape_what_cannot_be_shown() -> None:
    """A name that is no text, or a terminal that knows only ASCII, must not stop a message."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _end_cleanly_when_told() -> None:
    """SIGTERM ends us as Ctrl-C does: the programs we started end too, nothing half stays."""

    def interrupt(_number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    with contextlib.suppress(ValueError):  # not the main thread: the caller's own affair
        signal.signal(signal.SIGTERM, interrupt)

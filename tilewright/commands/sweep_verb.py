"""The verb `sweep`: many designs of one spec, their front, and some of them confirmed in RTL."""

import argparse
from pathlib import Path

from tilewright.commands.contract import Outcome, Progress
from tilewright.errors import EXIT_FAILED, EXIT_GOOD, EXIT_INTERRUPTED


def sweep(options: argparse.Namespace, progress: Progress, announce: Progress) -> Outcome:
    """Code 0 if a design meets all constraints and all confirmations agree. `announce` is told what
    the sweep will take, whether or not somebody watches.
    """
    from tilewright.build.doctor import require_tools
    from tilewright.catalog import load_spec
    from tilewright.flow.sweep.confirm import Wanted
    from tilewright.flow.sweep.run import SweepOptions, run_sweep

    spec = load_spec(options.spec)
    at_random = options.confirm if options.random_confirm is None else options.random_confirm
    wanted = Wanted(best=options.confirm, random=at_random)
    require_tools("verify" if wanted.best + wanted.random else "estimate")
    result = run_sweep(
        spec,
        options.out or Path("out") / f"{spec.name}_sweep",
        options=SweepOptions(
            workers=options.workers,
            cluster=options.cluster,
            wanted=wanted,
            is_fresh=options.fresh,
            retries_failed=options.retry_failed,
        ),
        progress=progress,
        announce=announce,
    )
    code = EXIT_GOOD if result.ok else EXIT_FAILED
    return Outcome(
        text=result.table(),
        data={"ok": result.ok and not result.was_interrupted, **result.to_json()},
        exit_code=EXIT_INTERRUPTED if result.was_interrupted else code,
    )

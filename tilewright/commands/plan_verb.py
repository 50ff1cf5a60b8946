"""The verb `plan`: a memory plan, its certificate, and a picture of it."""

import argparse

from tilewright.commands.contract import Outcome, Progress


def plan(options: argparse.Namespace, progress: Progress) -> Outcome:
    """Code 0 for every plan that was checked, proven or not, also after Ctrl-C."""
    from tilewright.flow.plan import DEFAULT_SECONDS, PlanOptions, plan_file
    from tilewright.flow.text_table import terminal_columns

    result = plan_file(
        options.graph,
        options.out,
        options=PlanOptions(
            budget=options.budget,
            weights=options.weights,
            alignment=options.align,
            baselines=tuple(options.baseline),
            seconds=DEFAULT_SECONDS if options.seconds is None else options.seconds,
        ),
        progress=progress,
    )
    return Outcome(text=result.table(terminal_columns()), data={"ok": True, **result.to_json()})

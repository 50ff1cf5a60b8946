"""The verb `pack`: a sparse matrix as the words of a kernel's schedule, and what they will take."""

import argparse

from tilewright.commands.contract import Outcome, Progress


def pack(options: argparse.Namespace, progress: Progress) -> Outcome:
    """Code 0 for every matrix that was packed."""
    from tilewright.flow.pack import PackOptions, pack_file
    from tilewright.flow.text_table import terminal_columns

    result = pack_file(
        options.matrix,
        options.spec,
        options.out,
        options=PackOptions(
            columns=options.columns,
            depth=options.depth,
            split=options.split,
            values=options.values,
            seed=options.seed,
        ),
        progress=progress,
    )
    return Outcome(text=result.table(terminal_columns()), data={"ok": True, **result.to_json()})

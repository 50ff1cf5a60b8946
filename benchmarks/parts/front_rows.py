"""How long exact fronts of ten million designs take, and ten million designs decoded."""

import time
from typing import Any

import numpy as np
from tilewright.dse.pareto import front_indices
from tilewright.dse.space import Space
from tilewright.dse.space_domains import Linked, Parameter, Range

SEED = 7
DESIGNS = 10_000_000
GOAL_SECONDS = 60.0


def front_rows(designs: int = DESIGNS) -> list[dict[str, Any]]:
    """Processor seconds; the front is that of a made-up trade: what one column saves, another
    pays.
    """
    rows = []
    for columns in (2, 3, 4):
        rng = np.random.default_rng(SEED)
        costs = rng.random((designs, columns))
        costs[:, -1] += 1 / (0.02 + costs[:, 0])
        front_indices(costs[:10])  # compiled
        began = time.process_time()
        front = front_indices(costs)
        rows.append(_row(f"front_{columns}_objectives", began, designs, front=len(front)))
    rows.append(_decoding(designs))
    return rows


def _decoding(designs: int) -> dict[str, Any]:
    sizes = [Parameter(path=path, domain=Range(start=1, stop=100)) for path in ("a", "b")]
    rest = Parameter(path="c", domain=Range(start=1, stop=designs // 10_000))
    linked = Parameter(path="d", domain=Linked(times=("a", "b", "c")), is_derived=True)
    space = Space(parameters=(*sizes, rest, linked))
    began = time.process_time()
    total = sum(int(space.columns(*block)["d"].sum()) for block in space.blocks())
    return _row("decode_space", began, space.size, checksum=total)


def _row(case: str, began: float, designs: int, **more: Any) -> dict[str, Any]:
    seconds = round(time.process_time() - began, 2)
    return {"case": f"{case}_{designs}_designs_seconds", "value": seconds, "goal": GOAL_SECONDS,
            **more}  # fmt: skip

"""A spec with a section `sweep:` as an environment for learning agents."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from tilewright.dse.ledger import Ledger, MemoryLedger
from tilewright.dse.search.sampler import RandomSampler
from tilewright.dse.sweep import Sweep, sweep_designs
from tilewright.dse.sweep_crew import Crew
from tilewright.errors import UsageError
from tilewright.spec import Spec

from .set_up import set_up

if TYPE_CHECKING:
    from tilewright.dse.gym import DesignEnv

Costs = tuple[float, ...]

SAMPLES: Final = 64


def design_env(
    spec: Spec,
    *,
    steps: int = 64,
    ideal: Costs | None = None,
    reference: Costs | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
    ledger: Ledger | None = None,
) -> DesignEnv:
    """The environment of a spec's sweep: one step is one design. Without `ideal` and `reference`
    they are the best and worst costs of `samples` random designs, which are evaluated here and
    remembered in `ledger`. Needs Gymnasium.

    Raises:
        ImportError: Gymnasium is not installed.
        UsageError: the spec has no section `sweep:`, or one of the two bounds is missing.
        SpecError: with all mistakes of the section.
        ValueError: bounds that are none, or no design of the sample meets the constraints.
    """
    from tilewright.dse.gym import DesignEnv

    sweep = set_up(spec).sweep
    known = ledger if ledger is not None else MemoryLedger()
    if (ideal is None) != (reference is None):
        raise UsageError(f"{spec.name}: ideal and reference are given both or neither")
    if ideal is None or reference is None:
        ideal, reference = _sampled_bounds(sweep, known, samples, seed)
    return DesignEnv(sweep, ideal=ideal, reference=reference, steps=steps, ledger=known)


def _sampled_bounds(sweep: Sweep, ledger: Ledger, samples: int, seed: int) -> tuple[Costs, Costs]:
    """Of random designs, one after the other."""
    from tilewright.dse.gym import bounds_of

    numbers = RandomSampler(sweep.space, seed=seed).ask(samples)
    crew = Crew(start=lambda: ThreadPoolExecutor(1))
    try:
        return bounds_of(sweep_designs(sweep, numbers, ledger, crew))
    finally:
        crew.stop()

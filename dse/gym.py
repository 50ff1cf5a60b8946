"""A Gymnasium environment over the designs of a sweep: one step is one design.

For comparing learning agents from outside with our samplers: the same space, the same evaluation,
the same records. Needs the package `gymnasium`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

try:
    import gymnasium
    from gymnasium import spaces
except ImportError as error:  # pragma: no cover - an installation without the extra
    raise ImportError(
        "tilewright.dse.gym needs Gymnasium: pip install 'tilewright[gym]'"
    ) from error

from .ledger import DONE, FAILED, Ledger, MemoryLedger, Record
from .pareto import hypervolume
from .search.run import answer_of
from .search.sampler import Answer
from .space import Space
from .sweep import Sweep
from .sweep_result import SweepResult
from .sweep_tasks import measure_one

LARGEST = 1e30
"""Bound of a metric in an observation: spaces with infinite bounds cannot be sampled."""

Observation = dict[str, Any]
Action = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One design of an episode: what was chosen (state by free parameter), what came of it."""

    episode: int
    step: int
    index: int
    states: Mapping[str, int]
    metrics: Mapping[str, float] | None
    is_feasible: bool
    reward: float
    error: str = ""


@dataclass(kw_only=True)
class Trajectories:
    """All steps of an environment, as a data set."""

    space: Space
    metrics: tuple[str, ...]
    steps: list[Step] = field(default_factory=list)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Columns by name, one entry per step: `episode`, `step`, `index` (of the design),
        `reward`, `is_feasible`, `state/PATH` of each free parameter, `metric/NAME` (NaN where it
        failed).
        """
        steps = self.steps
        columns: dict[str, NDArray[Any]] = {
            "episode": np.array([s.episode for s in steps], dtype=np.int64),
            "step": np.array([s.step for s in steps], dtype=np.int64),
            "index": self.space.indices([s.index for s in steps]),
            "reward": np.array([s.reward for s in steps], dtype=np.float64),
            "is_feasible": np.array([s.is_feasible for s in steps], dtype=bool),
        }
        if columns["index"].dtype == object:  # beyond int64: decimal digits
            columns["index"] = np.array([str(s.index) for s in steps])
        for parameter in self.space.free:
            path = parameter.path
            states = np.array([s.states[path] for s in steps], dtype=np.int64)
            columns[f"state/{path}"] = states
        for name in self.metrics:
            values = [s.metrics[name] if s.metrics else np.nan for s in steps]
            columns[f"metric/{name}"] = np.array(values, dtype=np.float64)
        return columns

    def records(self) -> list[dict[str, Any]]:
        """One plain record per step, with the design's values."""
        return [
            {
                "episode": s.episode,
                "step": s.step,
                "index": s.index,
                "design": self.space.design(s.index),
                "metrics": None if s.metrics is None else dict(s.metrics),
                "is_feasible": s.is_feasible,
                "reward": s.reward,
                "error": s.error,
            }
            for s in self.steps
        ]


class DesignEnv(gymnasium.Env[Observation, Action]):
    """Choose `steps` designs, one after the other, for as much hypervolume as they give together.

    Action: by free parameter (its path) the position of its value; a parameter that the others
    leave out is not read. Observation: `metrics` of the design in the order of
    `sweep.evaluation.metrics` (0 before the first, and where there are none), `is_feasible`,
    `has_failed`, `steps_left` as a share. Reward: what the design adds to the hypervolume of the
    episode, as a share of the box from `ideal` to `reference` (costs: smaller is better; see
    `bounds_of`). An episode ends by truncation after `steps`; no design ends it.

    `ledger` remembers designs between episodes and runs; they are evaluated once.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 - Gymnasium's own form

    def __init__(
        self,
        sweep: Sweep,
        *,
        ideal: tuple[float, ...],
        reference: tuple[float, ...],
        steps: int = 64,
        ledger: Ledger | None = None,
    ) -> None:
        super().__init__()
        if steps < 1:
            raise ValueError(f"an episode has at least 1 step, got {steps}")
        self.sweep = sweep
        self.steps = steps
        self._ideal, self._reference = np.array(ideal, float), np.array(reference, float)
        _require_box(self._ideal, self._reference, len(sweep.goals.objectives))
        self.ledger: Ledger = ledger if ledger is not None else MemoryLedger()
        metrics = sweep.evaluation.metrics
        self.trajectories = Trajectories(space=sweep.space, metrics=metrics)
        self.action_space = spaces.Dict(
            {p.path: spaces.Discrete(len(p.points())) for p in sweep.space.free}
        )
        self.observation_space = spaces.Dict(
            {
                "metrics": spaces.Box(-LARGEST, LARGEST, (len(metrics),), np.float64),
                "is_feasible": spaces.Discrete(2),
                "has_failed": spaces.Discrete(2),
                "steps_left": spaces.Box(0.0, 1.0, (1,), np.float64),
            }
        )
        self._episode, self._step = -1, 0
        self._costs: list[tuple[float, ...]] = []
        self._volume = 0.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode: nothing is known of any design."""
        super().reset(seed=seed)
        self._episode += 1
        self._step, self._costs, self._volume = 0, [], 0.0
        return self._observation(None, None), {}

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Evaluate a design.

        Raises:
            ValueError: the action is not one of `action_space`; nothing is recorded.
        """
        self._require_action(action)
        states = {path: int(state) for path, state in action.items()}
        index = self.sweep.space.index_of_states(states)
        found = self._measure(index)
        answer = answer_of(self.sweep, index, found)
        reward = self._gain(answer)
        self._step += 1
        metrics = None if isinstance(found, str) else found
        error = found if isinstance(found, str) else ""
        self.trajectories.steps.append(
            Step(
                episode=self._episode, step=self._step - 1, index=index, states=states,
                metrics=metrics, is_feasible=answer.is_feasible, reward=reward, error=error,
            )
        )  # fmt: skip
        info = {"index": index, "design": self.sweep.space.design(index), "error": error}
        is_over = self._step >= self.steps
        return self._observation(metrics, answer), reward, False, is_over, info

    def _require_action(self, action: Action) -> None:
        """Every free parameter, each with the position of a value; nothing else."""
        if self.action_space.contains(action):
            return
        if not isinstance(action, dict):
            raise ValueError(f"an action is a dictionary, got {action!r}")
        nums = {p.path: len(p.points()) for p in self.sweep.space.free}
        for path in action:
            if path not in nums:
                raise ValueError(f"action: {path!r} is no parameter: {', '.join(nums)}")
        for path, num in nums.items():
            if path not in action:
                raise ValueError(f"action: {path!r} is missing; an action has {', '.join(nums)}")
            if not spaces.Discrete(num).contains(action[path]):
                raise ValueError(
                    f"action: {path!r} is the position of a value, a whole number of 0 to "
                    f"{num - 1}, got {action[path]!r}"
                )

    def _measure(self, index: int) -> dict[str, float] | str:
        design = self.sweep.space.design(index)
        key = self.sweep.design_key(design)
        record = self.ledger.get(key)
        if record is not None:
            known: dict[str, float] | str = record.body["metrics" if record.is_done else "error"]
            return known
        found = measure_one(self.sweep.evaluation, design)
        body: dict[str, Any] = {"kind": "design", "design": design}
        result = (
            {"status": FAILED, "error": found}
            if isinstance(found, str)
            else {"status": DONE, "metrics": found}
        )
        self.ledger.append([Record(key=key, body={**body, **result})])
        return found

    def _gain(self, answer: Answer) -> float:
        if answer.costs is None or not answer.is_feasible:
            return 0.0
        self._costs.append(answer.costs)
        box = np.prod(self._reference - self._ideal)
        volume = hypervolume(np.maximum(np.array(self._costs), self._ideal), self._reference)
        gain = (volume - self._volume) / float(box)
        self._volume = volume
        return max(gain, 0.0)

    def _observation(
        self, metrics: Mapping[str, float] | None, answer: Answer | None
    ) -> Observation:
        names = self.sweep.evaluation.metrics
        values = [metrics[name] if metrics else 0.0 for name in names]
        return {
            "metrics": np.clip(np.array(values, dtype=np.float64), -LARGEST, LARGEST),
            "is_feasible": int(answer is not None and answer.is_feasible),
            "has_failed": int(answer is not None and answer.costs is None),
            "steps_left": np.array([(self.steps - self._step) / self.steps]).clip(0.0, 1.0),
        }


def bounds_of(result: SweepResult) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """`ideal` and `reference` from a sweep: the best and worst feasible costs that it saw.

    Raises:
        ValueError: it saw no feasible design.
    """
    if result.best is None or result.reference is None:
        raise ValueError("the sweep has no feasible design to take bounds from")
    return result.best, result.reference


def _require_box(ideal: NDArray[np.float64], reference: NDArray[np.float64], num: int) -> None:
    if ideal.shape != (num,) or reference.shape != (num,):
        raise ValueError(f"ideal and reference have one cost per objective, {num}")
    if not (
        np.isfinite(ideal).all() and np.isfinite(reference).all() and (ideal < reference).all()
    ):
        raise ValueError(
            f"ideal must be finite and below reference, got {ideal.tolist()}, {reference.tolist()}"
        )

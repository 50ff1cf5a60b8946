"""Our own sampler: a surrogate of every objective and constraint, and the designs that are expected
to add most hypervolume.

* Surrogates are Gaussian processes over the logarithms of costs that are positive.
* The expected gain of a design is an integral over the region that no known design dominates: at
  each of its points the probability that the design dominates the point (and is feasible, and has
  numbers at all: `failures.py`). It is taken over points drawn evenly from that region, so it is
  the same for any number of objectives.
* A batch is chosen greedily: a point counts for the next design by the probability that no design
  of the batch dominates it so far.
* All designs of the space are candidates up to `MAX_CANDIDATES`; beyond, random ones and the
  neighbours of the front.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from ..pareto import front_indices
from ..space import Space
from .failures import FailureModel
from .features import Floats, features
from .gaussian import Gaussian, fit
from .neighbours import neighbours_of
from .sampler import Answer, RandomSampler, random_index

FIRST_DESIGNS = 16
MAX_CANDIDATES = 30_000
SHORT_LIST = 1500
REGION_POINTS = 1024
MAX_POINTS = 600


@dataclass(kw_only=True)
class ModelSampler:
    """Proposes by expected hypervolume; see the module. `first`: random designs to begin with;
    `is_allowed`: which designs are worth a proposal at all.
    """

    space: Space
    seed: int = 0
    first: int = FIRST_DESIGNS
    is_allowed: Callable[[NDArray[Any]], NDArray[np.bool_]] | None = None
    _rng: np.random.Generator = field(init=False)
    _random: RandomSampler = field(init=False)
    _known: dict[int, Answer] = field(default_factory=dict, init=False)
    _logs: dict[str, Floats] = field(default_factory=dict, init=False)
    _failures: FailureModel = field(default_factory=FailureModel, init=False)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)
        self._random = RandomSampler(self.space, seed=self.seed + 1)

    def tell(self, answers: Sequence[Answer]) -> None:
        """See `Sampler`."""
        self._known.update({answer.index: answer for answer in answers})

    def ask(self, count: int) -> list[int]:
        """See `Sampler`."""
        left = self.space.size - len(self._known)
        good = [answer for answer in self._known.values() if answer.costs is not None]
        if len(self._known) < self.first or len(good) < 4 or left <= count:
            return self._unknown(count)
        candidates = self._allowed(self._candidates(good))
        chosen = self._best(candidates, good, count) if len(candidates) else []
        return chosen + self._unknown(count - len(chosen), taken=chosen)

    def _allowed(self, candidates: NDArray[np.int64]) -> NDArray[np.int64]:
        return candidates if self.is_allowed is None else candidates[self.is_allowed(candidates)]

    def _unknown(self, count: int, *, taken: Sequence[int] = ()) -> list[int]:
        """Random designs that are neither known yet nor among `taken`."""
        found: list[int] = []
        while len(found) < count:
            asked = self._random.ask(1)
            if not asked:
                break
            found += [n for n in asked if n not in self._known and n not in taken]
        return found

    def _candidates(self, good: Sequence[Answer]) -> NDArray[np.int64]:
        if self.space.size <= MAX_CANDIDATES:
            return np.setdiff1d(np.arange(self.space.size), np.array(list(self._known)))
        near = neighbours_of(self.space, [good[row].index for row in _front_rows(good)])
        some = {random_index(self._rng, self.space.size) for _ in range(MAX_CANDIDATES // 4)}
        fresh = sorted((some | set(near[: MAX_CANDIDATES // 2])) - self._known.keys())
        return self.space.indices(fresh)

    def _best(self, candidates: NDArray[np.int64], good: Sequence[Answer], count: int) -> list[int]:
        """The greedy batch."""
        used = self._training(good)
        points = features(self.space, self.space.indices([a.index for a in used]))
        where = features(self.space, candidates)
        costs = np.array([answer.costs for answer in used])
        to_scale = _Scale.of(np.array([answer.costs for answer in good]))
        scaled = to_scale.apply(costs)
        predictions = [
            self._model(f"cost{i}", points, scaled[:, i]).predict(where)
            for i in range(scaled.shape[1])
        ]
        means = np.stack([mean for mean, _ in predictions], axis=1)
        spreads = np.stack([spread for _, spread in predictions], axis=1)
        chances = self._chances(used, points, where) * self._success(points, where)
        rows = [i for i, answer in enumerate(good) if answer.is_feasible]
        known = to_scale.apply(np.array([good[i].costs for i in rows])) if rows else scaled[:0]
        region = self._region(known, scaled, means - 2 * spreads)
        return [int(candidates[row]) for row in _greedy(means, spreads, chances, region, count)]

    def _training(self, good: Sequence[Answer]) -> list[Answer]:
        """The designs that surrogates learn from: the front, and the latest."""
        if len(good) <= MAX_POINTS:
            return list(good)
        front = [good[row] for row in _front_rows(good)][: MAX_POINTS // 2]
        kept = {answer.index for answer in front}
        latest = [answer for answer in good if answer.index not in kept]
        return front + latest[-(MAX_POINTS - len(front)) :]

    def _model(self, name: str, points: Floats, values: Floats) -> Gaussian:
        model = fit(points, values, self._logs.get(name))
        self._logs[name] = model.logs
        return model

    def _chances(self, used: Sequence[Answer], points: Floats, where: Floats) -> Floats:
        """The probability that each candidate meets all constraints."""
        chances = np.ones(len(where))
        excesses = np.array([answer.excesses for answer in used]).reshape(len(used), -1)
        for i in range(excesses.shape[1]):
            column = excesses[:, i]
            if (column <= 0).all() and len(column) > 3 * FIRST_DESIGNS:
                continue  # nothing was ever outside
            squeezed = np.arcsinh(3 * column)
            mean, spread = self._model(f"excess{i}", points, squeezed).predict(where)
            chances *= ndtr(-mean / spread)
        return chances

    def _success(self, points: Floats, where: Floats) -> Floats:
        """The probability that each candidate has numbers, as those at `points` have."""
        failed = [index for index, answer in self._known.items() if answer.costs is None]
        if failed:  # what is not allowed never ran
            failed = self._allowed(self.space.indices(failed)).tolist()[-MAX_POINTS // 2 :]
        if not failed:
            return np.ones(len(where))
        told = features(self.space, self.space.indices(failed))
        return self._failures.chances(told, points, where)

    def _region(self, known: Floats, scaled: Floats, hopes: Floats) -> Floats:
        """Points that no known design dominates, where a candidate may dominate them."""
        worst = scaled.max(axis=0) if len(known) == 0 else known.max(axis=0)
        best = np.minimum(scaled.min(axis=0), hopes.min(axis=0))
        found: list[Floats] = []
        total = 0
        for _ in range(20):
            drawn = best + (worst - best) * self._rng.random((REGION_POINTS, len(worst)))
            if len(known):
                front = known[front_indices(known)]
                drawn = drawn[~_dominated(front, drawn)]
            found.append(drawn)
            total += len(drawn)
            if total >= REGION_POINTS:
                break
        return np.concatenate(found)[:REGION_POINTS]


@dataclass(frozen=True, kw_only=True)
class _Scale:
    """Logarithms of the columns that are positive, each to mean 0 and deviation 1."""

    is_log: NDArray[np.bool_]
    mean: Floats
    spread: Floats

    @classmethod
    def of(cls, costs: Floats) -> _Scale:
        is_log: NDArray[np.bool_] = np.all(costs > 0, axis=0)
        logs = np.where(is_log, np.log(np.where(costs > 0, costs, 1.0)), costs)
        spread = logs.std(axis=0)
        return cls(is_log=is_log, mean=logs.mean(axis=0), spread=np.where(spread > 0, spread, 1.0))

    def apply(self, costs: Floats) -> Floats:
        logs = np.where(self.is_log, np.log(np.where(costs > 0, costs, 1.0)), costs)
        scaled: Floats = (logs - self.mean) / self.spread
        return scaled


def _front_rows(good: Sequence[Answer]) -> list[int]:
    rows = [i for i, answer in enumerate(good) if answer.is_feasible]
    if not rows:
        return []
    costs = np.array([good[i].costs for i in rows], dtype=np.float64)
    return [rows[row] for row in front_indices(costs)]


def _dominated(front: Floats, points: Floats) -> NDArray[np.bool_]:
    found = np.zeros(len(points), dtype=bool)
    for row in front:
        found |= (row <= points).all(axis=1)
    return found


def _greedy(
    means: Floats, spreads: Floats, chances: Floats, region: Floats, count: int
) -> list[int]:
    """Rows that together are expected to dominate most of the region's points."""
    short = _short_list(means, spreads, chances, region)
    # [candidate][point]: the probability that the candidate dominates the point
    covers = chances[short][:, None] * np.ones((1, len(region)))
    for i in range(means.shape[1]):
        covers *= ndtr((region[None, :, i] - means[short, i, None]) / spreads[short, i, None])
    weights = np.ones(len(region))
    chosen: list[int] = []
    for _ in range(min(count, len(short))):
        gains = covers @ weights
        gains[[short.tolist().index(row) for row in chosen]] = -1.0
        best = int(gains.argmax())
        if gains[best] <= 0:  # nothing is expected to help
            break
        chosen.append(int(short[best]))
        weights *= 1 - covers[best]
    return chosen


def _short_list(
    means: Floats, spreads: Floats, chances: Floats, region: Floats
) -> NDArray[np.int64]:
    """The candidates that, with luck, dominate most points."""
    if len(means) <= SHORT_LIST:
        return np.arange(len(means))
    some = region[:: max(1, len(region) // 128)]
    hopes = means - spreads
    counts = np.zeros(len(means))
    for point in some:
        counts += (hopes <= point).all(axis=1)
    nearness = -(means.min(axis=1) + means.sum(axis=1)) * 1e-6  # decides between equals
    return np.sort(np.argsort(-(counts * chances + nearness), kind="stable")[:SHORT_LIST])

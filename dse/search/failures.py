"""How probable it is that a design has numbers, learned from designs that failed.

A failure is a constraint that was broken, by how much is not known: 1 where a design failed, -1
where it has numbers. A Gaussian process of these two values gives the probability that the value is
at most 0 (classification by least squares: C. E. Rasmussen, C. K. I. Williams, "Gaussian Processes
for Machine Learning", MIT Press 2006, section 6.5). It weights the expected gain of a design as the
probability of any other constraint does (J. R. Gardner, M. J. Kusner, Z. Xu, K. Q. Weinberger,
J. P. Cunningham, "Bayesian Optimization with Inequality Constraints", ICML 2014, section 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtr

from .gaussian import Floats, fit, fit_again

LEAST_CHANCE = 0.1
"""Below it counts as none: where every known design of the front is beaten only by designs that
fail, however small a chance would be the largest expected gain."""


@dataclass(kw_only=True)
class FailureModel:
    """Its lengths are fitted when there are new failures; until then they stay."""

    _logs: Floats | None = field(default=None, init=False)
    _num_failed: int = field(default=0, init=False)

    def chances(self, failed: Floats, good: Floats, where: Floats) -> Floats:
        """The probability of numbers at each point of `where`; `failed` and `good` are known."""
        points = np.concatenate([failed, good])
        values = np.concatenate([np.ones(len(failed)), -np.ones(len(good))])
        if self._logs is None or len(failed) != self._num_failed:
            model = fit(points, values, self._logs)
            self._logs, self._num_failed = model.logs, len(failed)
        else:
            model = fit_again(points, values, self._logs)
        mean, spread = model.predict(where)
        found: Floats = ndtr(-mean / spread)
        return np.where(found < LEAST_CHANCE, 0.0, found)

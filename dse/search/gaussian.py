"""Gaussian processes for a few hundred designs: a value and its uncertainty for all others.

Kernel: Matern 5/2 with a length per column and a noise term, the mean a constant; the parameters
maximise the marginal likelihood (C. E. Rasmussen, C. K. I. Williams, "Gaussian Processes for
Machine Learning", MIT Press 2006, equations 2.25, 2.26, 4.17, 5.8, 5.9).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize

Floats = NDArray[np.float64]

LENGTH_BOUNDS = (np.log(0.05), np.log(20.0))
NOISE_BOUNDS = (np.log(1e-6), np.log(1e-1))
AMPLITUDE_BOUNDS = (np.log(0.05), np.log(50.0))
CHUNK_POINTS = 512
"""Points predicted at once: what they need fits the processor's caches."""
ROOT_5 = np.sqrt(5.0)
# Lengths near 1 until data says otherwise: a handful of points fits any length.
PRIOR_LENGTH, PRIOR_SPREAD = 0.0, 1.0


@dataclass(frozen=True, kw_only=True)
class Gaussian:
    """A fitted process. `logs`: logarithms of lengths, amplitude, noise."""

    points: Floats
    logs: Floats
    mean: float
    scale: float
    factor: Floats
    weights: Floats

    def predict(self, points: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the value (without noise) at each point."""
        means, spreads = np.empty(len(points)), np.empty(len(points))
        for start in range(0, len(points), CHUNK_POINTS):
            chunk = slice(start, start + CHUNK_POINTS)
            means[chunk], spreads[chunk] = self._predict(points[chunk])
        return means, spreads

    def _predict(self, points: Floats) -> tuple[Floats, Floats]:
        lengths, amplitude, _ = _parts(self.logs)
        cross = amplitude * _matern(_distance(points, self.points, lengths))
        means = self.mean + self.scale * (cross @ self.weights)
        solved = solve_triangular(self.factor, cross.T, lower=True, check_finite=False)
        variance = np.maximum(amplitude - np.einsum("ij,ij->j", solved, solved), 1e-12)
        return means, self.scale * np.sqrt(variance)


def fit(points: Floats, values: Floats, start: Floats | None = None) -> Gaussian:
    """The process of `values` at `points`; `start`: parameters (`logs`) of an earlier fit."""
    targets, mean, scale = _standardised(values)
    columns = points.shape[1]
    first = start if start is not None else np.array([0.0] * columns + [0.0, np.log(1e-4)])
    bounds = [LENGTH_BOUNDS] * columns + [AMPLITUDE_BOUNDS, NOISE_BOUNDS]
    squares = (points[:, None, :] - points[None, :, :]) ** 2
    found = minimize(
        _negative_likelihood, first, args=(squares, targets), jac=True, method="L-BFGS-B",
        bounds=bounds, options={"maxiter": 40 if start is None else 15},
    )  # fmt: skip
    return posterior(points, targets, found.x, mean, scale)


def fit_again(points: Floats, values: Floats, logs: Floats) -> Gaussian:
    """The process of `values` at `points` with the parameters of an earlier fit."""
    targets, mean, scale = _standardised(values)
    return posterior(points, targets, logs, mean, scale)


def posterior(
    points: Floats, targets: Floats, logs: Floats, mean: float = 0.0, scale: float = 1.0
) -> Gaussian:
    """The process with given parameters; `targets` = (values - mean) / scale."""
    lengths, amplitude, noise = _parts(logs)
    kernel = amplitude * _matern(_distance(points, points, lengths))
    kernel[np.diag_indices_from(kernel)] += noise
    factor = cholesky(kernel, lower=True, check_finite=False)
    return Gaussian(
        points=points,
        logs=logs,
        mean=mean,
        scale=scale,
        factor=factor,
        weights=cho_solve((factor, True), targets, check_finite=False),
    )


def _standardised(values: Floats) -> tuple[Floats, float, float]:
    """(values - mean) / scale, mean, scale."""
    mean, scale = float(values.mean()), float(values.std()) or 1.0
    return (values - mean) / scale, mean, scale


def _parts(logs: Floats) -> tuple[Floats, float, float]:
    return np.exp(logs[:-2]), float(np.exp(logs[-2])), float(np.exp(logs[-1]))


def _distance(one: Floats, other: Floats, lengths: Floats) -> Floats:
    a, b = one / lengths, other / lengths
    squares = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None, :] - 2 * (a @ b.T)
    distance: Floats = np.sqrt(np.maximum(squares, 0.0))
    return distance


def _matern(distance: Floats) -> Floats:
    scaled = ROOT_5 * distance
    kernel: Floats = np.exp(-scaled)
    kernel *= 1 + scaled * (1 + scaled / 3)
    return kernel


def _negative_likelihood(logs: Floats, squares: Floats, targets: Floats) -> tuple[float, Floats]:
    """The negative log of marginal likelihood and prior, and its gradient."""
    lengths, amplitude, noise = _parts(logs)
    weighted = squares / lengths**2
    distance = np.sqrt(weighted.sum(axis=2))
    scaled = ROOT_5 * distance
    decay = np.exp(-scaled)
    shape = (1 + scaled + scaled * scaled / 3) * decay
    kernel = amplitude * shape
    kernel[np.diag_indices_from(kernel)] += noise
    try:
        factor = cholesky(kernel, lower=True, check_finite=False)
    except np.linalg.LinAlgError:
        return 1e10, np.zeros_like(logs)
    weights = cho_solve((factor, True), targets, check_finite=False)
    inverse = cho_solve((factor, True), np.eye(len(targets)), check_finite=False)
    outer = np.outer(weights, weights) - inverse
    value = 0.5 * targets @ weights + np.log(np.diag(factor)).sum()
    # d kernel / d log length_j = amplitude * 5/3 * (1 + scaled) * exp(-scaled) * weighted_j
    slope = outer * (amplitude * 5 / 3 * (1 + scaled) * decay)
    gradient = np.empty_like(logs)
    gradient[:-2] = -0.5 * np.einsum("ij,ijk->k", slope, weighted)
    gradient[-2] = -0.5 * (outer * shape).sum() * amplitude
    gradient[-1] = -0.5 * np.trace(outer) * noise
    off = (logs[:-2] - PRIOR_LENGTH) / PRIOR_SPREAD**2
    value += 0.5 * float((off * (logs[:-2] - PRIOR_LENGTH)).sum())
    gradient[:-2] += off
    return float(value), gradient

"""Gaussian processes: gradients by differences, values at known points, and what is learned."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from tilewright.dse.search import gaussian
from tilewright.dse.search.features import features
from tilewright.dse.search.gaussian import fit, posterior
from tilewright.dse.space import Space
from tilewright.dse.space_domains import Listed, Parameter, Powers, Range, When


def data(seed: int, count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    points = rng.random((count, 3))
    return points, np.sin(5 * points[:, 0]) + points[:, 1] ** 2


@pytest.mark.parametrize("seed", range(4))
def test_the_gradient_is_that_of_the_likelihood(seed: int) -> None:
    points, values = data(seed, 15)
    squares = (points[:, None, :] - points[None, :, :]) ** 2
    logs = np.random.default_rng(seed).uniform(-1, 0.5, 5)
    _, gradient = gaussian._negative_likelihood(logs, squares, values)
    numeric = approx_fprime(
        logs, lambda x: gaussian._negative_likelihood(x, squares, values)[0], 1e-6
    )
    np.testing.assert_allclose(gradient, numeric, rtol=1e-3, atol=1e-4)


def test_the_likelihood_is_the_normal_density() -> None:
    """One point: log N(y; 0, amplitude + noise), without the constant and with the prior."""
    logs = np.array([0.3, -0.2, np.log(1.7), np.log(0.2)])
    value, _ = gaussian._negative_likelihood(logs, np.zeros((1, 1, 2)), np.array([0.8]))
    expected = 0.5 * 0.8**2 / 1.9 + 0.5 * np.log(1.9) + 0.5 * (0.3**2 + 0.2**2)
    assert value == pytest.approx(expected)


def test_known_points_are_known_and_far_ones_are_not() -> None:
    points, values = data(1)
    model = fit(points, values)
    means, spreads = model.predict(points)
    assert np.abs(means - values).max() < 0.05
    far_mean, far_spread = model.predict(points + 100)
    assert far_spread.min() > 5 * spreads.max()
    np.testing.assert_allclose(far_mean, values.mean(), atol=1e-6)
    others, true = data(2)
    assert np.abs(model.predict(others)[0] - true).mean() < 0.1


def test_points_are_predicted_the_same_in_any_number() -> None:
    points, values = data(3)
    model = posterior(points, values, np.array([0.1, -0.3, 0.4, 0.0, -5.0]))
    many = np.random.default_rng(0).random((1300, 3))
    means, spreads = model.predict(many)
    for row in (0, 511, 512, 1299):
        mean, spread = model.predict(many[row : row + 1])
        assert (mean[0], spread[0]) == (pytest.approx(means[row]), pytest.approx(spreads[row]))


def test_a_constant_is_no_trouble() -> None:
    points, _ = data(4)
    means, _ = fit(points, np.full(len(points), 3.0)).predict(points)
    assert means == pytest.approx(np.full(len(points), 3.0))


def test_features_are_near_for_near_designs() -> None:
    space = Space(
        parameters=(
            Parameter(path="size", domain=Powers(start=4, stop=64)),
            Parameter(path="kind", domain=Listed(values=("a", "b", "c"))),
            Parameter(
                path="step", domain=Range(start=0, stop=4), when=When(path="kind", among=("b",))
            ),
            Parameter(path="is_on", domain=Listed(values=(False, True))),
        )
    )
    rows = features(space, space.indices(range(space.size)))
    columns = space.columns(0, space.size)
    assert rows.shape == (space.size, 1 + 3 + 2 + 1)
    np.testing.assert_allclose(rows[:, 0], np.log2(columns["size"] / 4) / 4)
    assert rows[:, 6].tolist() == columns["is_on"].tolist()
    absent = columns["kind"] != "b"
    assert (rows[absent, 4] == 0.5).all()
    assert rows[:, 5].astype(bool).tolist() == absent.tolist()
    assert len(np.unique(rows, axis=0)) == space.size

"""The environment: Gymnasium's own checker, rewards that add up, data sets that read back."""

import json
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import sweep_functions as functions

gymnasium = pytest.importorskip("gymnasium", reason="Gymnasium is not installed")

from gymnasium.utils.env_checker import check_env  # noqa: E402
from tilewright.dse.gym import DesignEnv, bounds_of  # noqa: E402
from tilewright.dse.ledger import MemoryLedger  # noqa: E402
from tilewright.dse.pareto import hypervolume  # noqa: E402
from tilewright.dse.space_goals import Constraint, Goals  # noqa: E402
from tilewright.dse.sweep import sweep_blocks  # noqa: E402
from tilewright.dse.sweep_crew import Crew  # noqa: E402

from tilewright.build.trajectories import write_trajectories  # noqa: E402
from tilewright.catalog import load_spec  # noqa: E402
from tilewright.errors import UsageError  # noqa: E402
from tilewright.flow.sweep.environment import design_env  # noqa: E402

EXAMPLES = Path(__file__).parents[2] / "examples" / "sweeps"


def bounds():
    from concurrent.futures import ThreadPoolExecutor

    crew = Crew(start=lambda: ThreadPoolExecutor(1))
    return bounds_of(sweep_blocks(functions.sweep_of(), MemoryLedger(), crew))


def env_of(function=functions.one, steps: int = 10, **more) -> DesignEnv:
    ideal, reference = bounds()
    sweep = functions.sweep_of(function)
    return DesignEnv(sweep, ideal=ideal, reference=reference, steps=steps, **more)


def play(env: DesignEnv, seed: int) -> float:
    """One episode of random actions; the sum of its rewards."""
    env.action_space.seed(seed)
    env.reset(seed=seed)
    total, is_over = 0.0, False
    while not is_over:
        observation, reward, terminated, is_over, _ = env.step(env.action_space.sample())
        assert env.observation_space.contains(observation)
        assert not terminated
        total += reward
    return total


def test_gymnasium_finds_nothing_wrong() -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*render.*")
        warnings.filterwarnings("ignore", message=".*spec.*")
        check_env(env_of())


def test_rewards_of_an_episode_are_its_hypervolume() -> None:
    ideal, reference = bounds()
    env = env_of(steps=30)
    total = play(env, seed=4)
    costs = [
        [step.metrics["cycles"], step.metrics["area"]]
        for step in env.trajectories.steps
        if step.is_feasible
    ]
    box = np.prod(np.array(reference) - np.array(ideal))
    assert total == pytest.approx(hypervolume(np.array(costs, float), np.array(reference)) / box)
    assert 0 < total < 1
    assert play(env, seed=4) == total  # a new episode begins at nothing


def test_a_design_is_evaluated_once(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    ledger = MemoryLedger()
    for _ in range(2):
        play(env_of(functions.counts_calls, steps=20, ledger=ledger), seed=1)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) == len(set(calls)) == len(ledger.records) <= 20


def test_a_design_that_fails_or_does_not_fit_gives_nothing() -> None:
    env = env_of(functions.raises)
    env.reset(seed=0)
    action = {"rows": 1, "cols": 0, "ports": 2}  # 8 rows, 3 ports
    observation, reward, _, _, info = env.step(action)
    assert (observation["has_failed"], observation["is_feasible"], reward) == (1, 0, 0.0)
    assert info["error"].startswith("ZeroDivisionError")
    large = {"rows": 4, "cols": 4, "ports": 0}
    observation, reward, _, _, info = env.step(large)
    assert (observation["has_failed"], observation["is_feasible"], reward) == (0, 0, 0.0)
    assert info["design"]["pes"] == 4096
    assert observation["metrics"].tolist() == list(functions.one(info["design"]).values())


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"rows": -1}, "'rows' is the position of a value, a whole number of 0 to 4, got -1"),
        ({"ports": 999}, "'ports' is the position of a value, a whole number of 0 to 7, got 999"),
        ({"cols": 1.5}, "'cols' is the position of a value, a whole number of 0 to 4, got 1.5"),
        ({"pes": 0}, "'pes' is no parameter: rows, cols, ports"),
        (None, "'rows' is missing; an action has rows, cols, ports"),
    ],
)
def test_an_action_that_is_none_is_refused(changed, told: str) -> None:
    env = env_of()
    env.reset(seed=0)
    action = {} if changed is None else {"rows": 0, "cols": 0, "ports": 0, **changed}
    with pytest.raises(ValueError, match=re.escape(told)):
        env.step(action)
    assert not env.trajectories.steps
    assert env.step({"rows": np.int64(1), "cols": 0, "ports": 0})[4]["index"] > 0


def test_an_environment_of_a_spec(tmp_path: Path) -> None:
    """The same designs, metrics and failures as the sweep of the spec; bounds of its own."""
    spec = load_spec(EXAMPLES / "resnet50.yaml")
    env = design_env(spec, steps=2, samples=24)
    assert env.sweep.space.size == 10_240
    observation, _ = env.reset(seed=0)
    assert env.observation_space.contains(observation)
    assert play(env, seed=0) >= 0
    assert len(env.trajectories.steps) == 2
    given = design_env(spec, ideal=(1, 1, 1), reference=(2, 2, 2), steps=3)
    assert given.steps == 3
    with pytest.raises(UsageError, match="both or neither"):
        design_env(spec, ideal=(1, 1, 1))


def test_data_sets_read_back(tmp_path: Path) -> None:
    env = env_of(functions.raises, steps=40)
    play(env, seed=2)
    play(env, seed=3)
    steps = env.trajectories.steps
    assert len(steps) == 80
    write_trajectories(tmp_path / "t.npz", env.trajectories)
    with np.load(tmp_path / "t.npz", allow_pickle=False) as arrays:
        assert arrays["episode"].tolist() == [0] * 40 + [1] * 40
        assert arrays["index"].tolist() == [step.index for step in steps]
        assert arrays["reward"].tolist() == [step.reward for step in steps]
        assert arrays["state/ports"].tolist() == [step.states["ports"] for step in steps]
        failed = [step.metrics is None for step in steps]
        assert np.isnan(arrays["metric/area"]).tolist() == failed
        assert any(failed)
    write_trajectories(tmp_path / "t.jsonl", env.trajectories)
    lines = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert lines == env.trajectories.records()
    assert lines[0]["design"] == env.sweep.space.design(steps[0].index)
    with pytest.raises(UsageError, match=r"are \.npz or \.jsonl, got \.csv"):
        write_trajectories(tmp_path / "t.csv", env.trajectories)


def test_bounds_make_sense() -> None:
    sweep = functions.sweep_of()
    with pytest.raises(ValueError, match="below reference"):
        DesignEnv(sweep, ideal=(1, 5), reference=(2, 5))
    with pytest.raises(ValueError, match="one cost per objective, 2"):
        DesignEnv(sweep, ideal=(1,), reference=(2,))
    with pytest.raises(ValueError, match="at least 1 step"):
        DesignEnv(sweep, ideal=(1, 1), reference=(2, 2), steps=0)
    none = Goals(
        objectives=functions.GOALS.objectives,
        constraints=(Constraint(name="never", metric="area", maximum=1),),
    )
    from concurrent.futures import ThreadPoolExecutor

    crew = Crew(start=lambda: ThreadPoolExecutor(1))
    with pytest.raises(ValueError, match="no feasible design"):
        bounds_of(sweep_blocks(functions.sweep_of(goals=none), MemoryLedger(), crew))

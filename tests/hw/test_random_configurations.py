"""Random parameters of every template: each spec that its strategy draws makes a kernel whose
Verilog answers as the golden model and takes the cycles of the law.

A template takes part through `NAME_strategy.py` in this folder. Hypothesis draws the sections, the
same ones every time; a default run takes the first NUM_DEFAULT of them, a slow run NUM_SLOW others.
"""

import importlib.util
from dataclasses import dataclass
from functools import cache
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from tilewright.build.kernel_run import simulate_kernels
from tilewright.build.lint import lint
from tilewright.build.verilog import emit
from tilewright.catalog import BUILT_IN, find_template, spec_sections
from tilewright.spec import spec_from_data

SEED = 34
NUM_DEFAULT, NUM_SLOW = 30, 300
BATCH = 10
SAMPLES = 2
SUFFIX = "_strategy"
FOLDER = Path(__file__).resolve().parent
NAMES = sorted(path.stem.removesuffix(SUFFIX) for path in FOLDER.glob(f"*{SUFFIX}.py"))


@dataclass(frozen=True)
class Configuration:
    """A drawn spec and the parameters that it means."""

    data: dict[str, Any]
    params: Any

    @property
    def name(self) -> str:
        return str(self.data["name"])

    @property
    def template(self) -> str:
        return str(self.data["kernel"]["template"])

    def told(self) -> str:
        """The spec, and how to repeat it."""
        text = yaml.safe_dump(self.data, sort_keys=False)
        return f"seed {SEED}; save this and `tilewright verify` it:\n{text}"


def strategy_of(name: str) -> SearchStrategy[dict[str, Any]]:
    """What `NAME_strategy.py` offers."""
    spec = importlib.util.spec_from_file_location(f"{name}{SUFFIX}", FOLDER / f"{name}{SUFFIX}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: SearchStrategy[dict[str, Any]] = module.sections()
    return found


def configuration(section: dict[str, Any], name: str) -> Configuration:
    """From a section: a spec that has no mistakes."""
    verify = {"samples": SAMPLES, "seed": SEED}
    data = {"tilewright": 1, "name": name, "kernel": section, "verify": verify}
    spec = spec_from_data(data, sections=spec_sections())
    cases = find_template(section["template"]).load("cases")
    return Configuration(data=data, params=cases.params_of(spec.kernel))


@cache
def drawn(name: str) -> tuple[Configuration, ...]:
    """Configurations of one template, no parameters twice."""
    wanted = -(-(NUM_DEFAULT + NUM_SLOW) // len(NAMES))
    found: dict[Any, Configuration] = {}

    @seed(SEED)
    @settings(
        max_examples=4 * wanted,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy_of(name))
    def draw(section: dict[str, Any]) -> None:
        if len(found) < wanted:
            made = configuration(section, f"{name}_{len(found)}")
            found.setdefault(repr(made.params), made)

    draw()
    assert len(found) == wanted, f"{name}: {len(found)} distinct of {4 * wanted} drawn"
    return tuple(found.values())


@cache
def configurations() -> tuple[Configuration, ...]:
    """Of all templates in turn: every batch holds some of each."""
    turns = zip_longest(*(drawn(name) for name in NAMES))
    return tuple(found for found in chain.from_iterable(turns) if found is not None)


def check(configurations: tuple[Configuration, ...], folder: Path, *, is_linted: bool) -> None:
    """All in one simulator: words, stream rules, stalls, and the cycles of the law."""
    kernels, jobs = [], []
    for found in configurations:
        try:
            template = find_template(found.template)
            job = template.load("cases").job(found.params, found.name, samples=SAMPLES, seed=SEED)
            verilog = emit(template.load("kernel")(found.params), found.name)
            problems = lint(verilog, found.name, ("verilator",)).problems if is_linted else ()
        except Exception as error:
            raise AssertionError(f"{type(error).__name__}: {error}\n{found.told()}") from error
        assert not problems, f"{[str(problem) for problem in problems]}\n{found.told()}"
        kernels.append((verilog, job))
        jobs.append(job)
    results = simulate_kernels(kernels, folder, optimize="-O0")
    for found, job, result in zip(configurations, jobs, results, strict=True):
        wrong = [f"{case.name}: {case.message}" for case in result.cases if not case.is_passed]
        text = "\n".join(wrong[:5]) or result.explain()
        assert result.is_passed, f"{found.name}: {text}\n{found.told()}"
        timed = {case.name: case.expected_cycles for case in job.cases if case.expected_cycles}
        assert timed, f"{found.name}: no case has cycles by the law\n{found.told()}"
        measured = {case.name: case.cycles for case in result.cases if case.name in timed}
        assert measured == timed, f"{found.name}: cycles differ from the law\n{found.told()}"


def test_every_template_takes_part() -> None:
    assert sorted(template.name for template in BUILT_IN) == NAMES
    pairs = {(found.template, repr(found.params)) for found in configurations()}
    assert len(pairs) == len(configurations()) >= NUM_DEFAULT + NUM_SLOW


@pytest.mark.simulator
@pytest.mark.parametrize("batch", range(NUM_DEFAULT // BATCH))
def test_random_configurations(batch: int, tmp_path: Path) -> None:
    check(configurations()[batch * BATCH : (batch + 1) * BATCH], tmp_path, is_linted=False)


@pytest.mark.slow
@pytest.mark.simulator
@pytest.mark.parametrize("batch", range(NUM_SLOW // BATCH))
def test_more_random_configurations(batch: int, tmp_path: Path) -> None:
    start = NUM_DEFAULT + batch * BATCH
    check(configurations()[start : start + BATCH], tmp_path, is_linted=True)

"""Random parameters of every template: each spec that its strategy draws makes a kernel whose
Verilog answers as the golden model and takes the cycles of the law.

A template takes part through `NAME_strategy.py` in this folder. Hypothesis draws the sections, the
same ones every time; a slow run takes the first NUM_SLOW of them, a default run NUM_DEFAULT small
ones among them.
"""

import importlib.util
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import chain
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
NUM_DEFAULT, NUM_SLOW = 16, 300
DEFAULT_BATCH, SLOW_BATCH = 16, 10
SAMPLES = 2
MOST_DRAWN = 1000
SUFFIX = "_strategy"
FOLDER = Path(__file__).resolve().parent
NAMES = sorted(path.stem.removesuffix(SUFFIX) for path in FOLDER.glob(f"*{SUFFIX}.py"))


@dataclass(frozen=True)
class Configuration:
    """A drawn spec, the parameters that it means, and a measure of how much hardware it is."""

    data: dict[str, Any]
    params: Any
    size: int

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


class EnoughError(Exception):
    """Ends a drawing."""


@cache
def sections() -> Any:
    """All sections of the catalog."""
    return spec_sections()


def configuration(section: dict[str, Any], name: str) -> Configuration:
    """From a section: a spec that has no mistakes."""
    verify = {"samples": SAMPLES, "seed": SEED}
    data = {"tilewright": 1, "name": name, "kernel": section, "verify": verify}
    spec = spec_from_data(data, sections=sections())
    cases = find_template(section["template"]).load("cases")
    size = spec.kernel.size().register_bits
    return Configuration(data=data, params=cases.params_of(spec.kernel), size=size)


@cache
def drawn(name: str, count: int) -> tuple[Configuration, ...]:
    """The first `count` configurations of one template, no parameters twice."""
    found: dict[str, Configuration] = {}

    @seed(SEED)
    @settings(
        max_examples=MOST_DRAWN,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy_of(name))
    def draw(section: dict[str, Any]) -> None:
        if len(found) == count:
            raise EnoughError
        made = configuration(section, f"{name}_{len(found)}")
        found.setdefault(repr(made.params), made)

    with suppress(EnoughError):
        draw()
    assert len(found) == count, f"{name}: {len(found)} distinct of {MOST_DRAWN} drawn"
    return tuple(found.values())


@cache
def configurations(count: int) -> tuple[Configuration, ...]:
    """The first `count`: of all templates in turn, so every batch holds some of each."""
    turns = zip(*(drawn(name, -(-count // len(NAMES))) for name in NAMES), strict=True)
    return tuple(chain.from_iterable(turns))[:count]


@cache
def small_ones() -> tuple[Configuration, ...]:
    """NUM_DEFAULT of them: of each template the smaller half of what is drawn first."""
    each = -(-NUM_DEFAULT // len(NAMES))
    halves = (sorted(drawn(name, 2 * each), key=lambda one: one.size)[:each] for name in NAMES)
    return tuple(chain.from_iterable(zip(*halves, strict=True)))[:NUM_DEFAULT]


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
    assert {found.template for found in small_ones()} == set(NAMES)


@pytest.mark.simulator
@pytest.mark.parametrize("batch", range(NUM_DEFAULT // DEFAULT_BATCH))
def test_random_configurations(batch: int, tmp_path: Path) -> None:
    start = batch * DEFAULT_BATCH
    check(small_ones()[start:][:DEFAULT_BATCH], tmp_path, is_linted=False)


@pytest.mark.slow
def test_there_are_as_many_as_said() -> None:
    found = configurations(NUM_SLOW)
    assert len({(one.template, repr(one.params)) for one in found}) == NUM_SLOW
    assert found[:NUM_DEFAULT] == configurations(NUM_DEFAULT)
    assert {one.name for one in small_ones()} <= {one.name for one in found}


@pytest.mark.slow
@pytest.mark.simulator
@pytest.mark.parametrize("batch", range(NUM_SLOW // SLOW_BATCH))
def test_more_random_configurations(batch: int, tmp_path: Path) -> None:
    found = configurations(NUM_SLOW)[batch * SLOW_BATCH :][:SLOW_BATCH]
    check(found, tmp_path, is_linted=True)

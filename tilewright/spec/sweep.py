"""The section `sweep:`: which keys to vary, what to look for, how to search.

Here only what each key can hold by itself: what paths, metrics and ranges mean is known to
`tilewright.dse.sweep_section`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from .frozen import FrozenMapping
from .kinds import Section, choice, mistake, require_mapping, size, text, truth, whole
from .sweep_kinds import (
    SCALAR_SCHEMA,
    Scalar,
    Shorthand,
    condition,
    listed_values,
    name_list,
    number,
    plain_number,
    positive,
    scalar,
)

MAX_BUDGET = 10_000_000
MAX_UM2_PER_BIT = 1e6
SAMPLERS = ("model", "tpe", "nsga2", "random", "qmc", "grid")
FAMILIES = ("ecp5", "xc7", "xcup", "ice40", "ice40up", "gowin")
QUEUES = ("slurm", "pbs", "sge", "lsf", "htcondor", "oar", "moab", "local")


class SweepParameterSection(Section):
    """What a key can be: `values`, a range, or linked to other parameters by `times`."""

    values: Annotated[tuple[Scalar, ...] | None, listed_values()] = Field(
        default=None,
        description="The values; a parameter that has no other key is written as the list itself.",
    )
    start: Annotated[int | float | str | None, number("a number, or a quantity")] = Field(
        default=None, description="First value of a range."
    )
    stop: Annotated[int | float | str | None, number("a number, or a quantity")] = Field(
        default=None, description="Last value of the range, included if a step leads there."
    )
    step: Annotated[int | float | str | None, number("a number, or a quantity")] = Field(
        default=None, description="From one value to the next, above 0. Default 1."
    )
    powers_of_two: Annotated[bool, truth()] = Field(
        default=False,
        description="The range has the powers of two from start to stop, no steps. Default false.",
    )
    times: Annotated[tuple[str, ...] | None, name_list("the path of a parameter")] = Field(
        default=None,
        description="Linked: the product of these parameters; of one alone, its value, which may "
        "be text.",
    )
    divided_by: Annotated[tuple[str, ...] | None, name_list("the path of a parameter")] = Field(
        default=None, description="Linked: over the product of these."
    )
    factor: Annotated[int | float, plain_number()] = Field(
        default=1, description="Linked: times this number. Default 1."
    )
    rounding: Annotated[Literal["up", "down"], choice("up", "down")] = Field(
        default="up", description="Linked: how quotients of integers are rounded. Default up."
    )
    when: Annotated[tuple[str, tuple[Scalar, ...]] | None, condition()] = Field(
        default=None,
        description="Only where another parameter has a value: its path with the value, or with a "
        "list of values.",
    )
    otherwise: Annotated[Scalar | None, scalar("a value of the key")] = Field(
        default=None,
        description="The value where `when` does not hold. Default: the key stays as the spec has "
        "it.",
    )
    derived: Annotated[bool, truth()] = Field(
        default=False,
        description="No key of the spec, but a name of its own: for constraints and links. Default "
        "false.",
    )


class SweepObjectiveSection(Section):
    """What to make small or large: one metric, or one function."""

    metric: Annotated[str | None, text("the name of a metric")] = Field(
        default=None,
        description="A metric; an objective that has no other key is written as its name. Metrics "
        "are listed in exploration.md.",
    )
    function: Annotated[str | None, text("the name of an entry point")] = Field(
        default=None,
        description="A function of your own, by the name of its entry point in the group "
        "`tilewright.objectives`.",
    )
    goal: Annotated[Literal["min", "max"] | None, choice("min", "max")] = Field(
        default=None,
        description="Whether less or more is better. Default: max for utilisation and clock_mhz, "
        "else min.",
    )


class SweepConstraintSection(Section):
    """Bounds of a metric, or of a parameter that is a number; both are included."""

    metric: Annotated[str | None, text("the name of a metric, or the path of a parameter")] = Field(
        default=None,
        description="A metric, or a parameter's path. Default: the constraint's name.",
    )
    minimum: Annotated[int | float | str | None, number("a number, or a quantity")] = Field(
        default=None, description="The least that is allowed, as a number or with its unit."
    )
    maximum: Annotated[int | float | str | None, number("a number, or a quantity")] = Field(
        default=None, description="The most that is allowed, as a number or with its unit."
    )


class SweepSearchSection(Section):
    """How to search a space that is not evaluated as a whole."""

    sampler: Annotated[str, choice(*SAMPLERS)] = Field(
        default="model",
        description="Who proposes designs: `model`, Gaussian processes of our own; `random`; "
        "`grid`, evenly spread; Optuna's `tpe`, `nsga2`, `qmc`. Default model.",
    )
    budget: Annotated[int, whole(1, MAX_BUDGET)] = Field(
        default=200, description="Designs to evaluate. Default 200."
    )
    seed: Annotated[int, whole(0, 2**31 - 1)] = Field(
        default=1, description="Seed of the sampler. Default 1."
    )


class SweepAreaSection(Section):
    """Silicon area, for the metric `area_um2`: cells of a library, and memories (asic.md)."""

    library: Annotated[str | None, text("the name of a cell library")] = Field(
        default=None,
        description="Cell library that areas are estimated for. Default: the one that there is a "
        "fit for, IHP's sg13g2.",
    )
    memory_um2_per_bit: Annotated[float, positive("um2", MAX_UM2_PER_BIT)] = Field(
        description="Area of a bit of the memories that stay memories, which no library of cells "
        "says."
    )
    memory_source: Annotated[str, text("where the area is from", 200)] = Field(
        description="Where that area is from, for the report."
    )


class SweepQueueSection(Section):
    """Workers as jobs of a cluster's queue, through dask-jobqueue."""

    queue: Annotated[str, choice(*QUEUES)] = Field(
        description="The queueing system; `local` starts the jobs on this machine, to try it out."
    )
    jobs: Annotated[int, whole(1, 10_000)] = Field(
        default=1, description="Jobs to ask for. Default 1."
    )
    cores: Annotated[int, whole(1, 1024)] = Field(
        default=1, description="Cores of a job, each with a worker. Default 1."
    )
    memory_bytes: Annotated[int, size(2**26, 2**50)] = Field(
        default=4 * 2**30, alias="memory", description="Memory of a job. Default 4GiB."
    )
    walltime: Annotated[str, text("a time as the queue writes it")] = Field(
        default="01:00:00", description="Longest time of a job. Default 01:00:00."
    )
    partition: Annotated[str | None, text("the name of a queue")] = Field(
        default=None, description="Which of the system's queues. Default: the system's own."
    )


def _as_tuple(value: object) -> object:
    if isinstance(value, tuple):
        return value
    if not isinstance(value, list):
        raise mistake("must be a list of objectives", "such as [cycles, lut]")
    return tuple(value)


_ListedParameter = Annotated[
    SweepParameterSection,
    Shorthand("values", {"type": "array", "items": SCALAR_SCHEMA}, list),
]
_NamedObjective = Annotated[
    SweepObjectiveSection, Shorthand("metric", {"type": "string", "minLength": 1}, str)
]
_Parameters = Annotated[
    Mapping[str, _ListedParameter],
    BeforeValidator(require_mapping),
    AfterValidator(FrozenMapping),
    PlainSerializer(dict),
]
_Constraints = Annotated[
    Mapping[str, SweepConstraintSection],
    BeforeValidator(require_mapping),
    AfterValidator(FrozenMapping),
    PlainSerializer(dict),
]


class SweepSection(Section):
    """The designs of `tilewright sweep`: this spec with some keys varied (exploration.md)."""

    parameters: _Parameters = Field(
        description="By the path of a key (such as `accelerator.engines.array.rows`) what it can "
        "be. The last one varies fastest."
    )
    objectives: Annotated[tuple[_NamedObjective, ...], BeforeValidator(_as_tuple)] = Field(
        description="What to look for: names of metrics, or sections."
    )
    constraints: _Constraints = Field(
        default_factory=lambda: FrozenMapping({}),
        description="By name, bounds of metrics or of parameters.",
    )
    board_limits: Annotated[bool, truth()] = Field(
        default=True,
        description="Whether a design must fit the device of its board, where there is a board. "
        "Default true.",
    )
    family: Annotated[str | None, choice(*FAMILIES)] = Field(
        default=None,
        description="Family of devices whose resources and clock are estimated. Default: the "
        "board's, else ecp5.",
    )
    energy: Annotated[tuple[str, ...], name_list("the name of a table of energies")] = Field(
        default=("horowitz_45nm",),
        description="Table of energies (energy-tables.md), for `energy_uj`; of a list each further "
        "one gives a metric `energy_by_NAME`. Default horowitz_45nm.",
    )
    area: SweepAreaSection | None = Field(
        default=None, description="Silicon area as a metric, `area_um2`. Default: there is none."
    )
    workload: Annotated[str | None, text("the name of a workload, or the path of a file")] = Field(
        default=None,
        description="Estimate a list of layers, all designs at once, in place of the model: a "
        "network of the library, or a file (workloads.md); or `model`, the spec's own: streamed in "
        "closed form, or with `objective: bytes` as planned. Default: the model, compiled.",
    )
    search: SweepSearchSection | None = Field(
        default=None,
        description="Search instead of evaluating all designs; without it a space of up to ten "
        "million designs is evaluated as a whole.",
    )
    cluster: SweepQueueSection | None = Field(
        default=None, description="Workers as jobs of a cluster. Default: processes here."
    )

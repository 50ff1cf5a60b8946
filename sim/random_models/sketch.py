"""`Sketch`: a random model before it is quantised: steps on float values, and their constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from numpy.typing import NDArray

from .draw import Draw

Shape = tuple[int, ...]
Role = Literal["weight", "bias", "operand", "plain"]


@dataclass(frozen=True, kw_only=True)
class Constant:
    """A constant operand.

    `weight`: quantised with one scale, or one for each index along `axis`; `bias`: int32, scale of
    the products of `of` (activation, weight); `operand`: quantised as an activation is; `plain`:
    left as it is (shapes, axes, limits).
    """

    name: str
    values: NDArray[Any]
    role: Role
    axis: int | None = None
    of: tuple[str, str] = ("", "")


@dataclass(frozen=True, kw_only=True)
class Step:
    """A node, and what happens to its results.

    `kind` is its name in counts. `activation` is `Relu`, or `Clip` with `limits`, between node and
    quantisation. With `keeps`, results have the scale and zero point of the first input; with
    `is_bare`, they are not quantised: the next step takes the floats. `limits` also says what range
    a result is known to have. An empty `op_type` is a mere change of scale and zero point.
    Results have the number format of the first input unless `number_format` says another.
    """

    kind: str
    op_type: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    activation: str = ""
    limits: tuple[float, float] | None = None
    keeps: bool = False
    is_bare: bool = False
    toggles_sign: bool = False
    number_format: str = ""


class Sketch:
    """A model under construction; values are float arrays known by name."""

    def __init__(self, draw: Draw, opset: int) -> None:
        self.draw, self.opset = draw, opset
        self.numbers = draw.numbers()
        self.shapes: dict[str, Shape] = {}
        self.inputs: list[str] = []
        self.constants: dict[str, Constant] = {}
        self.steps: list[Step] = []
        self.batch = 1
        self.has_int4_weights = False
        self.has_powers_of_two = draw.chance(20)  # as scales, everywhere
        self.is_large = False  # values so far from 1 that their products could be infinite

    def new_input(self, shape: Shape) -> str:
        name = f"x{len(self.inputs)}"
        self.inputs.append(name)
        self.shapes[name] = shape
        return name

    def constant(
        self,
        values: NDArray[Any],
        role: Role,
        axis: int | None = None,
        of: tuple[str, str] = ("", ""),
    ) -> str:
        name = f"{role}{len(self.constants)}"
        constant = Constant(name=name, values=values, role=role, axis=axis, of=of)
        self.constants[name] = constant
        return name

    def step(
        self,
        kind: str,
        op_type: str,
        inputs: tuple[str, ...],
        shape: Shape | list[Shape],
        attributes: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> str:
        """Append a step; the name of its first result."""
        shapes = shape if isinstance(shape, list) else [shape]
        first = len(self.shapes)
        outputs = tuple(f"v{first + index}" for index in range(len(shapes)))
        self.shapes.update(zip(outputs, shapes, strict=True))
        self.steps.append(
            Step(
                kind=kind,
                op_type=op_type,
                inputs=inputs,
                outputs=outputs,
                attributes=dict(attributes or {}),
                **more,
            )
        )
        return outputs[0]

    def is_used(self, name: str) -> bool:
        return any(name in step.inputs for step in self.steps)

    def maker(self, name: str) -> Step | None:
        """The step that makes a value; None for inputs."""
        return next((step for step in self.steps if name in step.outputs), None)

    @property
    def is_bare(self) -> frozenset[str]:
        """Values that are never quantised."""
        return frozenset(name for step in self.steps if step.is_bare for name in step.outputs)

    @property
    def values(self) -> list[str]:
        """What later steps may use."""
        bare = self.is_bare
        return [name for name in self.shapes if name not in bare]

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(step.kind for step in self.steps)

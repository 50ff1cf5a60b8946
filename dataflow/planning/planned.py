"""`Planned`: a problem with its plan and what the checker counted, as one file."""

from __future__ import annotations

from dataclasses import dataclass

from .checker import Traffic, check_plan
from .memory_plan import Certificate, MemoryPlan
from .problem import Problem


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A plan that was replayed against its problem; addresses are multiples of `alignment`.

    Raises:
        Rejected: if the plan breaks a rule of the problem.
        ValueError: if the plan has no certificate, or bytes are not those that the replay counts.
    """

    problem: Problem
    plan: MemoryPlan
    traffic: Traffic
    alignment: int = 1

    def __post_init__(self) -> None:
        counted = check_plan(self.problem, self.plan, self.alignment)
        if counted != self.traffic:
            raise ValueError(f"traffic: the plan moves {counted}, not {self.traffic}")
        if self.plan.certificate is None:
            raise ValueError("certificate: the plan has none")
        if self.plan.certificate.bytes != counted.moved_beyond:
            raise ValueError(f"certificate: the plan moves {counted.moved_beyond} bytes")

    @classmethod
    def of(cls, problem: Problem, plan: MemoryPlan, alignment: int = 1) -> Planned:
        """The plan with its traffic counted."""
        traffic = check_plan(problem, plan, alignment)
        return cls(problem=problem, plan=plan, traffic=traffic, alignment=alignment)

    @property
    def certificate(self) -> Certificate:
        assert self.plan.certificate is not None, "checked when it was made"
        return self.plan.certificate

    @property
    def peak(self) -> int:
        """The most bytes that lie on chip at one position."""
        return self.plan.peak(self.problem)

    @property
    def height(self) -> int:
        """End of the highest residence."""
        height = self.plan.height(self.problem)
        assert height is not None, "the checker wants addresses"
        return height

    @property
    def fragmentation(self) -> int:
        """Bytes of the arena that are holes when the most lies on chip, at least: height - peak."""
        return self.height - self.peak

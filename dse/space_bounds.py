"""How large and how small the numbers of parameters get, without making designs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod

from .space_domains import Linked, Parameter


@dataclass(frozen=True, kw_only=True)
class Magnitudes:
    """By path the (least, largest) magnitude of a parameter; of a linked one bounds of both.

    The least one of numbers other than 0, and at most 1: what a quotient can grow by.
    """

    by_path: Mapping[str, Parameter]
    known: dict[str, tuple[float, float]] = field(default_factory=dict)

    def least(self, path: str) -> float:
        """At most 1; 1 where there is no number but 0."""
        return self._both(path)[0]

    def largest(self, path: str) -> float:
        """0 where it is no number."""
        return self._both(path)[1]

    def _both(self, path: str) -> tuple[float, float]:
        if path not in self.known:
            self.known[path] = self._of(self.by_path[path])
        return self.known[path]

    def _of(self, parameter: Parameter) -> tuple[float, float]:
        extra, domain = parameter.otherwise, parameter.domain
        values = [] if isinstance(domain, Linked) else list(parameter.points())
        values += [] if extra is None else [extra]
        sizes = [abs(float(value)) for value in values if isinstance(value, int | float)]
        if isinstance(domain, Linked):
            sizes += self._of_link(domain)
        return min([size for size in sizes if size] + [1.0]), max([*sizes, 0.0])

    def _of_link(self, linked: Linked) -> tuple[float, float]:
        factor = abs(float(linked.factor))
        top = factor * prod(max(self.largest(source), 1.0) for source in linked.times)
        bottom = prod(self.least(source) for source in linked.divided_by)
        low = factor * prod(self.least(source) for source in linked.times)
        most = prod(max(self.largest(source), 1.0) for source in linked.divided_by)
        return low / most, top / bottom if bottom else float("inf")

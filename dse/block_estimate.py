"""The vectorised estimate: cycles, bytes, energy, resources and clock of all designs of a block.

Every number comes from the part that is asked for one design as well: cycles of the arrays from
their laws, tiles and traffic from the streaming schedules, energy from a published table, resources
from their model. Whatever depends on a few keys is computed once for each combination of their
values; what depends on all of them are the cycles, for designs times layers at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from tilewright.dataflow.streaming_sizes import Ops

from tilewright.spec import AcceleratorSpec

from .block_counts import moved_by_ops
from .block_frame import AREA, BlockFrame, Refusals, with_latency
from .block_layout import Layout
from .block_machines import Machines, reader_of
from .block_parts import AreaModel, areas_of_parts, part_kinds, resources_of_parts
from .block_resources import Values, has_clock
from .block_timing import cycles_of
from .energy.table import EnergyTable
from .sweep_tasks import Evaluation
from .workloads.layers import Workload

NO_ROOM = "accelerator.scratchpad: the layers do not fit"
LARGEST = "the largest panels are those of"


def block_evaluation(
    workload: Workload,
    spec: AcceleratorSpec,
    tables: Sequence[EnergyTable],
    *,
    family: str,
    area: AreaModel | None = None,
    is_clock_given: bool = False,
) -> Evaluation:
    """`workload`, its layers streamed one after the other, on `spec` with its keys varied.

    `energy_uj` is by the first of `tables`; each other one gives a metric `energy_by_NAME`, in
    millions of its unit. Resources and clock are those of `family`; the clock is a metric where the
    family has an estimate of it. Seconds are at the spec's clock, else at the estimated one.
    `area`: cells and memories, for `area_um2`. `is_clock_given`: of each design, by its columns.

    Raises:
        ValueError: the first table has another unit than pJ; the spec streams no layers; there is
            no clock.
    """
    if tables[0].unit != "pJ":
        raise ValueError(f"energy: {tables[0].name} has the unit {tables[0].unit}, needs pJ")
    if not (has_clock(family) or is_clock_given or spec.clock_hz is not None):
        raise ValueError(f"clock: has no estimate for {family}, write one")
    estimate = BlockEstimate(
        reader=reader_of(spec),
        ops=ops_of(workload),
        workload=workload,
        tables=tuple(tables),
        family=family,
        area=area,
    )
    digest = estimate.digest_of(layers=[repr(layer) for layer in workload.layers])
    return Evaluation(
        name=f"block_estimate {workload.name} {digest}", metrics=estimate.metrics, many=estimate
    )


@dataclass(frozen=True, kw_only=True)
class BlockEstimate(BlockFrame):
    """Metrics of columns of designs; may be sent to workers."""

    ops: Ops = field(repr=False)
    workload: Workload = field(repr=False)

    @cached_property
    def no_room(self) -> str:
        """Why layers do not fit. Panels of both operands grow with K alone: of the first layer with
        the largest one they are the largest, on every machine.
        """
        products = [layer.as_matmul() for layer in self.workload.layers]
        deepest = max(products, key=lambda product: product.K)
        return f"{NO_ROOM}; {LARGEST} {deepest.name}, K = {deepest.K:,}"

    def of_machines(self, machines: Machines) -> tuple[dict[str, Values], Refusals]:
        """Metrics of machines; no room for the layers is a refusal."""
        layout = Layout(machines=machines, ops=self.ops)
        is_fitting = layout.tiling.is_fitting[layout.tilings.of]
        refusals = np.full(len(is_fitting), None, dtype=object)
        refusals[~is_fitting] = self.no_room
        return self._of(layout), refusals

    def _of(self, layout: Layout) -> dict[str, Values]:
        """Metrics of machines, whether the layers fit or not."""
        cycles, pes = cycles_of(layout), layout.engine("rows") * layout.engine("cols")
        moved = moved_by_ops(layout.arrays, self.ops, layout.tiling)
        of, parts = layout.tilings.of, part_kinds(layout)
        found = {
            "cycles": cycles,
            "bytes_off_chip": np.asarray(moved.bytes_off_chip)[of],
            "utilisation": self.workload.macs / (cycles * pes),
            **{name: energy[of] for name, energy in self.energies(moved).items()},
            **resources_of_parts(parts, self.family),
        }
        if self.area is not None:
            found[AREA] = areas_of_parts(parts, self.area)
        return with_latency(found, layout.machines)


def ops_of(workload: Workload) -> Ops:
    """The distinct products of a workload, in its order, with their numbers."""
    return products_of(workload)[0]


def products_of(workload: Workload) -> tuple[Ops, NDArray[np.intp]]:
    """The same, and for each layer the place of its product among them."""
    columns = workload.columns()
    sizes = np.stack([columns[name] for name in "MKN"], axis=1)
    _, first, of = np.unique(sizes, axis=0, return_index=True, return_inverse=True)
    count = np.bincount(of.ravel(), weights=columns["repeats"]).astype(np.float64)
    order = np.argsort(first)
    M, K, N = sizes[first[order]].T.astype(np.float64)
    return Ops(M=M, K=K, N=N, count=count[order]), np.argsort(order)[of.ravel()]

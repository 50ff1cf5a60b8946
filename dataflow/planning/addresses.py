"""Addresses for a plan: its residences as rectangles in time and bytes, packed into the budget."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..placement.packing import Packing, Rectangle, pack
from .memory_plan import MemoryPlan, Residence
from .problem import Problem


@dataclass(frozen=True, kw_only=True)
class Block:
    """Residences that share one place: a tensor, and what overwrites it, and so on."""

    residences: tuple[int, ...]
    rectangle: Rectangle


def blocks_of(problem: Problem, plan: MemoryPlan, alignment: int = 1) -> tuple[Block, ...]:
    """The rectangles to pack; sizes are rounded up to `alignment`."""
    ends_at = {(r.item, r.last): index for index, r in enumerate(plan.residences)}
    follows: dict[int, int] = {}
    for index, residence in enumerate(plan.residences):
        step = problem.steps[plan.order[residence.first]]
        is_result = not residence.is_loaded and residence.item == step.writes[0]
        if step.overwrites is not None and is_result:
            follows[ends_at[step.overwrites, residence.first]] = index
    later = set(follows.values())
    blocks = []
    for index in range(len(plan.residences)):
        if index in later:
            continue
        chain = [index]
        while chain[-1] in follows:
            chain.append(follows[chain[-1]])
        blocks.append(_block(problem, plan.residences, chain, alignment))
    return tuple(blocks)


def _block(
    problem: Problem, residences: tuple[Residence, ...], chain: list[int], alignment: int
) -> Block:
    size = problem.items[residences[chain[0]].item].size
    rectangle = Rectangle(
        start=residences[chain[0]].first,
        end=residences[chain[-1]].last + 1,
        size=-(-size // alignment) * alignment,
    )
    return Block(residences=tuple(chain), rectangle=rectangle)


def with_addresses(
    problem: Problem, plan: MemoryPlan, *, alignment: int = 1, seconds: float = 60.0, seed: int = 1
) -> tuple[MemoryPlan | None, Packing]:
    """The plan with an offset for each residence, or None with what the packing search found."""
    blocks = blocks_of(problem, plan, alignment)
    rectangles = [block.rectangle for block in blocks]
    packing = pack(rectangles, problem.budget, seconds=seconds, seed=seed)
    if packing.offsets is None:
        return None, packing
    residences = list(plan.residences)
    for block, offset in zip(blocks, packing.offsets, strict=True):
        for index in block.residences:
            residences[index] = replace(residences[index], offset=offset)
    return replace(plan, residences=tuple(residences)), packing

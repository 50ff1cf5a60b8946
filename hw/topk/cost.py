"""Cost laws of the top-k template: exact cycles of packets, and the area of an engine. Pure.

Cycles count from the first transfer of any input to the last output transfer, both counted, without
stalls. Each engine has a law of its own; those of the queues with a filter depend on the keys.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Final

from .mapping import Packet
from .params import Engine, TopKParams

Law = Callable[[TopKParams, Sequence[Packet]], int]

_LAWS: Final[dict[Engine, str]] = {
    "shift_queue": "queue_cost:shift_queue_cycles",
    "filtered_queue": "queue_cost:filtered_queue_cycles",
    "radix_select": "radix_cost:kernel_cycles",
    "bitonic_merge": "bitonic_cost:kernel_cycles",
}


def kernel_cycles(params: TopKParams, packets: Sequence[Packet]) -> int:
    """Cycles of packets back to back: first transfer of any input to last of the output."""
    module, _, name = _LAWS[params.engine].partition(":")
    law: Law = getattr(import_module(f".{module}", __package__), name)
    return law(params, packets)

"""The top-k template: four engines behind one interface."""

from amaranth.hdl import Module
from amaranth.lib import wiring

from .params import TopKParams
from .ports import engine_members


class TopK(wiring.Component):
    """The k largest (or smallest) keys of each packet, with their positions.

    Parameters
    ----------
    params : TopKParams

    Members
    -------
    k : In(stream of k_bits); one word per packet: how many are wanted, above k_max means k_max
    i : In(stream of {keys, mask, last}); a word of `lanes` keys, any of them valid or not
    o : Out(stream of {keys, indices, mask, last}, or {mask, last}); min(k, valid keys) results

    Timing
    ------
    The law of the engine in ``cost``; any stall on any port, packets back to back, two in flight.

    Numbers
    -------
    Keys are compared as two's complement or unsigned numbers; of equal keys the lowest index wins.
    An index is word * lanes + lane, counted from the packet's first word, modulo 2**index_bits.
    """

    def __init__(self, params: TopKParams) -> None:
        self.params = params
        super().__init__(engine_members(params))

    def elaborate(self, platform):
        m = Module()
        m.submodules[self.params.engine] = engine = _engine(self.params)
        wiring.connect(m, wiring.flipped(self.k), engine.k)
        wiring.connect(m, wiring.flipped(self.i), engine.i)
        wiring.connect(m, engine.o, wiring.flipped(self.o))
        return m


def _engine(params: TopKParams) -> wiring.Component:
    """The engine's component; the others' files are not even read."""
    if params.engine == "shift_queue":
        from .shift_queue import ShiftQueue

        return ShiftQueue(params)
    if params.engine == "filtered_queue":
        from .filtered_queue import FilteredQueue

        return FilteredQueue(params)
    if params.engine == "bitonic_merge":
        from .bitonic_merge import BitonicMerge

        return BitonicMerge(params)
    from .radix_select import RadixSelect

    return RadixSelect(params)

"""Core of the nm_sparse template: starts a step as soon as its operands are there."""

from amaranth.hdl import Signal
from amaranth.lib import wiring

from ..systolic.core_os import OutputStationaryCore
from ..systolic.feed import Feed
from ..systolic.params import FeedParams
from .array import NMSparseArray
from .feed import GroupFeed
from .params import NMSparseParams
from .walk import StepWalker


class NMSparseCore(OutputStationaryCore):
    """An ``OutputStationaryCore`` whose block is a step of compressed weights.

    Parameters
    ----------
    params : NMSparseParams

    Members
    -------
    See ``systolic.ports.core_members``. A command's loops, innermost first: steps of a group
    (``last_step``), groups, subpanels, m tiles, panels. A step takes a weight word, the first of a
    group also ``group_words`` activation words.

    Timing
    ------
    The law in ``cost``. Steps, groups, tiles and commands follow each other without a gap.

    Numbers
    -------
    Those of ``PE``.
    """

    params: NMSparseParams
    WALKER = StepWalker
    ARRAY = NMSparseArray

    def _feed(self, m, array, walker):
        """Edge buffers; the start of a step and whether its operands are there."""
        p = self.params
        m.submodules.a_feed = a_feed = GroupFeed(p)
        m.submodules.b_feed = b_feed = Feed(
            FeedParams(word_bits=p.b_word_bits, block_words=1, num_blocks=p.edge_blocks)
        )
        start = Signal()
        for feed, port in ((a_feed, self.a), (b_feed, self.b)):
            wiring.connect(m, wiring.flipped(port), feed.i)
        m.d.comb += [
            a_feed.take.eq(start & walker.is_first_of_group),
            a_feed.is_released.eq(array.released),
            b_feed.start.eq(start),
            array.a_word.eq(a_feed.word),
            *(getattr(array, name).eq(getattr(a_feed, name)) for name in _FROM_FEED),
            array.b_word.eq(b_feed.word),
            array.b_valid.eq(b_feed.is_valid),
        ]
        return start, b_feed.is_ready & (a_feed.is_ready | ~walker.is_first_of_group)


_FROM_FEED = ("write_parts", "write_slot", "load", "load_slot")

"""The nm_sparse template: matrix products with N:M sparse weights as streams."""

from ..systolic.rtl import Systolic
from .core import NMSparseCore


class NMSparse(Systolic):
    """Matrix product M x K by K x N, of whose weights few of each group of k are not zero.

    Parameters
    ----------
    params : NMSparseParams

    Members
    -------
    Those of ``Systolic``: `a` takes activation words, `b` compressed weight words.

    Timing
    ------
    The law in ``cost``: a step per cycle, `kept` steps per group, any stall on any port.

    Numbers
    -------
    Those of ``Systolic``: exact products, sums wrap at accumulator_bits; an index beyond the group
    selects the activation 0.
    """

    def _core(self):
        return NMSparseCore(self.params)

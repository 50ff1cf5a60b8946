"""The spmm template on its own, with the port names that tools recognise."""

from ..lib.kernel import StreamKernel
from .params import SpmmParams
from .rtl import Spmm


class SpmmKernel(StreamKernel):
    """``Spmm`` behind AXI4-Stream ports.

    Parameters
    ----------
    params : SpmmParams

    Members
    -------
    aclk, aresetn : In(1); clock, synchronous reset (active low)
    s_axis_a_{tdata, tvalid, tready, tlast} : A in the form of the mode
    s_axis_b_{tdata, tvalid, tready, tlast} : words of B and their places
    m_axis_oN_{tdata, tvalid, tready, tlast} : results of lane N

    Timing
    ------
    That of ``Spmm``.

    Numbers
    -------
    Those of ``Spmm``.
    """

    def __init__(self, params: SpmmParams) -> None:
        self.params = params
        super().__init__(Spmm(params))

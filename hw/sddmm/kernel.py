"""The sddmm template on its own, with the port names that tools recognise."""

from ..lib.kernel import StreamKernel
from .params import SddmmParams
from .rtl import Sddmm


class SddmmKernel(StreamKernel):
    """``Sddmm`` behind AXI4-Stream ports.

    Parameters
    ----------
    params : SddmmParams

    Members
    -------
    aclk, aresetn : In(1); clock, synchronous reset (active low)
    s_axis_NAME_{tdata, tvalid, tready, tlast} : a, k, q
    m_axis_NAME_{tdata, tvalid, tready, tlast} : o0, o1, ... of the lanes, or o

    Timing
    ------
    That of ``Sddmm``.

    Numbers
    -------
    Those of ``Sddmm``.
    """

    def __init__(self, params: SddmmParams) -> None:
        self.params = params
        super().__init__(Sddmm(params))

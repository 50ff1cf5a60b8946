"""The pruner on its own, with the port names that tools recognise."""

from ..lib.kernel import StreamKernel
from .params import NMPruneParams
from .rtl import NMPruner


class NMPrunerKernel(StreamKernel):
    """``NMPruner`` behind AXI4-Stream ports.

    Parameters
    ----------
    params : NMPruneParams

    Members
    -------
    aclk, aresetn : In(1); clock, synchronous reset (active low)
    s_axis_command_{tdata, tvalid, tready} : kept - 1, one for each packet
    s_axis_i_{tdata, tvalid, tready, tlast} : groups of values
    m_axis_o_{tdata, tvalid, tready, tlast} : elements, with `output: groups` and their mask above

    Timing
    ------
    That of ``NMPruner``.

    Numbers
    -------
    Those of ``NMPruner``.
    """

    def __init__(self, params: NMPruneParams) -> None:
        self.params = params
        super().__init__(NMPruner(params))

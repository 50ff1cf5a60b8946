"""The zero_skip template on its own, with the port names that tools recognise."""

from ..lib.kernel import StreamKernel
from .params import ZeroSkipParams
from .rtl import ZeroSkip


class ZeroSkipKernel(StreamKernel):
    """``ZeroSkip`` behind AXI4-Stream ports.

    Parameters
    ----------
    params : ZeroSkipParams

    Members
    -------
    aclk, aresetn : In(1); clock, synchronous reset (active low)
    s_axis_command_{tdata, tvalid, tready} : one per packet (not with function `zeros`)
    s_axis_i_{tdata, tvalid, tready, tlast} : elements
    m_axis_o_{tdata, tvalid, tready, tlast} : results with their positions

    Timing
    ------
    That of ``ZeroSkip``. Numbers likewise; the fields of words lie as in ``ports``, those of a
    command as in ``params.command_format``. A reset does not clear the values last sent.
    """

    def __init__(self, params: ZeroSkipParams) -> None:
        self.params = params
        super().__init__(ZeroSkip(params))

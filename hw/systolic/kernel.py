"""The systolic template on its own, with the port names that tools recognise."""

from ..lib.kernel import StreamKernel
from .params import SystolicParams
from .rtl import Systolic


class SystolicKernel(StreamKernel):
    """``Systolic`` behind AXI4-Stream ports.

    Parameters
    ----------
    params : SystolicParams

    Members
    -------
    aclk, aresetn : In(1); clock, synchronous reset (active low)
    s_axis_NAME_{tdata, tvalid, tready} : command, a, b and, for int8 output, p
    m_axis_o_{tdata, tvalid, tready, tlast} : a row of results; last row of a tile
    p_release : Out(1); pulse: the parameters of a panel are no longer needed (int8 output)
    busy : Out(1); a command is held or results have not left

    Timing
    ------
    That of ``Systolic``.

    Numbers
    -------
    Those of ``Systolic``. The fields of a command lie as in ``params.command_format``.
    """

    def __init__(self, params: SystolicParams) -> None:
        self.params = params
        names = {"release": "p_release", "wait_input": None, "wait_output": None}
        if not params.has_parameters:
            names["release"] = None
        super().__init__(Systolic(params), names)

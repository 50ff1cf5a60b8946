"""The nm_sparse template on its own, with the port names that tools recognise."""

from ..lib.kernel import StreamKernel
from .params import NMSparseParams
from .rtl import NMSparse


class NMSparseKernel(StreamKernel):
    """``NMSparse`` behind AXI4-Stream ports.

    Parameters
    ----------
    params : NMSparseParams

    Members
    -------
    Those of ``SystolicKernel``.

    Timing
    ------
    That of ``NMSparse``.

    Numbers
    -------
    Those of ``NMSparse``. The fields of a command lie as in ``params.command_format``.
    """

    def __init__(self, params: NMSparseParams) -> None:
        self.params = params
        names = {"release": "p_release", "wait_input": None, "wait_output": None}
        if not params.has_parameters:
            names["release"] = None
        super().__init__(NMSparse(params), names)

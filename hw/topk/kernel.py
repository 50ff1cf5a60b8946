"""The top-k template with the port names that tools recognise."""

from ..lib.kernel import StreamKernel
from .params import TopKParams
from .rtl import TopK


class TopKKernel(StreamKernel):
    """`TopK` behind AXI4-Stream ports: s_axis_k, s_axis_i, m_axis_o.

    Parameters
    ----------
    params : TopKParams

    Members, timing and numbers are those of `TopK`; `tlast` is the field `last`.
    """

    def __init__(self, params: TopKParams) -> None:
        self.params = params
        super().__init__(TopK(params))

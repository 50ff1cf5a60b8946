"""Template sections of a spec: one module per template, one entry here.

`BUILTIN_SECTIONS` maps the word after `template:` to the model of the section. Added templates
(a user's own) are passed to `load_spec` and `json_schema` in a mapping of the same form:
`{**BUILTIN_SECTIONS, "mine": MySection}`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from .base import TemplateSection
from .nm_prune import NMPruneSection
from .nm_sparse import NMSparseSection
from .sddmm import SddmmSection
from .spmm import SpmmSection
from .systolic import SystolicSection
from .topk import TopKSection
from .zero_skip import ZeroSkipSection

BUILTIN_SECTIONS: Mapping[str, type[TemplateSection]] = MappingProxyType(
    {
        "nm_prune": NMPruneSection,
        "nm_sparse": NMSparseSection,
        "sddmm": SddmmSection,
        "spmm": SpmmSection,
        "systolic": SystolicSection,
        "topk": TopKSection,
        "zero_skip": ZeroSkipSection,
    }
)

__all__ = [
    "BUILTIN_SECTIONS",
    "NMPruneSection",
    "NMSparseSection",
    "SddmmSection",
    "SpmmSection",
    "SystolicSection",
    "TemplateSection",
    "TopKSection",
    "ZeroSkipSection",
]

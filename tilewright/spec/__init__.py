"""From the text of a spec to a frozen, checked `Spec`; every mistake comes with its place."""

from .diagnostics import Diagnostic, SpecError
from .load import load_spec, parse_spec, spec_from_data, spec_hash
from .model import AcceleratorSpec, KernelSpec, Spec
from .numbers import NumberFormat
from .schema import json_schema
from .sections import (
    BUILTIN_SECTIONS,
    NMPruneSection,
    NMSparseSection,
    SddmmSection,
    SpmmSection,
    SystolicSection,
    TemplateSection,
    TopKSection,
    ZeroSkipSection,
)
from .template import spec_template

__all__ = [
    "BUILTIN_SECTIONS",
    "AcceleratorSpec",
    "Diagnostic",
    "KernelSpec",
    "NMPruneSection",
    "NMSparseSection",
    "NumberFormat",
    "SddmmSection",
    "Spec",
    "SpecError",
    "SpmmSection",
    "SystolicSection",
    "TemplateSection",
    "TopKSection",
    "ZeroSkipSection",
    "json_schema",
    "load_spec",
    "parse_spec",
    "spec_from_data",
    "spec_hash",
    "spec_template",
]

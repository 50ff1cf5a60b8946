"""The catalog of templates: each part by name, imported only when it is used.

So `check`, `estimate` and `sweep` never load Amaranth. A package of yours adds templates through
the entry point group `tilewright.templates`: each entry point names a `Template` object.
"""

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from tilewright.errors import TilewrightError

if TYPE_CHECKING:
    from tilewright.spec import Spec, TemplateSection

ENTRY_POINT_GROUP: Final = "tilewright.templates"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_PLACE: Final = re.compile(r"[A-Za-z_][\w.]*(:[A-Za-z_]\w*)?", re.ASCII)


class CatalogError(TilewrightError):
    """An entry of the catalog is wrong: a package's bug, or two packages' quarrel."""


@dataclass(frozen=True, kw_only=True)
class Template:
    """One template. Every part is a place, `module:name` or `module`, resolved by `load`.

    Parameters
    ----------
    name : its name in specs.
    summary : one line for lists.
    section : its section of a spec, a `TemplateSection`; the only part that `check` loads.
    params : frozen dataclass, the only argument of the component's constructor.
    mapping : module: packs tensors into words in the order in which the component takes them.
    cost : module: the cost law, exact cycles of a command without stalls.
    rtl : the component class.
    golden : the NumPy golden model.
    kernel : the component class with stream ports and outside names, for kernel specs.
    cases : module with `params_of(section)` and `job(params, module, samples=..., seed=...)`.
    bench : module: the cocotb bench.
    """

    name: str
    summary: str
    section: str
    params: str
    mapping: str
    cost: str
    rtl: str
    golden: str
    kernel: str
    cases: str
    bench: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise CatalogError(f"template {self.name!r}: a name is {_NAME.pattern}")
        for part in PARTS:
            place = getattr(self, part)
            if not isinstance(place, str) or not _PLACE.fullmatch(place):
                raise CatalogError(
                    f"template {self.name}: {part} is `module:name` or `module`, got {place!r}"
                )

    def load(self, part: str) -> Any:
        """The object behind one of `PARTS`."""
        if part not in PARTS:
            raise ValueError(f"part is one of {PARTS}, got {part!r}")
        module, _, name = getattr(self, part).partition(":")
        try:
            found = importlib.import_module(module)
            return getattr(found, name) if name else found
        except (ImportError, AttributeError) as error:
            place = getattr(self, part)
            message = f"template {self.name}: {part} `{place}` cannot be loaded: {error}"
            raise CatalogError(message) from error


PARTS: Final = tuple(f.name for f in fields(Template) if f.name not in ("name", "summary"))

BUILT_IN: Final = (
    Template(
        name="nm_prune",
        summary="the N largest magnitudes of each group of M values, one group per cycle",
        section="tilewright.spec:NMPruneSection",
        params="tilewright.hw.nm_prune.params:NMPruneParams",
        mapping="tilewright.hw.nm_prune.mapping",
        cost="tilewright.hw.nm_prune.cost",
        rtl="tilewright.hw.nm_prune.rtl:NMPruner",
        golden="tilewright.sim.golden.nm_prune:nm_prune",
        kernel="tilewright.hw.nm_prune.kernel:NMPrunerKernel",
        cases="tilewright.flow.nm_prune_cases",
        bench="tilewright.sim.benches.kernel",
    ),
    Template(
        name="nm_sparse",
        summary="matrix multiplication with N:M structured sparse weights",
        section="tilewright.spec:NMSparseSection",
        params="tilewright.hw.nm_sparse.params:NMSparseParams",
        mapping="tilewright.hw.nm_sparse.mapping",
        cost="tilewright.hw.nm_sparse.cost",
        rtl="tilewright.hw.nm_sparse.rtl:NMSparse",
        golden="tilewright.sim.golden.nm_sparse:nm_sparse",
        kernel="tilewright.hw.nm_sparse.kernel:NMSparseKernel",
        cases="tilewright.flow.nm_sparse_cases",
        bench="tilewright.sim.benches.kernel",
    ),
    Template(
        name="sddmm",
        summary="sampled dot products of rows of Q and K at the nonzeros of a sparse mask",
        section="tilewright.spec:SddmmSection",
        params="tilewright.hw.sddmm.params:SddmmParams",
        mapping="tilewright.hw.sddmm.mapping",
        cost="tilewright.hw.sddmm.cost",
        rtl="tilewright.hw.sddmm.rtl:Sddmm",
        golden="tilewright.sim.golden.sddmm:sddmm",
        kernel="tilewright.hw.sddmm.kernel:SddmmKernel",
        cases="tilewright.flow.sddmm_cases",
        bench="tilewright.sim.benches.kernel",
    ),
    Template(
        name="spmm",
        summary="a sparse matrix times a dense one on lanes beside banks",
        section="tilewright.spec:SpmmSection",
        params="tilewright.hw.spmm.params:SpmmParams",
        mapping="tilewright.hw.spmm.mapping",
        cost="tilewright.hw.spmm.cost",
        rtl="tilewright.hw.spmm.rtl:Spmm",
        golden="tilewright.sim.golden.spmm:spmm",
        kernel="tilewright.hw.spmm.kernel:SpmmKernel",
        cases="tilewright.flow.spmm_cases",
        bench="tilewright.sim.benches.kernel",
    ),
    Template(
        name="systolic",
        summary="matrix multiplication on an array of PEs, output- or weight-stationary",
        section="tilewright.spec:SystolicSection",
        params="tilewright.hw.systolic.params:SystolicParams",
        mapping="tilewright.hw.systolic.mapping",
        cost="tilewright.hw.systolic.cost",
        rtl="tilewright.hw.systolic.rtl:Systolic",
        golden="tilewright.sim.golden.systolic:systolic",
        kernel="tilewright.hw.systolic.kernel:SystolicKernel",
        cases="tilewright.flow.systolic_cases",
        bench="tilewright.sim.benches.kernel",
    ),
    Template(
        name="topk",
        summary="the k largest keys of each packet in rank order, in index order or as a mask",
        section="tilewright.spec:TopKSection",
        params="tilewright.hw.topk.params:TopKParams",
        mapping="tilewright.hw.topk.mapping",
        cost="tilewright.hw.topk.cost",
        rtl="tilewright.hw.topk.rtl:TopK",
        golden="tilewright.sim.golden.topk:topk",
        kernel="tilewright.hw.topk.kernel:TopKKernel",
        cases="tilewright.flow.topk_cases",
        bench="tilewright.sim.benches.kernel",
    ),
    Template(
        name="zero_skip",
        summary="zero and threshold eliminator and delta encoder, many elements per cycle",
        section="tilewright.spec:ZeroSkipSection",
        params="tilewright.hw.zero_skip.params:ZeroSkipParams",
        mapping="tilewright.hw.zero_skip.mapping",
        cost="tilewright.hw.zero_skip.cost",
        rtl="tilewright.hw.zero_skip.rtl:ZeroSkip",
        golden="tilewright.sim.golden.zero_skip:zero_skip",
        kernel="tilewright.hw.zero_skip.kernel:ZeroSkipKernel",
        cases="tilewright.flow.zero_skip_cases",
        bench="tilewright.sim.benches.kernel",
    ),
)


def templates() -> Mapping[str, Template]:
    """All templates by name: ours and those of installed packages."""
    from importlib.metadata import entry_points

    found = {template.name: (template, "tilewright") for template in BUILT_IN}
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
        owner = point.dist.name if point.dist else point.value
        template = _load_entry(point, owner)
        if template.name in found:
            message = (
                f"template {template.name}: both {found[template.name][1]} and {owner} have it"
            )
            raise CatalogError(message, help=f"uninstall one of them, or rename {owner}'s")
        found[template.name] = (template, owner)
    return MappingProxyType({name: template for name, (template, _) in sorted(found.items())})


def find_template(name: str) -> Template:
    """The template of this name."""
    known = templates()
    if name not in known:
        raise CatalogError(f"no template {name!r}", help=f"known: {', '.join(known)}")
    return known[name]


def spec_sections() -> Mapping[str, "type[TemplateSection]"]:
    """What the spec layer must know of the templates: the model of each one's section."""
    from tilewright.spec import TemplateSection

    sections: dict[str, type[TemplateSection]] = {}
    for name, template in templates().items():
        section = template.load("section")
        if not (isinstance(section, type) and issubclass(section, TemplateSection)):
            raise CatalogError(f"template {name}: {template.section} is not a TemplateSection")
        sections[name] = section
    return sections


def load_spec(path: str | Path) -> "Spec":
    """Read and check a spec with all templates and boards; `SpecError` has every mistake.

    Of a spec with a board the memory's numbers that it leaves out are the board's.
    """
    from tilewright import spec
    from tilewright.board_of_spec import known_boards, with_board

    found = with_board(spec.load_spec(path, sections=spec_sections(), boards=known_boards()))
    if isinstance(found, spec.AcceleratorSpec) and found.sweep is not None:
        from tilewright.flow.sweep.set_up import check_sweep

        check_sweep(found)
    return found


def _load_entry(point: Any, owner: str) -> Template:
    try:
        template = point.load()
    except Exception as error:  # somebody else's code: whatever it raises, its name is told
        message = f"{owner}: entry point {point.name} = {point.value} cannot be loaded: {error}"
        raise CatalogError(message, help=f"uninstall or repair {owner}") from error
    if not isinstance(template, Template):
        raise CatalogError(f"{owner}: entry point {point.name} is not a tilewright Template")
    return template

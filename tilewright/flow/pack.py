"""What `tilewright pack` does: a matrix file to the words of a kernel's schedule stream."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tilewright.build.files import output_directory, sha256_file, to_json_bytes, write_file
from tilewright.commands.contract import Progress, no_progress
from tilewright.dataflow.sparse.matrix import SparseMatrix
from tilewright.dataflow.sparse.read import read_matrix
from tilewright.spec import Diagnostic, KernelSpec, SddmmSection, SpecError, SpmmSection

from .packed import DoesNotFitError, Packed, PackResult

PACK_JSON: Final = "pack.json"
DEFAULT_COLUMNS: Final = 64
DEFAULT_SEED: Final = 1
RESULTS: Final = Path("out")
TEMPLATES: Final = ("sddmm", "spmm")

Split = Literal["nonzeros", "rows"]
Values = Literal["file", "random"]


@dataclass(frozen=True, kw_only=True)
class PackOptions:
    """`columns` of the dense matrix (spmm; default 64); `depth` of rows of Q and K (sddmm; default:
    the most) and the `split` of the mask between lanes; `values` of the file, or random ones of the
    spec's format from `seed` (spmm). A file without values gets random ones.
    """

    columns: int | None = None
    depth: int | None = None
    split: Split = "nonzeros"
    values: Values = "file"
    seed: int = DEFAULT_SEED


def pack_file(
    matrix: Path | str,
    spec: Path | str,
    out: Path | str | None = None,
    *,
    options: PackOptions | None = None,
    progress: Progress = no_progress,
) -> PackResult:
    """The schedule of a `.mtx` or `.smtx` file for a kernel spec of template spmm or sddmm.

    The folder `out` (default: out/NAME_pack) gets the words of the streams for `$readmemh`, and
    `pack.json`, which says where the other operands go. Nothing is written if anything is wrong.

    Raises:
        SpecError: with everything that is wrong in the matrix, the spec, or between them.
        OutputError: if the folder cannot be written.
    """
    matrix, spec, options = Path(matrix), Path(spec), options or PackOptions()
    progress("read")
    loaded, found, values = _read(matrix, spec, options)
    progress("schedule")
    packed = _pack(loaded, spec, found, options)
    folder = RESULTS / f"{loaded.name}_pack" if out is None else Path(out)
    names = [PACK_JSON, *(stream.file for stream in packed.streams)]
    result = PackResult(
        name=loaded.name,
        template=loaded.kernel.template,
        matrix=found,
        matrix_file=str(matrix),
        matrix_sha256=sha256_file(matrix),
        spec_file=str(spec),
        values=values,
        packed=packed,
        files=tuple(folder / name for name in names),
    )
    progress("write")
    _write(result, folder)
    return result


def _read(
    path: Path, spec_path: Path, options: PackOptions
) -> tuple[KernelSpec, SparseMatrix, str]:
    """The spec, the matrix, and where its values come from; mistakes in both are told at once."""
    mistakes: list[Diagnostic] = []
    spec = None
    try:
        spec = _read_spec(spec_path, options)
    except SpecError as error:
        mistakes += error.diagnostics
    section = None if spec is None else spec.kernel
    is_product = isinstance(section, SpmmSection)
    has_values = is_product and options.values == "file"
    number_format = section.a if isinstance(section, SpmmSection) and has_values else None
    try:
        matrix = read_matrix(path, has_values=has_values, number_format=number_format)
    except SpecError as error:
        raise SpecError([*mistakes, *error.diagnostics]) from None
    if mistakes or spec is None:
        raise SpecError(mistakes)
    if not isinstance(section, SpmmSection):
        return spec, matrix, "not used: a mask has places"
    if matrix.values is not None:
        return spec, matrix, f"of the file, as {section.a}"
    told = f"random {section.a} but 0, seed {options.seed}"
    return spec, matrix.with_random_values(section.a, options.seed), told


def _read_spec(path: Path, options: PackOptions) -> KernelSpec:
    from tilewright.catalog import load_spec

    spec = load_spec(path)
    if not isinstance(spec, KernelSpec) or spec.kernel.template not in TEMPLATES:
        rule = f"must be of a template that takes sparse matrices: {' or '.join(TEMPLATES)}"
        raise SpecError([Diagnostic.plain(str(path), "kernel.template", rule)])
    template = spec.kernel.template
    given = {"columns": options.columns is not None, "depth": options.depth is not None}
    given |= {"values": options.values == "random", "split": options.split == "rows"}
    useless = {"spmm": ("depth", "split"), "sddmm": ("columns", "values")}[template]
    mistakes = [
        Diagnostic.plain(str(path), f"--{name}", f"has no effect with template {template}")
        for name in useless
        if given[name]
    ]
    if mistakes:
        raise SpecError(mistakes)
    return spec


def _pack(spec: KernelSpec, path: Path, matrix: SparseMatrix, options: PackOptions) -> Packed:
    section = spec.kernel
    try:
        if isinstance(section, SddmmSection):
            from . import pack_sddmm, sddmm_cases

            params = sddmm_cases.params_of(section)
            return pack_sddmm.pack_mask(params, matrix, options.depth, options.split)
        from . import pack_spmm, spmm_cases

        assert isinstance(section, SpmmSection)
        columns = DEFAULT_COLUMNS if options.columns is None else options.columns
        return pack_spmm.pack_product(spmm_cases.params_of(section), matrix, columns)
    except DoesNotFitError as error:
        place = f"kernel.{error.key}"
        raise SpecError([Diagnostic.plain(str(path), place, error.rule, help=error.help)]) from None


def _write(result: PackResult, out: Path) -> None:
    manifest = {
        "name": result.name,
        "design": "packed matrix",
        "source": Path(result.matrix_file).name,
        "source_sha256": result.matrix_sha256,
    }
    # The folder is the same wherever it lies: no paths in it.
    told = result.to_json() | {"spec": Path(result.spec_file).name}
    told["matrix"] |= {"file": Path(result.matrix_file).name}
    told["placement"] = dict(result.packed.description)
    del told["files"]
    with output_directory(out, manifest=manifest) as (folder, _):
        for stream in result.packed.streams:
            write_file(folder / stream.file, stream.hex_text())
        write_file(folder / PACK_JSON, to_json_bytes(told))

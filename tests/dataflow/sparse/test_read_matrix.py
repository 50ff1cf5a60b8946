"""Matrix files: what is read, what is refused and where, and that no bytes end in a traceback."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import scipy.sparse
from tilewright.dataflow.sparse import text as limits
from tilewright.dataflow.sparse.matrix import SparseMatrix
from tilewright.dataflow.sparse.read import read_matrix

from tilewright.spec import NumberFormat, SpecError

SEED = 11
ROOT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("TILEWRIGHT_DATA", ROOT.parent / "shared" / "data")) / "sparse"
BANNER = "%%MatrixMarket matrix coordinate"
SMTX = "2, 3, 3\n0 2 3\n0 2 1\n"


def read(tmp_path: Path, content: str | bytes, name: str = "m.mtx", **options: object):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_matrix(path, **options)  # type: ignore[arg-type]


def refused(tmp_path: Path, content: str | bytes, name: str = "m.mtx", **options: object):
    """(line, column, path, rule) of each mistake."""
    with pytest.raises(SpecError) as caught:
        read(tmp_path, content, name, **options)
    told = caught.value.diagnostics
    for one in told:
        assert one.render().startswith(str(tmp_path / name))
    return [(one.line, one.column, one.path, one.rule) for one in told]


def dense(matrix: SparseMatrix) -> list[list[int]]:
    return matrix.to_csr().toarray().tolist()


def test_coordinates_comments_and_duplicates_in_any_order(tmp_path):
    lines = [f"{BANNER} integer general", "% c", "", "2 3 4", "2 1 -5", "1 3 7", "% c", "1 1 2"]
    matrix = read(tmp_path, "\n".join([*lines, "2 1 3"]))
    assert dense(matrix) == [[2, 0, 7], [-2, 0, 0]]  # by hand: -5 + 3 = -2
    assert matrix.num_entries == 4
    assert matrix.values.tolist() == [2, 7, -5, 3]


@pytest.mark.parametrize(
    ("symmetry", "expected"),
    [
        ("symmetric", [[1, 2, 0], [2, 0, 3], [0, 3, 4]]),
        ("skew-symmetric", [[0, -2, 0], [2, 0, -3], [0, 3, 0]]),
    ],
)
def test_the_other_half_is_added(tmp_path, symmetry, expected):
    entries = ["2 1 2", "3 2 3"] + (["1 1 1", "3 3 4"] if symmetry == "symmetric" else [])
    body = "\n".join([f"{BANNER} integer {symmetry}", f"3 3 {len(entries)}", *entries, ""])
    assert dense(read(tmp_path, body)) == expected


def test_arrays_are_stored_column_after_column(tmp_path):
    body = "%%MatrixMarket matrix array real general\n2 2\n1\n0\n3.0\n-4e0\n"
    matrix = read(tmp_path, body)
    assert dense(matrix) == [[1, 3], [0, -4]]
    assert matrix.num_entries == 3
    half = "%%MatrixMarket matrix array integer symmetric\n2 2\n1\n2\n3\n"
    assert dense(read(tmp_path, half)) == [[1, 2], [2, 3]]


@pytest.mark.parametrize("size", ["3 0", "0 3", "0 0"])
def test_matrices_without_places(tmp_path, size):
    rows, columns = map(int, size.split())
    for kind, more in (("array real", ""), ("coordinate pattern", " 0")):
        matrix = read(tmp_path, f"%%MatrixMarket matrix {kind} general\n{size}{more}\n")
        assert (matrix.rows, matrix.columns, matrix.num_entries) == (rows, columns, 0)
    assert read(tmp_path, f"{rows}, {columns}, 0\n{'0 ' * (rows + 1)}\n\n", "m.smtx").rows == rows


def test_smtx(tmp_path):
    matrix = read(tmp_path, SMTX, "m.smtx")
    assert dense(matrix) == [[1, 0, 1], [0, 1, 0]]
    assert matrix.values is None
    valued = matrix.with_random_values(NumberFormat(2), SEED)
    assert set(valued.values.tolist()) <= {-2, -1, 1}
    again = matrix.with_random_values(NumberFormat(2), SEED)
    assert valued.values.tolist() == again.values.tolist()


def test_values_are_not_looked_at_where_only_places_matter(tmp_path):
    body = f"{BANNER} real general\n1 2 2\n1 1 0.5\n1 2 1e400\n"
    matrix = read(tmp_path, body, has_values=False)
    assert matrix.values is None and matrix.num_entries == 2
    assert [m[:3] for m in refused(tmp_path, body)] == [
        (3, 5, "entry 1"),
        (4, 5, "entry 2"),
    ]


REFUSED = {
    "banner": ("%%MatrixMarkt matrix coordinate real general\n1 1 0\n", (1, 1), "must begin with"),
    "short banner": (f"{BANNER} real\n1 1 0\n", (1, 1), "must be `%%MatrixMarket object"),
    "complex": (f"{BANNER} complex general\n1 1 0\n", (1, 34), "must be real or integer or"),
    "hermitian": (f"{BANNER} real hermitian\n1 1 0\n", (1, 39), "must be general or symmetric"),
    "array pattern": (
        "%%MatrixMarket matrix array pattern general\n1 1\n",
        (1, 29),
        "an array has values",
    ),
    "no sizes": (f"{BANNER} real general\n% only\n", (3, 1), "must be `rows columns entries`"),
    "sizes": (f"{BANNER} real general\n1 x 0\n", (2, 3), "must be a whole number from 0"),
    "negative size": (f"{BANNER} real general\n-1 1 0\n", (2, 1), "must be a whole number from 0"),
    "huge": (f"{BANNER} real general\n1 999999999 0\n", (2, 3), "must be a whole number from 0"),
    "endless": (f"{BANNER} real general\n1 {'9' * 5000} 0\n", (2, 3), "must be a whole number"),
    "not square": (f"{BANNER} real symmetric\n2 3 0\n", (2, 1), "must be square"),
    "row 0": (f"{BANNER} integer general\n2 2 1\n0 1 1\n", (3, 1), "number from 1 to 2"),
    "negative": (f"{BANNER} integer general\n2 2 1\n1 -1 1\n", (3, 3), "number from 1 to 2"),
    "out of range": (f"{BANNER} integer general\n2 2 1\n1 3 1\n", (3, 3), "number from 1 to 2"),
    "no columns": (f"{BANNER} integer general\n2 0 1\n1 1 1\n", (3, 3), "has no places"),
    "too few": (f"{BANNER} pattern general\n2 2 2\n1 1\n", (4, 1), "must be 2, as the sizes say"),
    "too many": (f"{BANNER} pattern general\n2 2 1\n1 1\n2 2\n", (4, 1), "is one too many"),
    "three words": (f"{BANNER} pattern general\n2 2 1\n1 1 1\n", (3, 1), "must be `row column`"),
    "two words": (f"{BANNER} real general\n2 2 1\n1 1\n", (3, 1), "must be `row column value`"),
    "fraction": (f"{BANNER} real general\n2 2 1\n1 1 0.5\n", (3, 5), "must be a whole number"),
    "infinite": (f"{BANNER} real general\n2 2 1\n1 1 1e999\n", (3, 5), "must be a whole number"),
    "word": (f"{BANNER} integer general\n2 2 1\n1 1 one\n", (3, 5), "must be a whole number"),
    "digits": (f"{BANNER} integer general\n2 2 1\n1 1 1_0\n", (3, 5), "must be a whole number"),
    "above": (f"{BANNER} integer symmetric\n2 2 1\n1 2 1\n", (3, 3), "on or below the diagonal"),
    "skew": (f"{BANNER} integer skew-symmetric\n2 2 1\n1 1 1\n", (3, 3), "below the diagonal"),
    "array short": (
        "%%MatrixMarket matrix array integer general\n2 1\n1\n",
        (4, 1),
        "must be 2, as the sizes say",
    ),
    "array long": (
        "%%MatrixMarket matrix array integer general\n1 1\n1\n2\n",
        (4, 1),
        "is one too many",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_mtx_files_are_refused_with_their_place(tmp_path, case):
    content, place, rule = REFUSED[case]
    mistakes = refused(tmp_path, content)
    assert mistakes[0][:2] == place, mistakes
    assert mistakes[0][3].startswith(rule) or rule in mistakes[0][3], mistakes


REFUSED_SMTX = {
    "sizes": ("2, 3\n0 2 3\n0 2 1\n", (1, 1), "must be `rows, columns, entries`"),
    "size word": ("2, x, 3\n0 2 3\n0 2 1\n", (1, 4), "must be a whole number"),
    "pointers": ("2, 3, 3\n0 3\n0 2 1\n", (2, 1), "must be 3 numbers"),
    "first pointer": ("2, 3, 3\n1 2 3\n0 2 1\n", (2, 1), "must be 0"),
    "falling": ("2, 3, 3\n0 3 2\n0 2 1\n", (2, 5), "must not fall below 3"),
    "last pointer": ("2, 3, 3\n0 1 2\n0 2 1\n", (2, 5), "must be 3, the number of entries"),
    "index": ("2, 3, 3\n0 2 3\n0 3 1\n", (3, 3), "number from 0 to 2"),
    "negative": ("2, 3, 3\n0 2 3\n-1 2 1\n", (3, 1), "number from 0 to 2"),
    "count": ("2, 3, 3\n0 2 3\n0 2\n", (3, 1), "must be 3 numbers"),
    "unsorted": ("2, 3, 3\n0 2 3\n2 0 1\n", (3, 3), "must not fall within a row"),
    "fourth line": (f"{SMTX}7\n", (4, 1), "has three lines"),
    "no columns": ("1, 0, 1\n0 1\n0\n", (3, 1), "has no places"),
}


@pytest.mark.parametrize("case", REFUSED_SMTX)
def test_smtx_files_are_refused_with_their_place(tmp_path, case):
    content, place, rule = REFUSED_SMTX[case]
    mistakes = refused(tmp_path, content, "m.smtx")
    assert mistakes[0][:2] == place, mistakes
    assert rule in mistakes[0][3], mistakes


def test_all_mistakes_come_at_once_and_not_without_end(tmp_path):
    body = f"{BANNER} integer general\n2 2 3\n0 1 1\n1 3 x\n1 1\n"
    assert [mistake[:2] for mistake in refused(tmp_path, body)] == [(3, 1), (4, 3), (4, 5), (5, 1)]
    many = f"{BANNER} pattern general\n2 2 9000\n" + "0 0\n" * 9000
    assert len(refused(tmp_path, many)) == limits.MAX_MISTAKES


def test_values_must_fit_the_width(tmp_path):
    body = f"{BANNER} integer general\n1 3 3\n1 1 -8\n1 2 7\n1 3 8\n"
    assert refused(tmp_path, body, number_format=NumberFormat(4)) == [
        (5, 5, "entry 3", "must be from -8 to 7, as int4 holds")
    ]
    skew = f"{BANNER} integer skew-symmetric\n2 2 1\n2 1 -8\n"  # its mirror image is 8
    assert len(refused(tmp_path, skew, number_format=NumberFormat(4))) == 1
    unsigned = f"{BANNER} integer general\n1 1 1\n1 1 -1\n"
    assert len(refused(tmp_path, unsigned, number_format=NumberFormat(4, signed=False))) == 1


@pytest.mark.parametrize(
    ("content", "name", "rule"),
    [
        (b"", "m.mtx", "is empty"),
        (b" \n \n", "m.smtx", "is empty"),
        (b"%%MatrixMarket\0", "m.mtx", "byte 0"),
        (bytes(range(1, 256)) * 9, "m.mtx", "must begin with"),
        (bytes(range(1, 256)) * 9, "m.smtx", ""),
        (b"1 1 1", "m.txt", "must end in .mtx or .smtx"),
    ],
)
def test_what_is_no_matrix_file(tmp_path, content, name, rule):
    assert rule in refused(tmp_path, content, name)[0][3]


def test_a_file_that_is_too_large_or_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_FILE_BYTES", 10)
    assert "at most 10 bytes" in refused(tmp_path, SMTX, "m.smtx")[0][3]
    with pytest.raises(SpecError, match="cannot be read"):
        read_matrix(tmp_path / "absent.mtx")


@pytest.mark.parametrize("name", ["m.mtx", "m.smtx"])
def test_mutated_bytes_never_end_in_a_traceback(tmp_path, name, damaged):
    body = f"{BANNER} real symmetric\n% c\n3 3 4\n1 1 2\n2 1 -3.0\n3 2 1e2\n3 3 5\n"
    start = (body if name == "m.mtx" else SMTX).encode()
    random = np.random.default_rng(SEED)
    accepted, messages = 0, []
    for _ in range(1500):
        data = damaged(random, start, [b"-", b"9", b"\n", b" ", b"\xff", b"1e9"], 8)
        try:
            matrix = read(tmp_path, data, name)
        except SpecError as error:
            messages.append(str(error))
        else:
            accepted += 1
            assert matrix.to_csr().shape == (matrix.rows, matrix.columns)
    assert 0 < accepted < 1500
    assert all(messages)
    assert all(c.isprintable() or c == "\n" for text in messages for c in text)


def test_scipy_writes_what_is_read(tmp_path):
    random = np.random.default_rng(SEED)
    for number in range(20):
        shape = tuple(random.integers(0, 9, 2).tolist())
        values = random.integers(-9, 10, shape) * (random.random(shape) < 0.4)
        written = io.BytesIO()
        scipy.io.mmwrite(written, scipy.sparse.coo_array(values))
        matrix = read(tmp_path, written.getvalue())
        assert np.array_equal(matrix.to_csr().toarray(), values), f"seed {SEED}, matrix {number}"
        there_and_back = SparseMatrix.from_scipy(matrix.to_csr())
        assert np.array_equal(there_and_back.values, matrix.values)
        assert np.array_equal(there_and_back.indices, matrix.indices)


@pytest.mark.skipif(not DATA.is_dir(), reason="no matrix collection beside the project")
def test_files_of_the_collections():
    for path in sorted(DATA.glob("*.mtx")):
        matrix = read_matrix(path, has_values=False)
        if matrix.columns:  # scipy refuses 3 x 0
            theirs = scipy.sparse.csr_array(scipy.io.mmread(path, spmatrix=False))
            places = matrix.to_csr().tocoo(), theirs.tocoo()
            ours, wanted = ({*zip(*p.coords, strict=True)} for p in places)
            assert ours == wanted, path.name
    for path in sorted(DATA.glob("*.smtx")):
        sizes = path.read_text().splitlines()[0].split(", ")
        matrix = read_matrix(path)
        assert [matrix.rows, matrix.columns, matrix.num_entries] == [*map(int, sizes)]

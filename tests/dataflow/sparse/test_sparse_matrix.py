"""The object that sparse matrices are: what it refuses, that it is frozen, blocks."""

import numpy as np
import pytest
import scipy.sparse
from tilewright.dataflow.sparse.matrix import SparseMatrix


def test_blocks():
    matrix = SparseMatrix.from_entries((3, 5), [0, 2, 2], [0, 4, 1], [1, 2, 3])
    blocks = matrix.to_bsr(2, 2)
    assert blocks.shape == (4, 6)
    assert blocks.toarray()[:3, :5].tolist() == matrix.to_csr().toarray().tolist()
    assert blocks.data.shape == (3, 2, 2)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"pointers": [0, 1]}, "one for each row"),
        ({"pointers": [0, 2, 1]}, "do not fall"),
        ({"pointers": [0, 1, 1]}, "end at the number"),
        ({"indices": [0, 3]}, "columns of the matrix"),
        ({"values": [1]}, "one for each entry"),
        ({"pointers": [0, 2, 2], "indices": [1, 0]}, "within a row"),
    ],
)
def test_the_object_refuses_what_is_no_matrix(changes, rule):
    good = {"rows": 2, "columns": 3, "pointers": [0, 1, 2], "indices": [0, 2], "values": [1, 2]}
    SparseMatrix(**good)
    with pytest.raises(ValueError, match=rule):
        SparseMatrix(**(good | changes))


def test_the_object_is_frozen_and_leaves_its_sources_alone():
    indices = np.array([0, 2])
    matrix = SparseMatrix(rows=2, columns=3, pointers=np.array([0, 1, 2]), indices=indices)
    indices[0] = 1
    assert matrix.indices.tolist() == [0, 2]
    with pytest.raises(ValueError, match="read-only"):
        matrix.indices[0] = 1
    with pytest.raises(ValueError, match="whole numbers"):
        SparseMatrix.from_scipy(scipy.sparse.coo_array([[0.5]]))

"""Arrays that a user gives as a file, which may be anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class UnreadableArrays(Exception):
    """The file holds no arrays that can be read; the text says why."""


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an `.npz` file by name, or the one of an `.npy` file by the file's name.

    Raises:
        UnreadableArrays: if the file cannot be read, or would run code.
    """
    try:
        # NumPy leaves a file open that it cannot read, so it is not NumPy that opens it.
        with path.open("rb") as handle:
            loaded = np.load(handle, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return {path.stem: loaded}
            with loaded as file:
                found = {name: file[name] for name in file.files}
    except Exception as error:
        # Nothing of ours runs above. NumPy's reader and that of archives say nowhere what they
        # raise: damaged files gave eleven kinds, tokenize.TokenError among them.
        words = str(error).splitlines() or [type(error).__name__]
        raise UnreadableArrays(f"cannot be read as .npz: {words[0]}") from error
    for name, values in found.items():
        if not isinstance(values, np.ndarray):  # another file within the archive
            raise UnreadableArrays(f"cannot be read as .npz: {name} is no array")
    return found

"""Broadcasting of samples: batched arrays have a leading axis, the others are the same for every
sample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Array = np.ndarray


def align(arrays: Sequence[Array], batched: Sequence[bool]) -> list[Array]:
    """The arrays with axes of size 1 put in, so that NumPy's rules broadcast them by sample."""
    if not any(batched):
        return list(arrays)
    rank = max(a.ndim - b for a, b in zip(arrays, batched, strict=True))
    aligned = []
    for array, has_batch in zip(arrays, batched, strict=True):
        lead = array.shape[:1] if has_batch else (1,)
        shape = array.shape[1:] if has_batch else array.shape
        aligned.append(array.reshape(lead + (1,) * (rank - len(shape)) + shape))
    return aligned

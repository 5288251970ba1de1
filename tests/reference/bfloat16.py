"""Numbers as bfloat16 holds them."""

import numpy as np


def to_bfloat16(x: np.ndarray) -> np.ndarray:
    """The nearest numbers of eight significant bits, of two the even one."""
    bits = np.asarray(x, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).view(np.float32).astype(x.dtype)

"""Settings of the process: number format, data layout, threads, device, algorithms."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from convnet import _core
from convnet.dtype_policies import dtype_policy, set_dtype_policy
from convnet.naming import clear_session

__all__ = [
    "algorithm",
    "algorithm_choices",
    "algorithms",
    "clear_session",
    "device",
    "dtype_policy",
    "epsilon",
    "floatx",
    "get_device",
    "get_num_threads",
    "image_data_format",
    "isa",
    "isas",
    "matmul_precision",
    "set_device",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_matmul_precision",
    "set_num_threads",
    "show",
]

_DATA_FORMATS = ("channels_last", "channels_first")
_epsilon = 1e-7
_image_data_format = "channels_last"


def floatx() -> str:
    """The number format of all computation, `"float32"`.

    >>> floatx()
    'float32'
    """
    return "float32"


def set_floatx(value: str) -> None:
    """Accept `"float32"`, the only number format.

    Raises:
        ValueError: for any other.
    """
    if value != "float32":
        raise ValueError(f"Unknown `floatx` value: {value}. Expected one of ('float32',)")


def epsilon() -> float:
    """The small number that keeps divisors and logarithms from zero, 1e-7 by default.

    >>> epsilon()
    1e-07
    """
    return _epsilon


def set_epsilon(value: float) -> None:
    """Change the small number that `epsilon` returns."""
    global _epsilon
    _epsilon = float(value)


def image_data_format() -> str:
    """Where layers expect channels unless told otherwise: `"channels_last"` by default.

    >>> image_data_format()
    'channels_last'
    """
    return _image_data_format


def set_image_data_format(data_format: str) -> None:
    """Change where layers expect channels unless told otherwise.

    Raises:
        ValueError: if it is neither `"channels_last"` nor `"channels_first"`.
    """
    global _image_data_format
    _image_data_format = standardize_data_format(data_format)


def standardize_data_format(data_format: str | None) -> str:
    """A layer's `data_format` argument, or the default for None.

    Raises:
        ValueError: if it is neither `"channels_last"` nor `"channels_first"`.
    """
    if data_format is None:
        return _image_data_format
    data_format = str(data_format).lower()
    if data_format not in _DATA_FORMATS:
        raise ValueError(
            "The `data_format` argument must be one of {'channels_first', 'channels_last'}. "
            f"Received: data_format={data_format}"
        )
    return data_format


def set_num_threads(count: int | None) -> None:
    """Set how many threads compute; results do not depend on it.

    Args:
        count: Number of threads, or None for the default: `CONVNET_NUM_THREADS`, else the physical
            cores that the process may use.

    Raises:
        ValueError: if `count` is no positive integer.
    """
    if count is not None and (not isinstance(count, int) or count < 1):
        raise ValueError(
            "Invalid value for argument `count`. Expected a positive integer or None. "
            f"Received: count={count}"
        )
    _core.set_num_threads(0 if count is None else count)


def get_num_threads() -> int:
    """How many threads compute."""
    return int(_core.num_threads())


def set_device(name: str) -> None:
    """Choose the device that computes.

    Args:
        name: `"cpu"`, or `"gpu"`, also with a number as in `"gpu:1"`.

    Raises:
        ValueError: if `name` names no device.
        RuntimeError: if there is no such GPU; the message says what is missing.
    """
    global _device, _in_force
    _device = available_device(name)
    _in_force = _settled()


def get_device() -> str:
    """The device that computes: that of the `with device(...)` block, else that of `set_device`,
    else `CONVNET_DEVICE`, `"cpu"` by default.

    >>> get_device()
    'cpu'
    """
    return _device_here.get() or _device


@contextmanager
def device(name: str) -> Iterator[None]:
    """Choose the device that computes inside a `with` block, for the thread that is in it.

    Args:
        name: `"cpu"`, or `"gpu"`, also with a number as in `"gpu:1"`.

    Raises:
        ValueError: if `name` names no device.
        RuntimeError: if there is no such GPU; the message says what is missing.

    >>> with device("cpu:0"):
    ...     get_device()
    'cpu'
    """
    global _blocks_used
    token = _device_here.set(available_device(name))
    _blocks_used = True
    try:
        yield
    finally:
        _device_here.reset(token)


def gpu() -> int:
    """The number of the GPU that computes; -1 where the CPU does."""
    return _number_of(get_device())


def _number_of(device: str) -> int:
    return -1 if device == "cpu" else int(device.partition(":")[2] or 0)


def _checked_device(name: str) -> str:
    kind, _, number = str(name).lower().partition(":")
    if kind not in ("cpu", "gpu") or not (number or "0").isdecimal():
        raise ValueError(
            "Invalid value for argument `name`. Expected 'cpu', 'gpu' or 'gpu:<number>'. "
            f"Received: name={name}"
        )
    return "cpu" if kind == "cpu" else f"gpu:{number}" if number else "gpu"


def available_device(name: str) -> str:
    """The device of this name; raises what `set_device` raises."""
    device = _checked_device(name)
    if device != "cpu":
        _core.check_gpu(_number_of(device))
    return device


def matmul_precision() -> str:
    """How exactly products are summed, `"high"` by default: see `set_matmul_precision`.

    >>> matmul_precision()
    'high'
    """
    return _matmul_precision


def set_matmul_precision(precision: str) -> None:
    """Set how exactly convolutions and matrix products are summed.

    With `"high"` and `"highest"` all of them are computed in single precision. `"high"` lets
    convolutions take Winograd's algorithm with six or eight points, whose error is 1 to 4
    millionths of the root mean square of the results; `"highest"` forbids what is less exact than a
    direct sum. `"medium"` lets a GPU round what is multiplied to TF32, with 10 bits of mantissa,
    for its tensor cores; sums stay in single precision, and the CPU computes as with `"high"`.
    Layers with the policy `"mixed_bfloat16"` go by that instead. Plans that were built before are
    built again.

    Args:
        precision: `"medium"`, `"high"` or `"highest"`.

    Raises:
        ValueError: for any other.

    >>> set_matmul_precision("highest")
    >>> set_matmul_precision("high")
    """
    global _matmul_precision, _in_force
    if precision not in ("medium", "high", "highest"):
        raise ValueError(
            "Invalid value for argument `precision`. Expected one of 'medium', 'high', 'highest'. "
            f"Received: precision={precision}"
        )
    _matmul_precision = precision
    _in_force = _settled()


def algorithm_choices() -> dict[str, tuple[str, ...]]:
    """The algorithms that can be forced, by what they compute.

    `conv2d` is the convolution and its gradient for the input, by direct sums or by Winograd's
    algorithm with four, six or eight points. `conv2d_backward` is the gradient of convolutions:
    `"sparse"` visits only the pixels that max pooling left alive. `gemm` is the tile of a matrix
    product, or of a convolution, that a block of threads of a GPU computes. `lanes` is how many
    samples lie side by side in a prediction: with `"1"` they run one by one. What is forced is
    taken wherever it can compute what is asked for; `Model.profile` shows what was.

    >>> algorithm_choices()["lanes"]
    ('1', '16')
    """
    choices = {name: tuple(names) for name, names in _core.algorithms().items()}
    del choices["precision"]  # see set_matmul_precision
    return {**choices, "lanes": ("1", "16")}


def algorithms() -> dict[str, str]:
    """The algorithms that are forced: what `CONVNET_ALGORITHM` or `algorithm` says.

    >>> algorithms()
    {}
    """
    return dict(_algorithms)


@contextmanager
def algorithm(**forced: str | int) -> Iterator[None]:
    """Force algorithms inside a `with` block, to debug or to compare: see `algorithm_choices`.

    The environment variable `CONVNET_ALGORITHM`, such as `conv2d_backward=direct,lanes=16`, does it
    for a whole program. Results agree up to rounding.

    Args:
        **forced: Names of algorithms by what they compute.

    Raises:
        ValueError: if there is no such choice.

    >>> with algorithm(conv2d_backward="direct"):
    ...     algorithms()
    {'conv2d_backward': 'direct'}
    """
    global _algorithms, _in_force
    outer = _algorithms
    named = {name: str(value) for name, value in forced.items()}
    _algorithms = _checked_algorithms({**algorithms(), **named})
    _in_force = _settled()
    try:
        yield
    finally:
        _algorithms = outer
        _in_force = _settled()


def algorithms_in_force() -> tuple[tuple[str, str], ...]:
    """`algorithms`, precision and device as a part of the keys under which plans are kept."""
    return _settled() if _blocks_used and _device_here.get() else _in_force


def _settled() -> tuple[tuple[str, str], ...]:
    return (*_algorithms, ("precision", _matmul_precision), ("gpu", str(gpu())))


def graph_algorithms() -> dict[str, str]:
    """The algorithms that the core chooses between, of those that are forced, and the precision."""
    forced = {name: value for name, value in _algorithms if name != "lanes"}
    return forced | ({"precision": _matmul_precision} if _matmul_precision != "high" else {})


def _checked_algorithms(forced: dict[str, str]) -> tuple[tuple[str, str], ...]:
    choices = algorithm_choices()
    for name, value in forced.items():
        if name not in choices:
            raise ValueError(
                f"There is no choice of algorithms for {name!r}. Expected one of "
                f"{', '.join(map(repr, choices))}. Received: {name}={value}"
            )
        if value not in choices[name]:
            raise ValueError(
                f"Invalid value for argument `{name}`. Expected one of "
                f"{', '.join(map(repr, choices[name]))}. Received: {name}={value}"
            )
    return tuple(sorted(forced.items()))


def _parsed_algorithms(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if not all(equals for _, equals, _ in pairs):
        raise ValueError(
            "CONVNET_ALGORITHM must hold pairs such as conv2d_backward=direct, with commas between "
            f"them. Received: {text!r}"
        )
    return {name.strip(): value.strip() for name, _, value in pairs}


def isa() -> str:
    """The instruction set in use: the best of the CPU, or what `CONVNET_ISA` names."""
    return str(_core.isa())


def isas() -> list[str]:
    """The instruction sets that this CPU can use."""
    return list(_core.available_isas())


def show(print_fn: Callable[[str], Any] = print) -> None:
    """Print the settings, one a line.

    Args:
        print_fn: Takes each line.
    """
    from convnet import __version__

    lines = {
        "convnet": __version__,
        "device": get_device(),
        "instruction set": f"{isa()} (available: {', '.join(isas())})",
        "threads": str(get_num_threads()),
        "precision": matmul_precision(),
        "dtype policy": dtype_policy().name,
        "algorithms": ", ".join("=".join(pair) for pair in _algorithms) or "chosen",
        "floatx": floatx(),
        "epsilon": str(epsilon()),
        "image_data_format": image_data_format(),
    }
    for name, value in lines.items():
        print_fn(f"{name:18} {value}")


_library = Path(__file__).with_name("libconvnet_cuda.so")
_core.set_cuda_library(str(_library) if _library.exists() else "")
_matmul_precision = "high"
_device = _checked_device(os.environ.get("CONVNET_DEVICE", "cpu"))  # looked for when it is used
_device_here: ContextVar[str | None] = ContextVar("device", default=None)
_blocks_used = False  # of any thread: asking for its own takes as long as a part of a prediction
_algorithms = _checked_algorithms(_parsed_algorithms(os.environ.get("CONVNET_ALGORITHM", "")))
_in_force = _settled()

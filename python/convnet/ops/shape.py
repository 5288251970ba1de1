"""Rearranging the elements of tensors."""

from __future__ import annotations

import itertools
import math
from typing import Any

from convnet.ops.operation import CORE, operation
from convnet.ops.record import normalised_axis, result_dtype, sample_axis
from convnet.tracing import GraphTensor


def _reshaped(x: GraphTensor, sizes: list[int]) -> Any:
    return x.trace.one("reshape", [x], x.dtype, shape=sizes)


@operation()
def reshape(x: Any, newshape: Any) -> Any:
    """The same elements in another shape.

    Args:
        x: Tensor.
        newshape: Sizes with the batch; one may be -1. While a computation is traced, the first
            axis of a batched tensor stays the batch (-1 or None).

    Raises:
        ValueError: if the number of elements differs.

    >>> reshape([1.0, 2.0, 3.0, 4.0], (2, -1)).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    sizes = [
        -1 if n is None else int(n) for n in ([newshape] if isinstance(newshape, int) else newshape)
    ]
    inner = sizes[1:] if x.batched else sizes
    total = math.prod(x.sample_shape)
    if -1 in inner:
        rest = -math.prod(inner)
        inner[inner.index(-1)] = total // rest if rest > 0 else 0
    moved = x.batched and sizes[0] != -1
    if math.prod(inner) != total or inner.count(-1) or moved:
        raise ValueError(
            f"Cannot reshape a tensor of shape {x.shape} to {tuple(newshape)}: the number of "
            "elements differs, or the batch axis would not stay the first."
        )
    return _reshaped(x, inner)


@operation()
def expand_dims(x: Any, axis: int | tuple[int, ...]) -> Any:
    """A tensor with new axes of size 1 where `axis` says.

    >>> expand_dims([1.0, 2.0], -1).tolist()
    [[1.0], [2.0]]
    """
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    rank = x.ndim + len(axes)
    places = {a % rank for a in axes}
    if x.batched and 0 in places:
        raise ValueError(f"Cannot put an axis before the batch axis. Received: axis={axis}")
    old = iter(x.sample_shape)
    sizes = [1 if i in places else next(old) for i in range(int(x.batched), rank)]
    return _reshaped(x, sizes)


@operation()
def squeeze(x: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """A tensor without axes of size 1.

    >>> squeeze([[1.0], [2.0]], -1).tolist()
    [1.0, 2.0]
    """
    if axis is None:
        return _reshaped(x, [n for n in x.sample_shape if n != 1])
    axes = {sample_axis(x, a) for a in ((axis,) if isinstance(axis, int) else axis)}
    if any(x.sample_shape[a] != 1 for a in axes):
        raise ValueError(
            f"Cannot squeeze axis={axis}, because its size is not 1. Received shape {x.shape}"
        )
    return _reshaped(x, [n for i, n in enumerate(x.sample_shape) if i not in axes])


@operation()
def transpose(x: Any, axes: Any = None) -> Any:
    """A tensor with its axes in another order, reversed by default.

    >>> transpose([[1.0, 2.0]]).tolist()
    [[1.0], [2.0]]
    """
    order = list(range(x.ndim))[::-1] if axes is None else [normalised_axis(x, a) for a in axes]
    if x.batched:
        if order[0] != 0:
            raise ValueError(f"The batch axis has to stay the first. Received: axes={axes}")
        order = [a - 1 for a in order[1:]]
    return x.trace.one("transpose", [x], x.dtype, perm=order)


@operation()
def broadcast_to(x: Any, shape: Any) -> Any:
    """A tensor repeated to a larger shape by NumPy's rules.

    >>> broadcast_to([1.0, 2.0], (2, 2)).tolist()
    [[1.0, 2.0], [1.0, 2.0]]
    """
    sizes = [int(n) for n in (shape[1:] if x.batched else shape)]
    return x.trace.one("broadcast_to", [x], x.dtype, shape=sizes)


@operation(many=True)
def concatenate(xs: Any, axis: int = 0) -> Any:
    """Tensors joined along an axis.

    >>> concatenate([[1.0], [2.0, 3.0]]).tolist()
    [1.0, 2.0, 3.0]
    """
    if not xs:
        raise ValueError("There must be at least one tensor to join. Received: []")
    first = next((x for x in xs if x.batched), xs[0])
    return first.trace.one("concat", list(xs), result_dtype(*xs), axis=sample_axis(first, axis))


@operation(many=True)
def stack(x: Any, axis: int = 0) -> Any:
    """Tensors of one shape joined along a new axis.

    >>> stack([[1.0, 2.0], [3.0, 4.0]], axis=-1).tolist()
    [[1.0, 3.0], [2.0, 4.0]]
    """
    return concatenate([expand_dims(tensor, axis) for tensor in x], axis)


@operation()
def split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """A tensor cut along an axis into equal parts, or before each of the given indices.

    >>> [part.tolist() for part in split([1.0, 2.0, 3.0, 4.0], 2)]
    [[1.0, 2.0], [3.0, 4.0]]
    """
    along = sample_axis(x, axis)
    size = x.sample_shape[along]
    if isinstance(indices_or_sections, int):
        if indices_or_sections < 1 or size % indices_or_sections:
            raise ValueError(
                f"Cannot split axis {axis} of size {size} into {indices_or_sections} equal parts."
            )
        step = size // indices_or_sections
        bounds = [step * i for i in range(indices_or_sections + 1)]
    else:
        bounds = [0, *(int(i) for i in indices_or_sections), size]
    return [_slab(x, along, a, b) for a, b in itertools.pairwise(bounds)]


def _slab(x: GraphTensor, axis: int, start: int, stop: int, step: int = 1) -> GraphTensor:
    sizes = list(x.sample_shape)
    begin, strides = [0] * len(sizes), [1] * len(sizes)
    begin[axis], strides[axis] = start, step
    sizes[axis] = len(range(start, stop, step))
    return x.trace.one("slice", [x], x.dtype, begin=begin, size=sizes, strides=strides)


@operation(static=1)
def get_item(x: Any, key: Any) -> Any:
    """`x[key]` for integers, slices, `None` and `...`; the batch axis can only be kept whole.

    >>> get_item([[1.0, 2.0], [3.0, 4.0]], (slice(None), 1)).tolist()
    [2.0, 4.0]
    """
    keys = list(key) if isinstance(key, (tuple, list)) else [key]
    used = sum(k is not None and k is not Ellipsis for k in keys)
    if used > x.ndim:
        raise IndexError(f"Too many indices for a tensor of shape {x.shape}. Received: {key}")
    where = next((i for i, k in enumerate(keys) if k is Ellipsis), len(keys))
    keys[where : where + 1] = [slice(None)] * (x.ndim - used)
    if x.batched:
        if keys[0] not in (slice(None), slice(0, None)):
            raise ValueError(
                "The batch axis cannot be indexed while a computation is traced. "
                f"Received: key={key} for a tensor of shape {x.shape}"
            )
        keys = keys[1:]
    return _indexed(x, keys)


def _indexed(x: GraphTensor, keys: list[Any]) -> GraphTensor:
    sizes: list[int] = []
    axis = 0
    for key in keys:
        if key is None:
            sizes.append(1)
            continue
        size = x.sample_shape[axis]
        if isinstance(key, slice):
            x = _sliced(x, axis, key)
            sizes.append(x.sample_shape[axis])
        else:
            index = int(key)
            if not -size <= index < size:
                raise IndexError(f"Index {index} is out of bounds for an axis of size {size}.")
            x = _slab(x, axis, index % size, index % size + 1)
        axis += 1
    return x if tuple(sizes) == x.sample_shape else _reshaped(x, sizes)


def _sliced(x: GraphTensor, axis: int, key: slice) -> GraphTensor:
    size = x.sample_shape[axis]
    start, stop, step = key.indices(size)
    if (start, stop, step) == (0, size, 1):
        return x
    if step > 0:
        return _slab(x, axis, start, stop, step)
    reverse = x.trace.one("reverse", [x], x.dtype, axis=axis)
    return _slab(reverse, axis, size - 1 - start, size - 1 - stop, -step)


@operation()
def flip(x: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """A tensor with its elements in reverse order along axes, all by default.

    >>> flip([1.0, 2.0], axis=0).tolist()
    [2.0, 1.0]
    """
    axes = (
        range(int(x.batched), x.ndim)
        if axis is None
        else (axis if not isinstance(axis, int) else (axis,))
    )
    for a in axes:
        x = x.trace.one("reverse", [x], x.dtype, axis=sample_axis(x, a))
    return x


@operation()
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: float = 0) -> Any:
    """A tensor with a border of a constant.

    Args:
        x: Tensor.
        pad_width: `(before, after)` for each axis with the batch, whose pair has to be zero.
        mode: Only `"constant"`.
        constant_values: Value of the border.

    >>> pad([1.0], ((1, 2),)).tolist()
    [0.0, 1.0, 0.0, 0.0]
    """
    if mode != "constant":
        raise ValueError(
            f"Invalid value for argument `mode`. Expected 'constant'. Received: {mode}"
        )
    if isinstance(pad_width, int):
        pad_width = ((pad_width, pad_width),) * x.ndim
    pairs = [(p, p) if isinstance(p, int) else tuple(p) for p in pad_width]
    if x.batched:
        if pairs[0] != (0, 0):
            raise ValueError(f"The batch axis cannot be padded. Received: pad_width={pad_width}")
        pairs = pairs[1:]
    before, after = ([int(pair[i]) for pair in pairs] for i in (0, 1))
    return x.trace.one(
        "pad", [x], x.dtype, before=before, after=after, value=float(constant_values)
    )


@operation()
def tile(x: Any, repeats: Any) -> Any:
    """A tensor repeated as a whole along each axis.

    >>> tile([1.0, 2.0], [2]).tolist()
    [1.0, 2.0, 1.0, 2.0]
    """
    counts = [repeats] if isinstance(repeats, int) else [int(n) for n in repeats]
    counts = [1] * (x.ndim - len(counts)) + counts
    if x.batched:
        if counts[0] != 1:
            raise ValueError(f"The batch axis cannot be repeated. Received: repeats={repeats}")
        counts = counts[1:]
    return x.trace.one("tile", [x], x.dtype, repeats=counts)


@operation()
def repeat(x: Any, repeats: int, axis: int | None = None) -> Any:
    """A tensor with each element repeated along an axis.

    >>> repeat([1.0, 2.0], 2, axis=0).tolist()
    [1.0, 1.0, 2.0, 2.0]
    """
    if axis is None:
        x, axis = reshape(x, (-1,)), 0
    along = sample_axis(x, axis)
    sizes = list(x.sample_shape)
    column = _reshaped(x, [*sizes[: along + 1], 1, *sizes[along + 1 :]])
    counts = [1] * (len(sizes) + 1)
    counts[along + 1] = int(repeats)
    sizes[along] *= int(repeats)
    return _reshaped(column.trace.one("tile", [column], x.dtype, repeats=counts), sizes)


def fold(x: GraphTensor) -> GraphTensor:
    """Count the first axis of each sample (time) as part of the batch, in a trace."""
    tensor: GraphTensor = x.trace.one("fold", [x], x.dtype)
    return tensor


def unfold(x: GraphTensor, count: int) -> GraphTensor:
    """Undo `fold`: make an axis of size `count` of what it took into the batch."""
    tensor: GraphTensor = x.trace.one("unfold", [x], x.dtype, count=count)
    return tensor


@operation(CORE)
def stop_gradient(variable: Any) -> Any:
    """The same values, through which no gradient flows."""
    return variable.trace.one("stop_gradient", [variable], variable.dtype)


@operation()
def copy(x: Any) -> Any:
    """The same values."""
    return x

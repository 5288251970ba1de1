"""Layers without weights that pass on, scale or apply a function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from convnet import identifiers
from convnet.layers.arguments import revived
from convnet.layers.layer import Layer


class Identity(Layer):
    """Passes its inputs on.

    Args:
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> Identity()(np.ones((1, 2))).tolist()
    [[1.0, 1.0]]
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        """Pass the inputs on."""
        return inputs


class Rescaling(Layer):
    """`inputs * scale + offset`.

    Args:
        scale: Factor.
        offset: Summand.
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> Rescaling(2.0, offset=1.0)(np.ones((1, 2))).tolist()
    [[3.0, 3.0]]
    """

    def __init__(self, scale: float, offset: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._configure(scale=scale, offset=offset)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        return inputs * self.scale + self.offset


class Lambda(Layer):
    """A function of tensors as a layer.

    A model with it is saved only if the function has a name and is registered with
    `register_keras_serializable`; code is never written to a file.

    Args:
        function: Takes the inputs (and `mask` or `training`, if it has such arguments).
        output_shape: Accepted for compatibility: shapes are inferred by tracing.
        mask: Mask of the outputs, or a function `(inputs, mask)` of it; None for none.
        arguments: Further keyword arguments of the function.
        **kwargs: Arguments of `Layer`.

    >>> import numpy as np
    >>> Lambda(lambda x: x * 2)(np.ones((1, 2))).tolist()
    [[2.0, 2.0]]
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.function = function
        self.arguments = arguments or {}
        self.mask = mask
        self.supports_masking = mask is not None
        self._output_shape = output_shape

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        """Apply the function."""
        accepted = inspect.signature(self.function).parameters
        extra = {"mask": mask, "training": training}
        given = {name: value for name, value in extra.items() if name in accepted}
        return self.function(inputs, **{**self.arguments, **given})

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask given to the constructor."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer; the function appears by its name."""
        config = {"function": identifiers.serialize(self.function), "arguments": self.arguments}
        if self._output_shape is not None:
            config["output_shape"] = self._output_shape
        if self.mask is not None:
            config["mask"] = identifiers.serialize(self.mask)
        return {**super().get_config(), **config}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A layer made from what `get_config` returned.

        Raises:
            ValueError: if the function is not known under its name.
        """
        config = dict(config)
        for name in ("function", "mask"):
            if isinstance(config.get(name), dict):
                config[name] = revived(config[name], custom_objects)
        return super().from_config(config)

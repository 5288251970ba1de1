"""Layers around another layer."""

from __future__ import annotations

from typing import Any

from convnet import identifiers, ops
from convnet.layers.arguments import revived
from convnet.layers.layer import Layer


class Wrapper(Layer):
    """A layer that holds another one in `layer`.

    Args:
        layer: The layer inside.
        **kwargs: Arguments of `Layer`.

    Raises:
        ValueError: if `layer` is no layer.
    """

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(f"Layer {layer} supplied to Wrapper isn't a supported layer type.")
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        """Build the layer inside."""
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        return {**super().get_config(), "layer": identifiers.serialize(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A layer made from what `get_config` returned."""
        layer = revived(config["layer"], custom_objects)
        return super().from_config({**config, "layer": layer})


class TimeDistributed(Wrapper):
    """Applies a layer to each step of a sequence, with the same weights.

    Args:
        layer: The layer.
        **kwargs: Arguments of `Layer`.

    Raises:
        ValueError: if `layer` is no layer, or the inputs have fewer than three axes.

    >>> import numpy as np
    >>> from convnet.layers import Dense
    >>> TimeDistributed(Dense(3))(np.ones((2, 5, 4))).shape
    (2, 5, 3)
    """

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(
                "Please initialize `TimeDistributed` layer with a `keras.layers.Layer` instance. "
                f"Received: {layer}"
            )
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any = None) -> None:
        """Build the layer inside for one step."""
        if not isinstance(input_shape, (list, tuple)) or len(input_shape) < 3:
            raise ValueError(
                "`TimeDistributed` Layer should be passed an `input_shape` with at least 3 "
                f"dimensions, received: {input_shape}"
            )
        super().build((input_shape[0], *input_shape[2:]))

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Compute the outputs of all steps."""
        steps = inputs.shape[1]
        kwargs = {}
        if mask is not None and self.layer._call_has_mask_arg:
            if mask.ndim < 2 or mask.shape[1] != steps:
                raise ValueError(
                    f"The `mask` passed to the `TimeDistributed` layer has a shape {mask.shape} "
                    f"that is incompatible with the input shape {inputs.shape}."
                )
            kwargs["mask"] = ops.fold(mask)
        outputs = self.layer(ops.fold(inputs), training=training, **kwargs)
        return ops.unfold(outputs, steps)

"""A recurrent layer in both directions."""

from __future__ import annotations

from typing import Any

from convnet import identifiers, ops, tree
from convnet.layers.arguments import revived
from convnet.layers.layer import Layer

_MERGE_MODES = ("sum", "mul", "ave", "concat", None)


class Bidirectional(Layer):
    """Runs a recurrent layer forwards and a copy of it backwards, and joins their outputs.

    Args:
        layer: The recurrent layer.
        merge_mode: `"concat"`, `"sum"`, `"mul"`, `"ave"`, or None to return both outputs.
        weights: First values of the weights, forward ones first, or None.
        backward_layer: The layer for the other direction; a copy of `layer` by default.
        **kwargs: Arguments of `Layer`.

    Raises:
        ValueError: if `layer` is no layer, the merge mode is unknown, or the two layers do not fit.

    >>> import numpy as np
    >>> from convnet.layers import LSTM
    >>> Bidirectional(LSTM(4))(np.ones((2, 5, 3))).shape
    (2, 8)
    """

    def __init__(
        self,
        layer: Layer,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Layer | None = None,
        **kwargs: Any,
    ) -> None:
        _check_layer(layer, "Please initialize `Bidirectional` layer with a")
        if backward_layer is not None:
            _check_layer(backward_layer, "`backward_layer` need to be a")
        if merge_mode not in _MERGE_MODES:
            raise ValueError(
                f"Invalid merge mode. Received: {merge_mode}. Merge mode should be one of "
                '{"sum", "mul", "ave", "concat", None}'
            )
        super().__init__(**kwargs)
        name = layer.name
        self.forward_layer = _copy(layer, f"forward_{name.removeprefix('forward_')}")
        self.backward_layer = backward_layer or _copy(
            layer, f"backward_{name.removeprefix('backward_')}", go_backwards=True
        )
        self._check_directions()
        for direction in (self.forward_layer, self.backward_layer):
            if hasattr(direction, "zero_output_for_mask"):
                direction.zero_output_for_mask = direction.return_sequences
        self._configure(merge_mode=merge_mode)
        self._initial_weights = weights
        self.stateful = layer.stateful
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.supports_masking = True
        self.input_spec = layer.input_spec

    def _check_directions(self) -> None:
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            raise ValueError(
                "Forward layer and backward layer should have different `go_backwards` value. "
                f"Received: forward_layer.go_backwards {forward.go_backwards}, "
                f"backward_layer.go_backwards={backward.go_backwards}"
            )
        for name in ("stateful", "return_sequences", "return_state"):
            ours, theirs = getattr(forward, name), getattr(backward, name)
            if ours != theirs:
                raise ValueError(
                    "Forward layer and backward layer are expected to have the same value for "
                    f'attribute "{name}", got "{ours}" for forward layer and "{theirs}" for '
                    "backward layer"
                )

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        """Build both directions."""
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(sequences_shape)
        if self._initial_weights:
            self.set_weights(self._initial_weights)

    def call(
        self,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: bool | None = None,
    ) -> Any:
        """Compute the outputs.

        Args:
            sequences: Tensor (batch, steps, features).
            initial_state: List of tensors, those of the forward layer first.
            mask: Tensor (batch, steps).
            training: Whether dropout is active.

        Returns:
            The joined output, or both; then the states of both where `return_state` is set.
        """
        half = 0 if initial_state is None else len(initial_state) // 2
        states = (initial_state[:half], initial_state[half:]) if half else (None, None)
        directions = zip((self.forward_layer, self.backward_layer), states, strict=True)
        forward, backward = (
            layer(sequences, initial_state=state, mask=mask, training=training)
            for layer, state in directions
        )
        last: tuple[Any, ...] = ()
        if self.return_state:
            last = (*forward[1:], *backward[1:])
            forward, backward = forward[0], backward[0]
        if self.return_sequences:
            backward = ops.flip(backward, axis=1)
        output = self._merge(forward, backward)
        if self.merge_mode is None:
            return (*output, *last)
        return (output, *last) if self.return_state else output

    def _merge(self, forward: Any, backward: Any) -> Any:
        if self.merge_mode == "concat":
            return ops.concatenate([forward, backward], axis=-1)
        if self.merge_mode == "mul":
            return forward * backward
        if self.merge_mode is None:
            return forward, backward
        total = forward + backward
        return total / 2.0 if self.merge_mode == "ave" else total

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the steps, where all outputs are returned."""
        first = tree.flatten(mask)[0] if self.return_sequences else None
        return first if self.merge_mode else (first, first)

    @property
    def states(self) -> None:
        """None: no state is kept from one call to the next."""

    def reset_state(self) -> None:
        """Do nothing: no state is kept from one call to the next."""

    reset_states = reset_state

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        return {
            **super().get_config(),
            "layer": identifiers.serialize(self.forward_layer),
            "backward_layer": identifiers.serialize(self.backward_layer),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A layer made from what `get_config` returned."""
        config = dict(config)
        for name in ("layer", "backward_layer"):
            if config.get(name) is not None:
                config[name] = revived(config[name], custom_objects)
        return super().from_config(config)


def _check_layer(layer: Any, complaint: str) -> None:
    if not isinstance(layer, Layer):
        raise ValueError(f"{complaint} `keras.layers.Layer` instance. Received: {layer}")


def _copy(layer: Layer, name: str, **changes: Any) -> Any:
    return type(layer).from_config({**layer.get_config(), "name": name, **changes})

"""What the layers SimpleRNN, GRU and LSTM have in common: a cell of their own."""

from __future__ import annotations

from typing import Any

from convnet.layers.input_spec import InputSpec
from convnet.layers.layer import Layer
from convnet.layers.rnn import RNN
from convnet.naming import to_snake_case


def _of_cell(name: str) -> Any:
    return property(lambda self: getattr(self.cell, name), doc=f"`{name}` of the cell.")


class RecurrentLayer(RNN):
    """An `RNN` whose config holds the arguments of its cell."""

    cell_class: type[Layer]

    def __init__(
        self, activity_regularizer: Any, cell_options: dict[str, Any], **kwargs: Any
    ) -> None:
        kwargs.pop("implementation", None)
        kwargs.pop("use_cudnn", None)
        shared = {name: kwargs[name] for name in ("dtype", "trainable") if name in kwargs}
        cell = self.cell_class(
            **cell_options, name=to_snake_case(self.cell_class.__name__), **shared
        )
        super().__init__(cell, activity_regularizer=activity_regularizer, **kwargs)
        self._options = (*self._options, *cell._options)
        self.input_spec = InputSpec(ndim=3)

    units = _of_cell("units")
    activation = _of_cell("activation")
    recurrent_activation = _of_cell("recurrent_activation")
    use_bias = _of_cell("use_bias")
    unit_forget_bias = _of_cell("unit_forget_bias")
    reset_after = _of_cell("reset_after")
    kernel_initializer = _of_cell("kernel_initializer")
    recurrent_initializer = _of_cell("recurrent_initializer")
    bias_initializer = _of_cell("bias_initializer")
    kernel_regularizer = _of_cell("kernel_regularizer")
    recurrent_regularizer = _of_cell("recurrent_regularizer")
    bias_regularizer = _of_cell("bias_regularizer")
    kernel_constraint = _of_cell("kernel_constraint")
    recurrent_constraint = _of_cell("recurrent_constraint")
    bias_constraint = _of_cell("bias_constraint")
    dropout = _of_cell("dropout")
    recurrent_dropout = _of_cell("recurrent_dropout")
    seed = _of_cell("seed")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        return Layer.get_config(self)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A layer made from what `get_config` returned."""
        return Layer.from_config.__func__(cls, config)  # type: ignore[attr-defined]

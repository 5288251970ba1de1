"""The base of all layers: building, calling, masks, configs."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from convnet import dtype_policies, ops, regularizers, tree
from convnet.execution import PlanCache, infer_outputs
from convnet.layers import arguments
from convnet.layers.array_call import call_on_arrays, plan_of_array
from convnet.layers.call_spec import CallSpec, is_tensor
from convnet.layers.input_spec import check_inputs
from convnet.layers.state import LayerState
from convnet.naming import current_path, name_scope
from convnet.symbolic import KerasTensor, Node, any_symbolic
from convnet.tracing import GraphTensor, current_trace
from convnet.variables import Variable

_BASE_ARGUMENTS = {"activity_regularizer", "autocast", "dtype", "input_shape", "name", "trainable"}


class Layer(LayerState):
    """A named computation with weights.

    A subclass makes its weights in `build(input_shape)` and computes in `call(inputs)`, with
    `convnet.ops` and other layers. `call` is traced: it sees tensors without values, once for each
    signature. A `training` argument of `call` tells training from inference, a `mask` argument
    gets the mask of the input.

    Args:
        activity_regularizer: Regularizer of the outputs, or its name.
        trainable: Whether training changes the weights.
        dtype: `"float32"`, or `"mixed_bfloat16"`, with which a GPU rounds the operands of products:
            see `DTypePolicy`. The policy of `config.set_dtype_policy` by default.
        autocast: Whether the policy applies to what `call` computes.
        name: Unique name; made from the class name by default.
        **kwargs: `input_shape` (without the batch) or `input_dim`, for the first layer of a
            `Sequential` model.

    Raises:
        ValueError: for other keyword arguments.

    >>> class Scale(Layer):
    ...     def build(self, input_shape):
    ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")
    ...     def call(self, inputs):
    ...         return inputs * self.factor
    >>> Scale()(np.array([[1.0, 2.0]])).tolist()
    [[1.0, 2.0]]
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _recorded(cls.__dict__["build"])  # type: ignore[method-assign]

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, trainable=trainable)
        self._dtype_policy = dtype_policies.get(dtype)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.autocast = autocast
        self.built = False
        self.input_spec: Any = None
        self.supports_masking = _is_overridden(self, "compute_mask")
        self._options: tuple[str, ...] = ()
        self._take_input_shape(kwargs)
        if kwargs:
            raise ValueError(
                f"Unrecognized keyword arguments passed to {type(self).__name__}: {kwargs}"
            )
        self._call_signature = inspect.signature(self.call)
        self._call_has_training_arg = "training" in self._call_signature.parameters
        self._call_has_mask_arg = "mask" in self._call_signature.parameters
        self._build_shapes: dict[str, Any] | None = None
        self._path: str | None = None
        self._plans = PlanCache(16)  # a plan may lie there under two keys

    def _take_input_shape(self, kwargs: dict[str, Any]) -> None:
        if "input_dim" in kwargs:
            self._input_shape_arg: Any = (kwargs.pop("input_dim"),)
        elif "input_shape" in kwargs:
            self._input_shape_arg = tuple(kwargs.pop("input_shape"))
        else:
            return
        warnings.warn(
            "Do not pass an `input_shape`/`input_dim` argument to a layer. When using Sequential "
            "models, prefer using an `Input(shape)` object as the first layer in the model "
            "instead.",
            stacklevel=4,
        )

    # What a layer is.

    @property
    def dtype_policy(self) -> dtype_policies.DTypePolicy:
        """What the layer computes with."""
        return self._dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, value: Any) -> None:
        self._dtype_policy = dtype_policies.get(value)
        self._plans.clear()

    @property
    def dtype(self) -> str:
        """Data type of the weights."""
        return self.dtype_policy.variable_dtype

    variable_dtype = dtype

    @property
    def compute_dtype(self) -> str:
        """Data type of the computation."""
        return self.dtype_policy.compute_dtype

    input_dtype = compute_dtype

    @property
    def _rounds_to_bfloat16(self) -> bool:
        """Whether a GPU rounds the operands of products."""
        return bool(self.autocast) and self.compute_dtype == "bfloat16"

    @property
    def path(self) -> str | None:
        """The names of the enclosing layers and of this one, joined by slashes, once built."""
        return self._path

    def _configure(self, **options: Any) -> None:
        """Keep constructor arguments as attributes and list them in the config.

        Names of initializers, regularizers, constraints and activations, told by the ends of the
        arguments' names, become the objects that they mean.
        """
        for name, value in options.items():
            setattr(self, name, arguments.resolve(name, value))
        self._options = (*self._options, *options)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer.

        Layers with arguments of their own add them to what `super().get_config()` returns. Where
        a class does not define `get_config`, plain arguments of its constructor are added.
        """
        self._check_super_called()
        config: dict[str, Any] = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": dtype_policies.serialize(self.dtype_policy),
        }
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        if self._options:
            return config | {n: arguments.to_config(n, getattr(self, n)) for n in self._options}
        if not _is_overridden(self, "get_config") and _is_overridden(self, "__init__"):
            return {**self._plain_init_arguments(_BASE_ARGUMENTS), **config}
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A layer made from what `get_config` returned.

        Raises:
            TypeError: if the constructor refuses the config.
        """
        if isinstance(config.get("dtype"), dict):
            config = {**config, "dtype": dtype_policies.get(config["dtype"])}
        return super().from_config(config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    # Building.

    def _add_option_weight(self, name: str, shape: Any, **options: Any) -> Variable:
        """A weight made by the options `<name>_initializer`, `_regularizer` and `_constraint`."""
        return self.add_weight(
            shape,
            options.pop("initializer", getattr(self, f"{name}_initializer")),
            regularizer=getattr(self, f"{name}_regularizer", None),
            constraint=getattr(self, f"{name}_constraint", None),
            name=name,
            **options,
        )

    def build(self, input_shape: Any) -> None:
        """Make the weights for inputs of a shape; override it in layers with weights.

        Args:
            input_shape: Shape with the batch, or a structure of shapes.
        """
        self._check_super_called()
        self._build_shapes = {"input_shape": input_shape}
        self.built = True

    def get_build_config(self) -> dict[str, Any] | None:
        """The shapes that the layer was built for, or None."""
        if not self._build_shapes:
            return None
        if len(self._build_shapes) == 1:
            return {"input_shape": next(iter(self._build_shapes.values()))}
        return {"shapes_dict": self._build_shapes}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build for the shapes that `get_build_config` returned."""
        if "input_shape" in config:
            self.build(_as_tuples(config["input_shape"]))
        elif "shapes_dict" in config:
            self.build(**{key: _as_tuples(s) for key, s in config["shapes_dict"].items()})

    def _maybe_build(self, spec: CallSpec) -> None:
        if self.built:
            return
        if _is_overridden(self, "build"):
            self.build(**spec.shapes_for(self.build, type(self).__name__))
            check_inputs(self.input_spec, spec.first, self.name)
        else:  # sub-layers build themselves when `call` is traced
            self.build(next(iter(spec.shapes.values()), None))

    def _build_at_init(self) -> None:
        """Mark a layer without weights as built from the start."""
        self.built = not _is_overridden(self, "build")

    def _lock_state(self) -> None:
        """Refuse new weights: the layer is built."""
        self._locked = True

    # Calling.

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs; override it."""
        raise NotImplementedError(
            f"Layer {type(self).__name__} does not have a `call` method implemented."
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Apply the layer.

        Args:
            *args: Tensors, or nested structures of them: arrays (which are computed with at once),
                symbolic tensors (which makes a node of a functional model) or, inside `call` of
                another layer, tensors of a trace.
            **kwargs: Further arguments of `call`; `training` chooses between training and
                inference.

        Returns:
            Arrays, symbolic tensors or tensors of the trace.
        """
        self._check_super_called()
        if (plan := plan_of_array(self, args, kwargs)) is not None:
            outputs = plan.run_one(args[0], len(args[0]))
            if outputs is not None:
                return outputs
        args, kwargs = tree.map_structure(_as_tensor, (args, kwargs))
        for leaf in tree.walk(args):
            if not is_tensor(leaf) and leaf is not None:
                raise ValueError(
                    "Only input tensors may be passed as positional arguments. The following "
                    f"argument value should be passed as a keyword argument: {leaf} "
                    f"(of type {type(leaf)})"
                )
        spec = CallSpec(self._call_signature, args, dict(kwargs))
        self._assert_input_compatibility(spec.first)
        with name_scope(self.name):
            self._path = self._path or current_path()
            self._maybe_build(spec)
            if any_symbolic(args, kwargs):
                return self._symbolic_call(spec, args, kwargs)
            if any(isinstance(leaf, GraphTensor) for leaf in tree.walk((args, kwargs))):
                return self._traced_call(spec, args, kwargs)
            return call_on_arrays(self, args, kwargs)

    def _assert_input_compatibility(self, inputs: Any) -> None:
        check_inputs(self.input_spec, inputs, self.name)

    def _resolved(self, spec: CallSpec, kwargs: dict[str, Any], training: Any) -> dict[str, Any]:
        """The keyword arguments with `training` and masks filled in where the caller gave none."""
        kwargs = {name: value for name, value in kwargs.items() if name != "training"}
        if self._call_has_training_arg and training is not None:
            kwargs["training"] = training
        for name, value in spec.tensors.items():
            mask_name = "mask" if len(spec.tensors) == 1 else f"{name}_mask"
            if spec.arguments.get(mask_name, self) is None:
                kwargs[mask_name] = tree.map_structure(_mask_of, value)
        return kwargs

    def _traced_call(self, spec: CallSpec, args: Any, kwargs: dict[str, Any]) -> Any:
        trace = next(x.trace for x in tree.walk((args, kwargs)) if isinstance(x, GraphTensor))
        outer = trace.training
        choices = (spec.given.get("training"), outer, spec.arguments.get("training"))
        trace.training = next((choice for choice in choices if choice is not None), None)
        kwargs = self._resolved(spec, kwargs, trace.training)
        try:
            with trace.labelled(self.name, self._rounds_to_bfloat16):
                outputs = self.call(*args, **kwargs)
                if self.activity_regularizer is not None:
                    for output in tree.flatten(outputs):
                        trace.losses.append(self._activity_loss(output))
                self._set_masks(spec, kwargs, outputs)
        finally:
            trace.training = outer
        return outputs

    def _activity_loss(self, output: GraphTensor) -> GraphTensor:
        """The penalty of the outputs, divided by the size of the batch."""
        penalty: GraphTensor = self.activity_regularizer(output) / ops.batch_size(output)
        return penalty

    def _set_masks(self, spec: CallSpec, kwargs: dict[str, Any], outputs: Any) -> None:
        previous = kwargs.get("mask")
        if previous is None:
            previous = tree.map_structure(_mask_of, spec.first)
        if not self.supports_masking:
            if any(mask is not None for mask in tree.flatten(previous)):
                warnings.warn(
                    f"Layer '{self.name}' (of type {type(self).__name__}) was passed an input with "
                    "a mask attached to it. However, this layer does not support masking and will "
                    "therefore destroy the mask information. Downstream layers will not see the "
                    "mask.",
                    stacklevel=2,
                )
            return
        flat = tree.flatten(outputs)
        if all(_mask_of(x) is not None for x in flat):
            return
        masks = self.compute_mask(spec.first, previous)
        if masks is None:
            return
        for tensor, mask in zip(flat, tree.flatten(masks), strict=False):
            if mask is not None and tensor._keras_mask is None:
                tensor._keras_mask = mask

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the outputs: that of the inputs, where a layer supports masking."""
        return previous_mask

    # Symbolic calls.

    def _symbolic_call(self, spec: CallSpec, args: Any, kwargs: dict[str, Any]) -> Any:
        training = spec.given.get("training", spec.arguments.get("training"))
        resolved = self._resolved(spec, kwargs, training)
        outputs = self.compute_output_spec(*args, **resolved)
        self._set_masks(spec, resolved, outputs)
        plain = not kwargs and len(args) == 1 and isinstance(args[0], KerasTensor)
        Node(self, args, resolved if plain else kwargs, outputs)
        return outputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The symbolic tensors that the layer returns for symbolic tensors."""
        if not _is_overridden(self, "compute_output_shape"):
            outputs = infer_outputs(self._inferred_call, args, kwargs)
            return tree.map_structure(self._of_compute_dtype, outputs)
        spec = CallSpec(self._call_signature, args, dict(kwargs))
        shapes = spec.shapes_for(self.compute_output_shape, type(self).__name__)
        shape = self.compute_output_shape(**shapes)
        return tree.map_shapes(lambda s: KerasTensor(s, self.compute_dtype), shape)

    def _of_compute_dtype(self, tensor: KerasTensor | None) -> KerasTensor | None:
        """A tensor that says with what the layer has computed it."""
        if self._rounds_to_bfloat16 and tensor is not None and tensor.dtype == "float32":
            tensor.dtype = "bfloat16"
        return tensor

    def _inferred_call(self, *args: Any, **kwargs: Any) -> Any:
        trace = current_trace()
        assert trace is not None
        trace.training = kwargs.get("training")
        return self.call(*args, **kwargs)

    def compute_output_shape(self, input_shape: Any, **shapes: Any) -> Any:
        """The shape of the outputs for inputs of a shape, both with the batch.

        Args:
            input_shape: Shape, or structure of shapes, of the first argument of `call`.
            **shapes: Those of further arguments, as in `mask_shape`.
        """
        inputs = tree.map_shapes(lambda s: KerasTensor(s), input_shape)
        more = {
            name.removesuffix("_shape"): tree.map_shapes(lambda s: KerasTensor(s), shape)
            for name, shape in shapes.items()
            if shape is not None
        }
        spec = CallSpec(self._call_signature, (inputs,), dict(more))
        with name_scope(self.name):
            self._maybe_build(spec)
        outputs = infer_outputs(self._inferred_call, (inputs,), more)
        return tree.map_structure(lambda tensor: tensor.shape, outputs)


def _as_tensor(leaf: Any) -> Any:
    return np.asarray(leaf) if hasattr(leaf, "__array__") and not is_tensor(leaf) else leaf


def _mask_of(tensor: Any) -> Any:
    return getattr(tensor, "_keras_mask", None)


def _as_tuples(shape: Any) -> Any:
    return tree.map_shapes(lambda s: s, shape) if shape is not None else None


def _is_overridden(layer: Layer, method: str) -> bool:
    return getattr(type(layer), method) is not getattr(Layer, method)


def _recorded(build: Callable[..., None]) -> Callable[..., None]:
    """A `build` that opens the layer's name scope, keeps the shapes and marks it as built."""

    @functools.wraps(build)
    def recorded(self: Layer, *args: Any, **kwargs: Any) -> None:
        if self.__dict__.get("_building"):  # a call of `super().build`
            build(self, *args, **kwargs)
            return
        self._check_super_called()
        self._building = True
        try:
            with name_scope(self.name):
                self._path = self._path or current_path()
                build(self, *args, **kwargs)
        finally:
            self._building = False
        bound = inspect.signature(build).bind(self, *args, **kwargs).arguments
        self._build_shapes = dict(list(bound.items())[1:])
        self.built = True
        self._lock_state()

    return recorded

"""What every optimizer has in common: its arguments, its learning rate, its config."""

import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self, TypedDict

import numpy as np
from numpy.typing import NDArray

from convnet.optimizers import eager
from convnet.optimizers.schedules import LearningRateSchedule
from convnet.optimizers.schedules import deserialize as deserialize_schedule
from convnet.optimizers.schedules import serialize as serialize_schedule
from convnet.optimizers.state import OptimizerState
from convnet.variables import Variable

LearningRate = float | LearningRateSchedule | Callable[[], float]


class SharedArguments(TypedDict, total=False):
    """The arguments that every optimizer takes; see `Optimizer`."""

    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None


class Optimizer(OptimizerState):
    """Base of all optimizers.

    A step clips gradients, applies weight decay (`w -= w * weight_decay * learning_rate`), updates,
    averages weights and applies the variables' constraints, in this order.

    An optimizer of your own overrides `build`, `update_step` and `get_config`.

    Args:
        learning_rate: A float, a schedule, or a function without arguments.
        weight_decay: Decoupled weight decay (Loshchilov and Hutter, ICLR 2019).
        clipnorm: Largest norm of the gradient of one variable.
        clipvalue: Largest absolute value in a gradient.
        global_clipnorm: Largest norm of all gradients together.
        use_ema: Whether to average the weights, exponentially; training ends with the average.
        ema_momentum: Weight of the past in the average, 0 to 1.
        ema_overwrite_frequency: Steps after which the weights are set to the average.
        loss_scale_factor: Factor of the loss, taken back from the gradients.
        gradient_accumulation_steps: Batches whose mean gradient makes one update, 2 or more.
        name: Name of the optimizer.

    Raises:
        ValueError: If an argument is not valid, or two kinds of clipping are asked for.

    Attributes:
        kernel: Name of the core's op that makes the update; None for `update_step`.

    Example:

    >>> from convnet.optimizers import SGD
    >>> optimizer = SGD(learning_rate=0.5)
    >>> weight = Variable([1.0, 2.0])
    >>> _ = optimizer.apply_gradients([([1.0, 1.0], weight)])
    >>> weight.numpy().tolist(), int(optimizer.iterations)
    ([0.5, 1.5], 1)
    """

    kernel: str | None = None

    def __init__(
        self,
        learning_rate: LearningRate,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        if kwargs.pop("decay", None) is not None:
            warnings.warn(
                "Argument `decay` is no longer supported and will be ignored.", stacklevel=2
            )
        if kwargs:
            raise ValueError(f"Argument(s) not recognized: {kwargs}")
        from convnet.naming import auto_name

        self.name = name or auto_name(type(self).__name__)
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.global_clipnorm = global_clipnorm
        self.clipvalue = clipvalue
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._check_arguments()
        self._undecayed: set[int] = set()
        self._undecayed_names: re.Pattern[str] | None = None
        self._iterations = self._add("iteration", 0, dtype="int64")
        self._learning_rate = self._checked_learning_rate(learning_rate)

    def _check_arguments(self) -> None:
        steps = self.gradient_accumulation_steps
        if steps and steps < 2:
            raise ValueError(
                "`gradient_accumulation_steps` must be an integer >= 2. "
                f"Received: gradient_accumulation_steps={steps}"
            )
        if self.use_ema and not 0 <= self.ema_momentum <= 1:
            raise ValueError(
                "`ema_momentum` must be in the range [0, 1]. "
                f"Received: ema_momentum={self.ema_momentum}"
            )
        frequency = self.ema_overwrite_frequency
        if self.use_ema and frequency and (not isinstance(frequency, int) or frequency < 1):
            raise ValueError(
                "`ema_overwrite_frequency` must be an integer >= 1 or None. "
                f"Received: ema_overwrite_frequency={frequency}"
            )
        clips = (self.clipnorm, self.clipvalue, self.global_clipnorm)
        if sum(clip is not None for clip in clips) > 1:
            raise ValueError(
                "Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set. Received: "
                f"clipnorm={self.clipnorm}, clipvalue={self.clipvalue}, "
                f"global_clipnorm={self.global_clipnorm}"
            )

    def _checked_learning_rate(
        self, learning_rate: Any
    ) -> Variable | LearningRateSchedule | Callable[[], float]:
        if isinstance(learning_rate, LearningRateSchedule) or callable(learning_rate):
            return learning_rate  # type: ignore[no-any-return]
        if not isinstance(learning_rate, float | np.floating):
            raise ValueError(
                "Argument `learning_rate` should be float, or an instance of LearningRateSchedule, "
                "or a callable (that takes in the current iteration value and returns the "
                "corresponding learning rate value). "
                f"Received instead: learning_rate={learning_rate}"
            )
        return self._add("learning_rate", learning_rate, dtype="float32")

    @property
    def iterations(self) -> Any:
        """Number of updates made."""
        if self.gradient_accumulation_steps:
            return np.int64(int(self._iterations) // self.gradient_accumulation_steps)
        return self._iterations

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the next step: a variable, or what the schedule gives."""
        if isinstance(self._learning_rate, Variable):
            return self._learning_rate
        return np.float32(self.learning_rate_at(int(self._iterations)))

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        if isinstance(learning_rate, LearningRateSchedule) or callable(learning_rate):
            self._variables = [v for v in self._variables if v is not self._learning_rate]
            self._learning_rate = learning_rate
        elif isinstance(self._learning_rate, Variable):
            self._learning_rate.assign(learning_rate)
        else:
            raise TypeError(
                "This optimizer was created with a `LearningRateSchedule` object as its "
                "`learning_rate` constructor argument, hence its learning rate is not settable. "
                "If you need the learning rate to be settable, you should instantiate the "
                "optimizer with a float `learning_rate` argument."
            )

    def learning_rate_at(self, step: int) -> float:
        """Gives the learning rate of a step.

        Args:
            step: Number of steps done before.

        Example:

        >>> from convnet.optimizers import SGD
        >>> SGD(0.5).learning_rate_at(1000)
        0.5
        """
        if isinstance(self._learning_rate, Variable):
            return float(self._learning_rate)
        if isinstance(self._learning_rate, LearningRateSchedule):
            return float(self._learning_rate(step))
        return float(self._learning_rate())

    def kernel_attrs(self) -> dict[str, Any]:
        """Gives the attributes of the core's op: the hyper-parameters that do not change."""
        return {}

    def exclude_from_weight_decay(
        self,
        var_list: Iterable[Variable] | None = None,
        var_names: Iterable[str] | None = None,
    ) -> None:
        """Exempts variables from weight decay.

        Args:
            var_list: The variables.
            var_names: Exempts every variable whose name holds one of these, such as `"bias"`.

        Raises:
            ValueError: If the optimizer is built already.
        """
        if self.built:
            raise ValueError(
                "`exclude_from_weight_decay()` can only be configured before the optimizer is "
                "built."
            )
        self._undecayed = {id(variable) for variable in var_list or ()}
        pattern = "|".join(sorted(set(var_names or ())))
        self._undecayed_names = re.compile(pattern) if pattern else None

    def decays(self, variable: Variable) -> bool:
        """Whether weight decay applies to a variable.

        Args:
            variable: A trainable variable.
        """
        if self.weight_decay is None or id(variable) in self._undecayed:
            return False
        names = self._undecayed_names
        return names is None or names.search(variable.name) is None

    def scale_loss(self, loss: Any) -> Any:
        """Multiplies a loss by `loss_scale_factor`, if there is one.

        Args:
            loss: The loss.
        """
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Variable:
        """Makes one step.

        Args:
            grads_and_vars: Pairs of a gradient (or None) and its variable.

        Returns:
            The step count.
        """
        grads, variables = zip(*grads_and_vars, strict=True)
        self.apply(grads, variables)
        return self._iterations

    def apply(
        self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None
    ) -> None:
        """Makes one step.

        Args:
            grads: A gradient, or None, for each variable.
            trainable_variables: The variables; by default those the optimizer was built with.

        Raises:
            ValueError: If the optimizer does not know the variables, or there are no gradients.
        """
        eager.apply(self, grads, trainable_variables)

    def update_step(self, gradient: NDArray[Any], variable: Variable, learning_rate: Any) -> None:
        """Updates one variable; what the core's op does for all of them.

        Args:
            gradient: Its gradient, clipped.
            variable: The variable.
            learning_rate: The learning rate of this step.
        """
        raise NotImplementedError

    def assign(self, variable: Variable, value: Any) -> None:
        """Sets a variable."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        """Adds to a variable."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        """Subtracts from a variable."""
        variable.assign_sub(value)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Sets variables to their averages, with `use_ema`; the end of training.

        Args:
            var_list: The variables.
        """
        if self.use_ema:
            eager.overwrite_with_average(self, var_list)

    def get_config(self) -> dict[str, Any]:
        """Gives the arguments that rebuild the optimizer, ready for JSON; no state."""
        return {
            "name": self.name,
            "learning_rate": self._learning_rate_config(),
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }

    def _learning_rate_config(self) -> Any:
        if isinstance(self._learning_rate, Variable):
            return float(self._learning_rate)
        return serialize_schedule(self._learning_rate)

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Self:
        """Builds an optimizer from `get_config`'s dict, also from one that Keras 2 wrote.

        Args:
            config: The arguments.
            custom_objects: Schedules by name.
        """
        config = _modern(config)
        if isinstance(config.get("learning_rate"), dict):
            config["learning_rate"] = deserialize_schedule(config["learning_rate"], custom_objects)
        return cls(**config)


def _modern(config: dict[str, Any]) -> dict[str, Any]:
    """Translates the keys that only Keras 2 wrote."""
    config = dict(config)
    for key in ("is_legacy_optimizer", "jit_compile"):
        config.pop(key, None)
    if "lr" in config:
        config["learning_rate"] = config.pop("lr")
    decay = config.pop("decay", None)
    if decay and isinstance(config.get("learning_rate"), float):
        from convnet.optimizers.schedules import InverseTimeDecay

        config["learning_rate"] = InverseTimeDecay(config["learning_rate"], 1, decay)
    return config

"""Means of cross-entropies, divergences and hinge losses."""

from typing import Any

from convnet.losses import crossentropy, margin, probabilistic
from convnet.metrics.reduction import NamedMetric, PlainMetric


class KLDivergence(PlainMetric):
    """Mean Kullback-Leibler divergence of predictions from targets.

    Args:
        name: Name of the metric.
        dtype: See `Metric`.

    Example:

    >>> float(KLDivergence()([[0.5, 0.5]], [[0.5, 0.5]]))
    0.0
    """

    _direction = "down"
    function = staticmethod(probabilistic.kl_divergence)


class Poisson(PlainMetric):
    """Mean negative log-likelihood of counts.

    Args:
        name: Name of the metric.
        dtype: See `Metric`.

    Example:

    >>> float(Poisson()([[0.0, 0.0]], [[1.0, 3.0]]))
    2.0
    """

    _direction = "down"
    function = staticmethod(probabilistic.poisson)


class BinaryCrossentropy(NamedMetric):
    """Mean cross-entropy of yes and no.

    Args:
        name: Name of the metric.
        dtype: See `Metric`.
        from_logits: Whether predictions are logits.
        label_smoothing: Share of the target replaced by 0.5, 0 to 1.

    Example:

    >>> round(float(BinaryCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    _direction = "down"

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(
            crossentropy.binary_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )


class CategoricalCrossentropy(NamedMetric):
    """Mean cross-entropy of one-hot classes.

    Args:
        name: Name of the metric.
        dtype: See `Metric`.
        from_logits: Whether predictions are logits.
        label_smoothing: Share of the target spread over all classes, 0 to 1.
        axis: Axis of the classes.

    Example:

    >>> round(float(CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    _direction = "down"

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        super().__init__(
            crossentropy.categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(NamedMetric):
    """Mean cross-entropy of numbered classes.

    Args:
        name: Name of the metric.
        dtype: See `Metric`.
        from_logits: Whether predictions are logits.
        ignore_class: Class number whose loss is 0.
        axis: Axis of the classes.

    Example:

    >>> round(float(SparseCategoricalCrossentropy()([1], [[0.5, 0.5]])), 4)
    0.6931
    """

    _direction = "down"

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(
            crossentropy.sparse_categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )


class Hinge(PlainMetric):
    """Mean hinge loss of yes and no.

    Args:
        name: Name of the metric.
        dtype: See `Metric`.

    Example:

    >>> float(Hinge()([[0.0, 1.0]], [[0.5, 0.5]]))
    1.0
    """

    _direction = "down"
    function = staticmethod(margin.hinge)


class SquaredHinge(PlainMetric):
    """Mean square of the hinge loss of yes and no.

    Args:
        name: Name of the metric.
        dtype: See `Metric`.

    Example:

    >>> float(SquaredHinge()([[0.0, 1.0]], [[0.5, 0.5]]))
    1.25
    """

    _direction = "down"
    function = staticmethod(margin.squared_hinge)


class CategoricalHinge(PlainMetric):
    """Mean hinge loss of classes.

    Args:
        name: Name of the metric.
        dtype: See `Metric`.

    Example:

    >>> float(CategoricalHinge()([[0.0, 1.0]], [[0.5, 0.25]]))
    1.25
    """

    _direction = "down"
    function = staticmethod(margin.categorical_hinge)

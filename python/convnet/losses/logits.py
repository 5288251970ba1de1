"""Finds what a softmax or a sigmoid was computed from."""

from typing import Any


def recover_logits(
    y_pred: Any, from_logits: bool, activation: str, axis: int = -1
) -> tuple[Any, bool]:
    """Gives logits in place of probabilities, where the same computation has them.

    Args:
        y_pred: Predictions. A tensor that an activation gave has the name of the activation and
            what it was applied to in `_logits`.
        from_logits: Whether the predictions are logits already.
        activation: The activation that the loss undoes, `"softmax"` or `"sigmoid"`.
        axis: Axis of the classes; only the last is looked for.

    Returns:
        Predictions, and whether they are logits.
    """
    name, logits = getattr(y_pred, "_logits", None) or (None, None)
    if from_logits or name != activation or axis not in (-1, len(y_pred.shape) - 1):
        return y_pred, from_logits
    return logits, True

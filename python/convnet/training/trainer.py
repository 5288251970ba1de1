"""The methods by which a model is compiled, trained, evaluated and asked for predictions."""

from __future__ import annotations


class Trainer:
    """The training side of `Model`."""

    def __init__(self) -> None:
        self.compiled = False

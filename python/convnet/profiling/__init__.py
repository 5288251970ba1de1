"""Profiles of models: what each op of a step costs. `Model.profile` makes them."""

from convnet.profiling.profile import Profile, Row, Total

__all__ = ["Profile", "Row", "Total"]

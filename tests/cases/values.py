"""Named shapes of values that ops work on element by element or row by row."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ValueCase:
    """A batch of samples of `shape`."""

    name: str
    batch: int
    shape: tuple[int, ...]


MAPS = [
    ValueCase("mnist_map", 200, (14, 14, 36)),
    ValueCase("mnist_features", 200, (128,)),
]

LOGITS = [
    ValueCase("mnist_logits", 200, (10,)),
    ValueCase("alexnet_logits", 16, (1000,)),
]

MOVED = [
    ValueCase("emotion_map", 64, (22, 22, 64)),
]

NORMALIZED = [
    ValueCase("resnet50_map1", 16, (112, 112, 64)),
    ValueCase("resnet50_map2", 16, (56, 56, 256)),
    ValueCase("resnet50_map3", 16, (28, 28, 512)),
    ValueCase("resnet50_map4", 16, (14, 14, 1024)),
    ValueCase("resnet50_map5", 16, (7, 7, 2048)),
]

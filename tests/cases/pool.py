"""Named pooling shapes, shared by tests and benchmarks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PoolCase:
    name: str
    batch: int
    shape: tuple[int, int, int]
    size: tuple[int, int]
    strides: tuple[int, int]
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def attrs(self) -> dict[str, list[int]]:
        return {
            "size": list(self.size),
            "strides": list(self.strides),
            "padding": list(self.padding),
        }


BENCH = [
    PoolCase("mnist_pool1", 200, (28, 28, 16), (2, 2), (2, 2)),
    PoolCase("lenet5_pool1", 64, (28, 28, 6), (2, 2), (2, 2)),
    PoolCase("alexnet_pool1_overlapping", 16, (55, 55, 96), (3, 3), (2, 2)),
    PoolCase("emotion_pool1", 64, (44, 44, 64), (2, 2), (2, 2)),
    PoolCase("vgg16_pool3", 16, (56, 56, 256), (2, 2), (2, 2)),
    PoolCase("resnet50_pool1", 16, (112, 112, 64), (3, 3), (2, 2), (1, 1, 1, 1)),
    PoolCase("resnet50_global", 16, (7, 7, 2048), (7, 7), (7, 7)),
    PoolCase("googlenet_3a_pool", 16, (28, 28, 192), (3, 3), (1, 1), (1, 1, 1, 1)),
    PoolCase("overlapping_same", 32, (28, 28, 32), (3, 3), (1, 1), (1, 1, 1, 1)),
    PoolCase("global", 64, (10, 10, 128), (10, 10), (10, 10)),
    PoolCase("text_cnn_global_1d", 50, (1, 54, 100), (1, 54), (1, 54)),
]

"""Named dense shapes, shared by tests and benchmarks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DenseCase:
    name: str
    batch: int
    inputs: int
    units: int
    leading: tuple[int, ...] = ()


@dataclass(frozen=True)
class MatmulCase:
    """[stack.., rows, inner] times [stack.., inner, columns] a sample."""

    name: str
    batch: int
    stack: tuple[int, ...]
    rows: int
    inner: int
    columns: int


SMALL = [
    DenseCase("one_by_one", 1, 1, 1),
    DenseCase("odd", 37, 23, 29),
    DenseCase("tail_of_samples", 17, 100, 10),
    DenseCase("long_sum", 20, 333, 7),
    DenseCase("long_sums_of_few_outputs", 11, 271, 12),
    DenseCase("long_sum_of_one_output", 3, 256, 1),
    DenseCase("rows_of_long_sums", 2, 300, 6, leading=(5,)),
    DenseCase("wide", 5, 8, 131),
    DenseCase("rows", 18, 9, 14, leading=(3, 2)),
]

BENCH = [
    DenseCase("mnist_dense", 200, 1764, 128),
    DenseCase("head", 200, 128, 10),
    DenseCase("square_1024", 64, 1024, 1024),
    DenseCase("square_256", 256, 256, 256),
    DenseCase("square_1024_rows_512", 512, 1024, 1024),
    DenseCase("softmax_3072", 20, 3072, 10),
    DenseCase("lenet5_dense", 64, 120, 84),
    DenseCase("emotion_dense", 64, 2048, 1024),
    DenseCase("alexnet_dense1", 16, 9216, 4096),
    DenseCase("alexnet_vgg16_dense2", 32, 4096, 4096),
    DenseCase("alexnet_vgg16_classes", 32, 4096, 1000),
    DenseCase("resnet50_classes", 32, 2048, 1000),
    DenseCase("googlenet_classes", 32, 1024, 1000),
]

MATMUL = [
    MatmulCase("attention_scores", 32, (4,), 64, 32, 64),
]

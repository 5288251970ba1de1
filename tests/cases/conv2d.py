"""Named convolution shapes, shared by tests and benchmarks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Conv2DCase:
    name: str
    batch: int
    size: tuple[int, int]
    channels: int
    filters: int
    kernel: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    @property
    def attrs(self) -> dict[str, object]:
        return {
            "strides": list(self.strides),
            "padding": list(self.padding),
            "dilation": list(self.dilation),
            "groups": self.groups,
        }


SMALL = [
    Conv2DCase("pointwise", 5, (3, 4), 7, 9, (1, 1)),
    Conv2DCase("one_pixel", 17, (1, 1), 3, 5, (1, 1)),
    Conv2DCase("same_3x3", 16, (6, 7), 4, 6, (3, 3), padding=(1, 1, 1, 1)),
    Conv2DCase("same_5x5_narrow", 33, (4, 3), 2, 13, (5, 5), padding=(2, 2, 2, 2)),
    Conv2DCase("valid_5x5_first_layer", 19, (9, 11), 1, 6, (5, 5)),
    Conv2DCase("strided", 18, (9, 8), 3, 7, (3, 3), strides=(2, 2), padding=(1, 0, 0, 1)),
    Conv2DCase("stride_wider_than_kernel", 3, (11, 10), 2, 3, (2, 1), strides=(3, 4)),
    Conv2DCase("dilated", 20, (9, 10), 3, 4, (3, 2), dilation=(2, 3), padding=(2, 1, 0, 3)),
    Conv2DCase("grouped", 7, (5, 6), 6, 9, (3, 3), groups=3, padding=(1, 1, 1, 1)),
    Conv2DCase(
        "depthwise", 21, (6, 5), 5, 10, (3, 3), groups=5, strides=(2, 1), padding=(1, 1, 1, 1)
    ),
    Conv2DCase("row_1d", 9, (1, 23), 8, 11, (1, 4)),
    Conv2DCase("wide_channels", 4, (4, 5), 37, 29, (3, 3), padding=(1, 1, 1, 1)),
    Conv2DCase("parts_of_rows", 2, (21, 11), 37, 7, (3, 2), strides=(2, 1), padding=(1, 1, 0, 1)),
    Conv2DCase("parts_of_a_row", 3, (2, 27), 173, 5, (1, 1)),
    Conv2DCase("parts_of_a_row_of_gradients", 3, (2, 29), 5, 170, (1, 3), padding=(0, 0, 1, 1)),
]

_SAME_3X3 = (1, 1, 1, 1)

MNIST = [
    Conv2DCase("mnist_conv1", 200, (28, 28), 1, 16, (5, 5), padding=(2, 2, 2, 2)),
    Conv2DCase("mnist_conv2", 200, (14, 14), 16, 36, (5, 5), padding=(2, 2, 2, 2)),
]

LENET5 = [
    Conv2DCase("lenet5_conv1", 64, (32, 32), 1, 6, (5, 5)),
    Conv2DCase("lenet5_conv2", 64, (14, 14), 6, 16, (5, 5)),
    Conv2DCase("lenet5_conv3", 64, (5, 5), 16, 120, (5, 5)),
]

CIFAR = [
    Conv2DCase("cifar_conv1", 20, (32, 32), 3, 32, (3, 3), padding=_SAME_3X3),
    Conv2DCase("cifar_conv2", 20, (16, 16), 32, 32, (3, 3), padding=_SAME_3X3),
    Conv2DCase("cifar_conv3", 20, (8, 8), 32, 32, (3, 3), padding=_SAME_3X3),
]

EMOTION = [
    Conv2DCase("emotion_conv1", 64, (48, 48), 1, 32, (3, 3)),
    Conv2DCase("emotion_conv2", 64, (46, 46), 32, 64, (3, 3)),
    Conv2DCase("emotion_conv3", 64, (22, 22), 64, 128, (3, 3)),
    Conv2DCase("emotion_conv4", 64, (10, 10), 128, 128, (3, 3)),
]

OTHER = [
    Conv2DCase("alexnet_conv1_strided", 16, (227, 227), 3, 96, (11, 11), strides=(4, 4)),
    Conv2DCase("text_cnn_conv1d", 50, (1, 56), 128, 100, (1, 3)),
    Conv2DCase("pointwise_64_to_128", 16, (28, 28), 64, 128, (1, 1)),
    Conv2DCase("depthwise_3x3", 16, (28, 28), 64, 64, (3, 3), padding=_SAME_3X3, groups=64),
    Conv2DCase(
        "depthwise_3x3_strided", 16, (28, 28), 64, 64, (3, 3), (2, 2), (0, 1, 0, 1), groups=64
    ),
    Conv2DCase(
        "mobilenet_depthwise4", 16, (56, 56), 128, 128, (3, 3), (2, 2), (0, 1, 0, 1), groups=128
    ),
    Conv2DCase(
        "mobilenet_depthwise7", 16, (14, 14), 512, 512, (3, 3), padding=_SAME_3X3, groups=512
    ),
    Conv2DCase("dilated_3x3", 16, (28, 28), 32, 32, (3, 3), padding=(2, 2, 2, 2), dilation=(2, 2)),
]

_SAME_5X5, _SAME_7X7_STRIDED = (2, 2, 2, 2), (2, 3, 2, 3)

ALEXNET = [
    Conv2DCase("alexnet_conv2", 16, (27, 27), 96, 256, (5, 5), padding=_SAME_5X5),
    Conv2DCase("alexnet_conv3", 16, (13, 13), 256, 384, (3, 3), padding=_SAME_3X3),
    Conv2DCase("alexnet_conv4", 16, (13, 13), 384, 384, (3, 3), padding=_SAME_3X3),
    Conv2DCase("alexnet_conv5", 16, (13, 13), 384, 256, (3, 3), padding=_SAME_3X3),
]

# Side, channels and filters of each block's first convolution and of those that follow.
_VGG = {"1_1": (224, 3, 64), "1_2": (224, 64, 64), "2_1": (112, 64, 128), "2_2": (112, 128, 128)}
_VGG |= {"3_1": (56, 128, 256), "3_2": (56, 256, 256), "4_1": (28, 256, 512)}
_VGG |= {"4_2": (28, 512, 512), "5": (14, 512, 512)}

VGG16 = [
    Conv2DCase(f"vgg16_conv{name}", 16, (side, side), c, oc, (3, 3), padding=_SAME_3X3)
    for name, (side, c, oc) in _VGG.items()
]


def _resnet50_stage(stage: int, side: int, inputs: int, width: int) -> list[Conv2DCase]:
    """A stage's first block, whose 3x3 convolution and shortcut take strides of two, and a later
    one's convolutions."""
    step, name = (1 if stage == 2 else 2), f"resnet50_conv{stage}"
    inner, outer, size = (side // step,) * 2, 4 * width, (side, side)
    strided = {"strides": (step, step), "padding": (1, 1, 1, 1) if step == 1 else (0, 1, 0, 1)}
    first = [
        Conv2DCase(f"{name}_first_1x1", 16, size, inputs, width, (1, 1)),
        Conv2DCase(f"{name}_shortcut", 16, size, inputs, outer, (1, 1), (step, step)),
        Conv2DCase(f"{name}_first_3x3", 16, size, width, width, (3, 3), **strided),
    ]
    later = [
        Conv2DCase(f"{name}_narrowing_1x1", 16, inner, outer, width, (1, 1)),
        Conv2DCase(f"{name}_3x3", 16, inner, width, width, (3, 3), padding=_SAME_3X3),
        Conv2DCase(f"{name}_widening_1x1", 16, inner, width, outer, (1, 1)),
    ]
    return [*(first[:2] if step == 1 else first), *later]


RESNET50 = [
    Conv2DCase("resnet50_conv1", 16, (224, 224), 3, 64, (7, 7), (2, 2), _SAME_7X7_STRIDED),
    *_resnet50_stage(2, 56, 64, 64),
    *_resnet50_stage(3, 56, 256, 128),
    *_resnet50_stage(4, 28, 512, 256),
    *_resnet50_stage(5, 14, 1024, 512),
]


def _inception(name: str, side: int, inputs: int, *filters: int) -> list[Conv2DCase]:
    """The convolutions of an inception module in the order of the paper's table 1."""
    ones, reduce3, threes, reduce5, fives, projection = filters
    size, name = (side, side), f"googlenet_{name}"
    return [
        Conv2DCase(f"{name}_1x1", 16, size, inputs, ones, (1, 1)),
        Conv2DCase(f"{name}_3x3_reduce", 16, size, inputs, reduce3, (1, 1)),
        Conv2DCase(f"{name}_3x3", 16, size, reduce3, threes, (3, 3), padding=_SAME_3X3),
        Conv2DCase(f"{name}_5x5_reduce", 16, size, inputs, reduce5, (1, 1)),
        Conv2DCase(f"{name}_5x5", 16, size, reduce5, fives, (5, 5), padding=_SAME_5X5),
        Conv2DCase(f"{name}_projection", 16, size, inputs, projection, (1, 1)),
    ]


# C. Szegedy et al.: Going deeper with convolutions, 2015. Its first layer is ResNet's.
GOOGLENET = [
    Conv2DCase("googlenet_conv2", 16, (56, 56), 64, 192, (3, 3), padding=_SAME_3X3),
    *_inception("3a", 28, 192, 64, 96, 128, 16, 32, 32),
    *_inception("5b", 7, 832, 384, 192, 384, 48, 128, 128),
]

# The convolution whose gradient for its input the transposed convolution is.
TRANSPOSED = [Conv2DCase("upsample_transposed", 16, (28, 28), 32, 64, (3, 3), (2, 2), (0, 1, 0, 1))]

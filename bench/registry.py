"""The peers: what each needs installed, which program measures it and with which settings."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_NUMPY = "numpy==2.4.6"
_KERAS = "keras==3.15.1"
_TORCH = "torch==2.13.0"

ENVIRONMENTS = {
    "pytorch": [_TORCH, _NUMPY, "setuptools<82"],
    "keras-tensorflow": [_KERAS, "tensorflow-cpu==2.21.0", _NUMPY],
    "keras-jax": [_KERAS, "jax[cpu]==0.10.2", _NUMPY],
    "keras-torch": [_KERAS, _TORCH, _NUMPY],
    "onnxruntime": ["onnxruntime==1.31.1", "onnx==1.23.2", _NUMPY],
    "openvino": ["openvino==2026.4.1", "onnx==1.23.2", _NUMPY],
    "numpy": [_NUMPY],
}

# Settings by which each library takes no wider vectors than AVX2; oneDNN's holds OpenVINO too.
AVX2 = {
    "CONVNET_ISA": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
    "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
}
NOT_HELD_TO_AVX2 = ("onnxruntime",)

TRAINING, INFERENCE = "training", "inference"
_BOTH = (TRAINING, INFERENCE)


@dataclass(frozen=True)
class Peer:
    """A framework in one of its variants.

    Args:
        name: Name in tables; variants are told apart by a suffix.
        environment: Its virtual environment; None for the Python that compares.
        module: The program.
        modes: What it can do.
        variant: Setting handed to the program.
        variables: Environment variables of the program.
        optional: Whether it only takes part when it is named.
    """

    name: str
    environment: str | None
    module: str
    modes: tuple[str, ...] = _BOTH
    variant: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    optional: bool = False

    @property
    def python(self) -> Path:
        """The interpreter of its environment."""
        if self.environment is None:
            return Path(sys.executable)
        return environment_folder(self.environment) / "bin" / "python"

    @property
    def installed(self) -> bool:
        """Whether its environment was made completely."""
        return self.environment is None or (self.python.parents[1] / "complete").exists()


def environment_folder(name: str) -> Path:
    """Where the environment of that name lies: in `CONVNET_PEERS`, by default `build/peers`."""
    return Path(os.environ.get("CONVNET_PEERS", ROOT / "build" / "peers")).resolve() / name


def _keras(backend: str) -> Peer:
    name = f"keras-{backend}"
    return Peer(name, name, "bench.peers.keras", variables={"KERAS_BACKEND": backend})


def _pytorch(variant: str, optional: bool = False) -> Peer:
    name = f"pytorch-{variant}" if variant else "pytorch"
    cold = {"TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1"}  # so that first steps compile every time
    module = "bench.peers.pytorch"
    return Peer(name, "pytorch", module, variant=variant, variables=cold, optional=optional)


CONVNET = Peer("convnet", None, "bench.peers.convnet")

PEERS = [
    _pytorch(""),
    _pytorch("channels_last"),
    _pytorch("compile", optional=True),
    _keras("tensorflow"),
    _keras("jax"),
    _keras("torch"),
    Peer("onnxruntime", "onnxruntime", "bench.peers.onnxruntime", (INFERENCE,)),
    Peer("openvino", "openvino", "bench.peers.openvino", (INFERENCE,)),
    Peer("numpy", "numpy", "bench.peers.numpy"),
]


def chosen(names: list[str] | None) -> list[Peer]:
    """The peers of these names, each with its variants; without names all that are not optional.

    Raises:
        ValueError: if a name is unknown.
    """
    if names is None:
        return [peer for peer in PEERS if not peer.optional]
    known = {peer.name for peer in PEERS}
    for name in names:
        if name not in known:
            raise ValueError(f"Unknown peer {name!r}. Expected some of {', '.join(sorted(known))}.")
    return [p for p in PEERS if p.name in names or (p.environment in names and not p.optional)]

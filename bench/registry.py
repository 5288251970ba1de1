"""The peers: what each needs installed, which program measures it and with which settings.

On a GPU each runs in an environment of its own with the library's GPU packages. Where that was not
made, Python itself may have the library: GPU machines often come with one.
"""

from __future__ import annotations

import importlib.util
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
    "pytorch-gpu": [_TORCH, _NUMPY, "setuptools<82"],
    "keras-tensorflow-gpu": [_KERAS, "tensorflow[and-cuda]==2.21.0", _NUMPY],
    "keras-jax-gpu": [_KERAS, "jax[cuda13]==0.10.2", _NUMPY],
    "keras-torch-gpu": [_KERAS, _TORCH, _NUMPY],
}
CPU, GPU = DEVICES = ("cpu", "gpu")

# Settings by which no library rounds the operands of products to TF32.
FLOAT32 = {"NVIDIA_TF32_OVERRIDE": "0", "JAX_DEFAULT_MATMUL_PRECISION": "highest"}
NO_GPU = {"CUDA_VISIBLE_DEVICES": ""}

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
        device: Where it computes.
        library: The package that it needs.
        threads: How many it has, if not as many as everybody.
    """

    name: str
    environment: str | None
    module: str
    modes: tuple[str, ...] = _BOTH
    variant: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    optional: bool = False
    device: str = CPU
    library: str = ""
    threads: int | None = None

    @property
    def python(self) -> Path:
        """The interpreter of its environment, or this one."""
        if self.environment is None or not _complete(self.environment):
            return Path(sys.executable)
        return environment_folder(self.environment) / "bin" / "python"

    @property
    def installed(self) -> bool:
        """Whether its environment was made completely, or for a GPU this Python has its library."""
        if self.environment is None or _complete(self.environment):
            return True
        return self.device == GPU and importlib.util.find_spec(self.library) is not None


def _complete(environment: str) -> bool:
    return (environment_folder(environment) / "complete").exists()


def environment_folder(name: str) -> Path:
    """Where the environment of that name lies: in `CONVNET_PEERS`, by default `build/peers`."""
    return Path(os.environ.get("CONVNET_PEERS", ROOT / "build" / "peers")).resolve() / name


def _environment(name: str, device: str) -> str:
    return name if device == CPU else f"{name}-{device}"


def _keras(backend: str, device: str = CPU) -> Peer:
    name = f"keras-{backend}"
    return Peer(
        name,
        _environment(name, device),
        "bench.peers.keras",
        variables={"KERAS_BACKEND": backend},
        device=device,
        library=backend,
    )


def _pytorch(variant: str, device: str = CPU) -> Peer:
    cold = {"TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1"}  # so that first steps compile every time
    return Peer(
        f"pytorch-{variant}" if variant else "pytorch",
        _environment("pytorch", device),
        "bench.peers.pytorch",
        variant=variant,
        variables=cold,
        optional=variant == "compile" and device == CPU,
        device=device,
        library="torch",
    )


CONVNET = Peer("convnet", None, "bench.peers.convnet")
ONE_THREAD = Peer("convnet-one_thread", None, "bench.peers.convnet", (TRAINING,), threads=1)
CONVNET_GPU = Peer("convnet", None, "bench.peers.convnet", device=GPU)

PEERS = [
    _pytorch(""),
    _pytorch("channels_last"),
    _pytorch("compile"),
    _keras("tensorflow"),
    _keras("jax"),
    _keras("torch"),
    Peer("onnxruntime", "onnxruntime", "bench.peers.onnxruntime", (INFERENCE,)),
    Peer("openvino", "openvino", "bench.peers.openvino", (INFERENCE,)),
    Peer("numpy", "numpy", "bench.peers.numpy"),
]
GPU_PEERS = [
    _pytorch("", GPU),
    _pytorch("channels_last", GPU),
    _pytorch("compile", GPU),
    _keras("tensorflow", GPU),
    _keras("jax", GPU),
    _keras("torch", GPU),
]


def chosen(names: list[str] | None, device: str = CPU) -> list[Peer]:
    """The peers of these names, each with its variants; without names all that are not optional.

    Raises:
        ValueError: if a name is unknown.
    """
    peers = PEERS if device == CPU else GPU_PEERS
    if names is None:
        return [peer for peer in peers if not peer.optional]
    known = {peer.name for peer in peers}
    for name in names:
        if name not in known:
            raise ValueError(f"Unknown peer {name!r}. Expected some of {', '.join(sorted(known))}.")
    wanted = {_environment(name, device) for name in names}
    return [p for p in peers if p.name in names or (p.environment in wanted and not p.optional)]

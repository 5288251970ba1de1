import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def models_folder():
    """Real files of Keras 2 and 3 with their outputs, where the shared data are."""
    root = Path(__file__).resolve().parents[2]
    shared = Path(os.environ.get("CONVNET_SHARED", root.parent / "shared"))
    folder = shared / "data" / "models"
    if not folder.is_dir():
        pytest.skip("needs the shared data")
    return folder


@pytest.fixture(scope="session")
def run_keras():
    """Runs keras_oracle.py in a Python that has Keras: CONVNET_KERAS_PYTHON, or this one."""
    python = os.environ.get("CONVNET_KERAS_PYTHON")
    if python is None and importlib.util.find_spec("keras"):
        python = sys.executable
    if python is None:
        pytest.skip("needs Keras")

    def run(command, folder):
        script = HERE / "keras_oracle.py"
        result = subprocess.run(
            [python, "-B", script, command, folder], capture_output=True, text=True, timeout=500
        )
        assert result.returncode == 0, result.stderr[-4000:]

    return run

"""What each op of a saved model costs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Literal

from convnet import config, models
from convnet.profiling.profile import Profile
from convnet.profiling.random_data import random_inputs, random_targets


def run_profile(
    file: Path,
    batch: int = 32,
    training: bool = False,
    steps: int | None = None,
    sort: Literal["step", "time"] = "step",
    threads: int | None = None,
    plot: Path | None = None,
    json: Path | None = None,
) -> int:
    """Profiles a model on random data and prints the table and the bars.

    Args:
        file: A `.keras`, `.h5` or `.hdf5` file.
        batch: Samples of a step.
        training: Whether to measure a step of training instead of a prediction.
        steps: Steps to measure; by default as many as take half a second.
        sort: `"step"` for the order in which ops ran, `"time"` for the slowest first.
        threads: Number of threads; the default of the process if None.
        plot: Where to save a bar chart.
        json: Where to save the numbers.

    Returns:
        0, or 1 where the file cannot be profiled.
    """
    if threads is not None:
        config.set_num_threads(threads)
    try:
        profile = _profile(models.load_model(file), batch, training, steps)
        print(f"{profile.table(sort)}\n\n{profile.bars()}")
        if plot is not None:
            profile.plot(plot)
        if json is not None:
            json.write_text(profile.to_json(indent=1) + "\n")
    except (ImportError, OSError, ValueError) as error:
        print(f"Cannot profile {file}: {error}", file=sys.stderr)
        return 1
    return 0


def _profile(model: Any, batch: int, training: bool, steps: int | None) -> Profile:
    if training and not model.compiled:
        raise ValueError("the model was saved before `compile`: nothing says how to train it")
    x = random_inputs(model, batch)
    y = random_targets(model, batch) if training else None
    profile: Profile = model.profile(x, y, batch_size=batch, steps=steps)
    return profile

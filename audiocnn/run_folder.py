"""What a training leaves in its folder, and whether another may go on with it."""

import json
from pathlib import Path
from pickle import UnpicklingError
from textwrap import shorten

import torch

from audiocnn.classifier import load
from audiocnn.config import RunConfig, TrainConfig
from audiocnn.errors import ModelFileError, ParameterError
from audiocnn.frontends import named_config
from audiocnn.frontends.kinds import config_as_dict

__all__ = [
    "BEST",
    "CONFIG",
    "LAST",
    "METRICS",
    "SPLIT",
    "STATE",
    "History",
    "check_same_front_end",
    "check_same_run",
    "read_history",
]

BEST = "model.safetensors"
LAST = "last.safetensors"
STATE = "last.ckpt"
SPLIT = "split.csv"
CONFIG = "config.json"
METRICS = "metrics.csv"

History = list[dict[str, float]]  # of each finished epoch: its number, losses, accuracy and learning rate


def check_same_run(config: RunConfig) -> None:
    """Raise where `config.out` holds a run that was begun with other values.

    A setting that did not exist then must have its default.

    Raises:
        ModelFileError: for a damaged `config.json`.
        ParameterError: naming what differs.
    """
    begun = config.out / CONFIG
    if not begun.is_file():
        return
    now, unset = (
        json.loads(some.as_json()) for some in (config, type(config)(data=config.data, out=config.out))
    )
    try:
        before = unset | dict(json.loads(begun.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise ModelFileError(f"{begun} is damaged ({error}); train in another folder") from None
    # a run may be moved, and a GPU may be there or not
    differing = [name for name in now if name not in ("out", "device") and now[name] != before[name]]
    _require_none(config, [f"{name}={before[name]!r}, not {now[name]!r}" for name in differing])


def check_same_front_end(config: TrainConfig) -> None:
    """Raise where `config.out` holds a run of another front-end: a .json file named by both may have changed.

    Raises:
        ModelFileError: for a damaged `last.safetensors`.
        ParameterError: naming what differs.
    """
    check_same_run(config)
    if not (config.out / LAST).is_file():
        return
    then = config_as_dict(load(config.out / LAST).config.front_end)
    now = config_as_dict(named_config(config.front_end))
    differing = [name for name in then | now if then.get(name) != now.get(name)]
    _require_none(
        config, [f"front_end.{name}={then.get(name)!r}, not {now.get(name)!r}" for name in differing]
    )


def _require_none(config: RunConfig, differences: list[str]) -> None:
    if differences:
        raise ParameterError(
            f"out={config.out} was begun with {'; '.join(differences)}; resume it so, or train in another "
            "folder"
        )


def read_history(out: Path) -> History:
    """The epochs that the run in a folder has finished.

    Raises:
        ModelFileError: for a damaged `last.ckpt`.
    """
    state = out / STATE
    if not state.is_file():
        return []
    try:  # whatever the file holds, nothing in it is executed
        history: History = torch.load(state, map_location="cpu", weights_only=True)["run"]["history"]
    except (UnpicklingError, RuntimeError, EOFError, KeyError, TypeError, ValueError) as error:
        found = shorten(str(error), 100)
        raise ModelFileError(
            f"{state} is no checkpoint of a training, or a damaged one ({found}); "
            "remove it to begin the run again"
        ) from None
    return history

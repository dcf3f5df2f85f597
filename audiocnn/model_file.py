"""The file a classifier ships in: safetensors, with a JSON config in its header.

Reading it executes nothing, whoever made it. A checksum finds damage that the
format itself does not.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from audiocnn.errors import ModelFileError
from audiocnn.files import whole_file

__all__ = ["FORMAT_VERSION", "read", "write"]

FORMAT_VERSION = 2
_READABLE = ("1", "2")  # the first knew no other front-end than log-mel


def write(path: Path, *, config: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """Write config and tensors; the file appears whole or not at all.

    Raises:
        OSError: if the folder does not exist or cannot be written.
    """
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(config, sort_keys=True)
    header = {"audiocnn_format": str(FORMAT_VERSION), "config": text, "sha256": _digest(text, plain)}
    with whole_file(path) as beside:
        beside.write_bytes(safetensors.torch.save(plain, metadata=header))  # save_file lets nobody else read


def read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Config and tensors of a file that `write` made.

    Raises:
        ModelFileError: naming the path, what was found, and what would work.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise ModelFileError(f"{path} {what}; name the .safetensors file of a classifier")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no dict
    except safetensors.SafetensorError as error:
        raise ModelFileError(
            f"{path} is no safetensors file, or a damaged one ({error}); a classifier is what "
            "Classifier.save or `audiocnn train` wrote, and pickled checkpoints are never read"
        ) from None
    if "audiocnn_format" not in header:
        raise ModelFileError(
            f"{path} is a safetensors file of something else: its header holds no audiocnn config; "
            "build a Classifier, load these tensors into it and save that"
        )
    version = header["audiocnn_format"]
    if version not in _READABLE:
        raise ModelFileError(
            f"{path} has format {version}, and this audiocnn reads up to {FORMAT_VERSION}; "
            "install a newer audiocnn"
        )
    text = header.get("config", "")
    if header.get("sha256") != _digest(text, tensors):
        raise ModelFileError(
            f"{path} is damaged: its config or its weights are not those that were saved; copy it again"
        )
    try:
        return json.loads(text), tensors
    except ValueError:  # with the right checksum: made on purpose
        raise ModelFileError(f"{path} holds a config that is no JSON; save the classifier again") from None


def _digest(config: str, tensors: dict[str, Tensor]) -> str:
    """SHA-256 over the config, and over names and bytes in the order of the names."""
    digest = hashlib.sha256(config.encode())
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].numpy().tobytes())
    return digest.hexdigest()

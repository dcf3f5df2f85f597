"""What NVIDIA's NeMo makes of its MatchboxNets with the weights of `tests/weights.py`.

`python tests/models/golden/make_nemo.py FOLDER`, of an unpacked `nemo_toolkit-3.0.0-py3-none-any.whl`, writes
`nemo.json`: the names and shapes of each model's state dict, and its logits. The two files that make the
nets are run as they are; the many packages that they import, and make no use of here, are stood in for. It
ran with torch 2.14.1, Python 3.11.
"""

import json
import sys
import types
import warnings
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import torch
from torch import nn

HERE = Path(__file__).parent
ASR = "nemo.collections.asr."
FILES = (f"{ASR}parts.submodules.jasper", f"{ASR}modules.conv_asr")


class _WithoutAdapters:
    def is_adapter_available(self):
        return False


class _Unwatched:
    def is_access_enabled(self, guid=None):
        return False


# what the nets do need of what is stood in for
NEEDED = {
    "AccessMixin": _Unwatched,
    "AdapterModuleMixin": _WithoutAdapters,
    "NeuralModule": nn.Module,
    "activation_registry": {"relu": nn.ReLU},
    "get_registered_adapter": lambda base_class: True,
    "typecheck": lambda: lambda method: method,
}


class _StandIn(types.ModuleType):
    """A module that has whatever is imported from it."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return NEEDED.get(name, type(name, (), {}))


class _StandIns:
    """Finds every module of the packages that are not installed."""

    def find_spec(self, name, path=None, target=None):
        return (
            ModuleSpec(name, self, is_package=True) if name.split(".")[0] in ("nemo", "omegaconf") else None
        )

    def create_module(self, spec):
        return _StandIn(spec.name)

    def exec_module(self, module):
        pass


def nemo(folder):
    """NeMo's module of convolutional nets."""
    sys.meta_path.append(_StandIns())
    for name in FILES:
        spec = spec_from_file_location(name, folder / f"{name.replace('.', '/')}.py")
        sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[FILES[-1]]


def matchboxnet(conv_asr, repeats, num_classes):
    """`matchboxnet_3x1x64_v1.yaml`, with `repeats` for its 1."""
    inner = {"filters": 64, "repeat": repeats, "dilation": [1], "residual": True, "separable": True}
    outer = {"filters": 128, "repeat": 1, "dilation": [1], "residual": False, "separable": True}
    layers = [
        {**outer, "kernel": [11]},
        *({**inner, "kernel": [kernel]} for kernel in (13, 15, 17)),
        {**outer, "kernel": [29], "dilation": [2]},
        {**outer, "kernel": [1], "separable": False},
    ]
    always = {"stride": [1], "dropout": 0.0}
    encoder = conv_asr.ConvASREncoder(
        [{**layer, **always} for layer in layers], activation="relu", feat_in=64
    )
    decoder = conv_asr.ConvASRDecoderClassification(feat_in=128, num_classes=num_classes)
    return nn.ModuleDict({"encoder": encoder, "decoder": decoder}).eval()


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parents[1]))
    from weights import weights_by_formula

    warnings.simplefilter("ignore")
    conv_asr = nemo(Path(sys.argv[1]))
    features = weights_by_formula({"features": (2, 64, 128)})["features"]
    golden = {}
    for name, repeats in (("matchboxnet_3x1x64", 1), ("matchboxnet_3x2x64", 2)):
        model = matchboxnet(conv_asr, repeats, num_classes=5)
        shapes = {key: list(tensor.shape) for key, tensor in model.state_dict().items()}
        counters = {key: torch.tensor(1) for key in shapes if key.endswith("num_batches_tracked")}
        model.load_state_dict(weights_by_formula(shapes) | counters)
        with torch.no_grad():
            encoded, _ = model["encoder"](features, torch.tensor([128, 128]))
            logits = model["decoder"](encoded)
        golden[name] = {"shapes": shapes, "input": [2, 64, 128], "output": logits.tolist()}
    (HERE / "nemo.json").write_text(json.dumps(golden, indent=1) + "\n")

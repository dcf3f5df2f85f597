"""What reference implementations of 2-D nets make of the weights of `tests/weights.py`.

`python tests/models/golden/make_convnets.py NAME SOURCE` writes `NAME.json`: the names and shapes of each
net's state dict, the shape of its input, and its output. NAME and SOURCE are

    panns        panns_inference-0.1.1-py3-none-any.whl
    torchvggish  a folder with torchvggish 0.2 installed in it
    qualcomm     a clone of github.com/Qualcomm-AI-research/bcresnet, here at aaa6eb8

The files that make the nets are run as they are, and nothing else of the packages, which fetch labels and
weights from the network. They ran with torch 2.14.1, Python 3.11.
"""

import json
import sys
import types
import zipfile
from pathlib import Path

import torch
from torch import nn

HERE = Path(__file__).parent


def run(name, text):
    """A module of that name, made by its text."""
    module = types.ModuleType(name)
    module.__package__ = name.rpartition(".")[0]
    sys.modules[name] = module
    exec(text, vars(module))  # the reference itself
    return module


def panns(wheel):
    """CNN14 from the log-mel spectrogram on, without its sigmoid; `(batch, 1, time, rows)`."""
    sys.modules["panns_inference"] = types.ModuleType("panns_inference")
    with zipfile.ZipFile(wheel) as archive:
        for name in ("pytorch_utils", "models"):
            module = run(f"panns_inference.{name}", archive.read(f"panns_inference/{name}.py"))
    net = module.Cnn14(32000, 1024, 320, 64, 50, 14000, 10)
    shapes = shapes_of(net)
    net.spectrogram_extractor = net.logmel_extractor = nn.Identity()
    # 70 frames, 35 and 17 after pools: an odd one is not looked at
    yield "cnn14", net, shapes, (2, 1, 70, 64), lambda x: torch.logit(net(x)["clipwise_output"])


def torchvggish(folder):
    """The embedding; `(batch, 1, time, rows)`."""
    module = run("torchvggish", (Path(folder) / "torchvggish/torchvggish.py").read_text(encoding="utf-8"))
    net = module._vgg()
    yield "vggish", net, shapes_of(net), (2, 1, 96, 64), net


def qualcomm(folder):
    """BC-ResNets; `(batch, 1, rows, time)`."""
    for name in ("subspectralnorm", "bcresnet"):
        module = run(name, (Path(folder) / f"{name}.py").read_text(encoding="utf-8"))
    for name, base in (("bc_resnet_1", 8), ("bc_resnet_1_5", 12)):
        net = module.BCResNets(base)
        yield name, net, shapes_of(net), (2, 1, 40, 98), net


def shapes_of(net):
    """The names and shapes of a state dict."""
    return {name: list(tensor.shape) for name, tensor in net.state_dict().items()}


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parents[1]))
    from weights import weights_by_formula

    source, path = sys.argv[1:]
    golden = {"made_with": f"{Path(path).name}, torch {torch.__version__}"}
    for name, net, shapes, input_shape, forward in globals()[source](path):
        state = weights_by_formula(shapes)
        net.load_state_dict({key: state[key] for key in net.state_dict()})
        net.eval()
        with torch.no_grad():
            output = forward(weights_by_formula({"features": input_shape})["features"])
        golden[name] = {"shapes": shapes, "input": list(input_shape), "output": output.tolist()}
    (HERE / f"{source}.json").write_text(json.dumps(golden, indent=1) + "\n")

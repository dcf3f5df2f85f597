"""What torchvision's MobileNetV2 of 0.35 times the channels makes of a spectrogram.

`python tests/models/golden/make_mobilenet.py` writes `mobilenet.json`: its parameters for pictures, and its
logits for 12 classes and one channel, with the weights of `tests/weights.py`. It ran with torchvision 0.29.2
on torch 2.14.1, Python 3.11.
"""

import json
import sys
from pathlib import Path

import torch
from torchvision.models import mobilenet_v2

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from weights import weights_by_formula  # noqa: E402

INPUT = (2, 1, 40, 98)

if __name__ == "__main__":
    parameters = sum(p.numel() for p in mobilenet_v2(width_mult=0.35).parameters())
    net = mobilenet_v2(width_mult=0.35, num_classes=12).eval()
    net.features[0][0] = torch.nn.Conv2d(1, 16, 3, stride=2, padding=1, bias=False)
    shapes = {name: t.shape for name, t in net.state_dict().items() if "num_batches" not in name}
    net.load_state_dict(weights_by_formula(shapes), strict=False)
    with torch.inference_mode():
        logits = net(weights_by_formula({"features": INPUT})["features"])
    golden = {"parameters": parameters, "input": INPUT, "logits": logits.tolist()}
    (HERE / "mobilenet.json").write_text(json.dumps(golden, indent=1) + "\n")

"""Weights from elsewhere: the state dicts of reference implementations, under our names.

    net = create("cnn14", num_classes=527, padding="same", input_size=(64, 1001))
    net.load_state_dict(from_panns(state, net))

A `from_...` takes what `torch.load(..., weights_only=True)` or safetensors gave, and our net of the same
architecture. It raises `ParameterError` for weights that are not of that architecture.
"""

from audiocnn.models.convert.bc_resnet import from_qualcomm
from audiocnn.models.convert.key_map import rename_state
from audiocnn.models.convert.mlperf_tiny import from_mlperf_tiny
from audiocnn.models.convert.nemo import from_nemo
from audiocnn.models.convert.panns import from_panns
from audiocnn.models.convert.speechbrain import from_speechbrain
from audiocnn.models.convert.torchvision import from_torchvision
from audiocnn.models.convert.vggish import from_torchvggish

__all__ = [
    "from_mlperf_tiny",
    "from_nemo",
    "from_panns",
    "from_qualcomm",
    "from_speechbrain",
    "from_torchvggish",
    "from_torchvision",
    "rename_state",
]

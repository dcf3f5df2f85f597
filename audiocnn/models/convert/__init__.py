"""Weights from elsewhere: the state dicts of reference implementations, under our names.

    net = create("cnn14", num_classes=527, padding="same", input_size=(64, 1001))
    net.load_state_dict(from_panns(state, net))

A `from_...` takes what `torch.load(..., weights_only=True)` or safetensors gave, and our net of the same
architecture. It raises `ParameterError` for weights that are not of that architecture.
"""

from audiocnn.models.convert.key_map import rename_state

__all__ = ["rename_state"]

"""Nets for images: ours, and torchvision's to compare them with."""

import torch
from torch import nn

from audiocnn.models import Net, create

__all__ = ["assert_same_outputs", "on_images"]


def on_images(name: str, rows: int, columns: int) -> Net:
    """For three colours and 1000 classes, without numbers."""
    with torch.device("meta"):
        return create(
            name, num_classes=1000, in_channels=3, input_size=(rows, columns), padding="same"
        ).eval()


def assert_same_outputs(name: str, reference: nn.Module, rows: int, columns: int) -> None:
    """With the weights of `reference`, to 1e-5 of its largest output."""
    ours, theirs = on_images(name, rows, columns), reference.state_dict()
    state = dict(zip(ours.state_dict(), theirs.values(), strict=True))  # both in the order of the layers
    state["logits.weight"] = state["logits.weight"][..., None]
    ours.load_state_dict(state, assign=True)
    x = torch.randn(2, 3, rows, columns)
    with torch.inference_mode():
        expected = reference(x)
        assert (ours(x)[..., 0] - expected).abs().max() <= 1e-5 * expected.abs().max()

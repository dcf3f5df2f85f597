"""Nets for images: ours, and torchvision's to compare them with."""

import torch
from torch import Tensor, nn

from audiocnn.models import ImageNet, create
from audiocnn.models.convert import from_torchvision

__all__ = ["assert_agrees", "assert_same_outputs", "in_order", "on_images", "with_random_statistics"]


def on_images(name: str, rows: int, columns: int) -> ImageNet:
    """For three colours and 1000 classes, without numbers."""
    with torch.device("meta"):
        return create(
            name, num_classes=1000, in_channels=3, input_size=(rows, columns), padding="same"
        ).eval()


def with_random_statistics(reference: nn.Module) -> nn.Module:
    """In evaluation, with norms that have learnt something."""
    for norm in reference.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.normal_(norm.running_mean, std=0.1)
            nn.init.uniform_(norm.running_var, 0.5, 2.0)
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias, std=0.1)
    return reference.eval()


def assert_same_outputs(name: str, reference: nn.Module, rows: int, columns: int) -> None:
    """With the weights of `reference`, to 1e-5 of its largest output."""
    ours = on_images(name, rows, columns)
    assert_agrees(ours, reference, from_torchvision(reference.state_dict(), ours))


def assert_agrees(ours: ImageNet, reference: nn.Module, state: dict[str, Tensor]) -> None:
    """The same, of a net that is built, with the weights of `reference` by our names."""
    ours.load_state_dict(state, assign=True)
    x = torch.randn(2, 3, ours.rows, ours.window)
    with torch.inference_mode():
        expected = reference(x)[..., None, None]
        scores = ours(x)
        assert scores.shape == expected.shape
        assert (scores - expected).abs().max() <= 1e-5 * expected.abs().max()


def in_order(ours: ImageNet, reference: nn.Module) -> dict[str, Tensor]:
    """The weights of `reference`, whose layers stand in the order of ours, by our names."""
    theirs = reference.state_dict().values()
    return {
        name: tensor.reshape(own.shape)
        for (name, own), tensor in zip(ours.state_dict().items(), theirs, strict=True)
    }

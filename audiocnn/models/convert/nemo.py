"""MatchboxNet as NVIDIA's NeMo names it."""

from collections.abc import Mapping

from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.models.convert.key_map import rename_layers
from audiocnn.models.net import Net

__all__ = ["from_nemo"]

# a repeat of a block: depthwise, pointwise, norm, ReLU, dropout
_LAYERS_IN_A_REPEAT = 5


def from_nemo(state: Mapping[str, Tensor], net: Net) -> dict[str, Tensor]:
    """The weights of NeMo's `EncDecClassificationModel` with a MatchboxNet in it, for ours.

    Its convolutions are masked (`conv_mask: true`, as in NeMo's configs), which leaves no trace in the
    numbers. Its features are left out: 64 MFCCs, not normalised.

    Args:
        state: of the model, such as the `model_weights.ckpt` inside a `.nemo` file.
        net: `matchboxnet_3x1x64` or `matchboxnet_3x2x64` of as many classes and 64 rows, with either
            padding.

    Returns:
        What `net.load_state_dict` takes.

    Raises:
        ParameterError: for a net of another family, or the weights of another net.
    """
    ours = net.state_dict()
    repeats = sum(name.startswith("body.block1.") and ".depthwise" in name for name in ours)
    if repeats == 0:
        raise ParameterError(
            "net is no MatchboxNet; give one that create('matchboxnet_3x1x64', ...) or its like has built"
        )
    return rename_layers(state, _layers(repeats), net=net, ignored=("preprocessor.",))


def _layers(repeats: int) -> dict[str, str]:
    """Each of our layers that has weights, and their name of it."""
    layers = {"body.last.conv": "5.mconv.0.conv", "body.last.norm": "5.mconv.1"}
    for outer, i in (("prologue", 0), ("epilogue", 4)):
        layers |= {
            f"body.{outer}.conv.depthwise": f"{i}.mconv.0.conv",
            f"body.{outer}.conv.pointwise": f"{i}.mconv.1.conv",
            f"body.{outer}.norm": f"{i}.mconv.2",
        }
    for i in (1, 2, 3):
        branch, projection = (f"body.block{i}.residual.branches.{j}" for j in (0, 1))
        for repeat in range(repeats):
            first = repeat * _LAYERS_IN_A_REPEAT
            layers |= {
                f"{branch}.depthwise{repeat + 1}": f"{i}.mconv.{first}.conv",
                f"{branch}.pointwise{repeat + 1}": f"{i}.mconv.{first + 1}.conv",
                f"{branch}.norm{repeat + 1}": f"{i}.mconv.{first + 2}",
            }
        layers |= {f"{projection}.conv": f"{i}.res.0.0.conv", f"{projection}.norm": f"{i}.res.0.1"}
    encoder = {ours: f"encoder.encoder.{theirs}" for ours, theirs in layers.items()}
    return encoder | {"logits": "decoder.decoder_layers.0"}

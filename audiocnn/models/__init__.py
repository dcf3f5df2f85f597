"""The networks, one family per file, and the dicts that name them: for sound, for pictures, and all."""

from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from inspect import signature

from audiocnn.errors import ParameterError
from audiocnn.layers import Padding
from audiocnn.models.alexnet import alexnet, alexnet_one_tower, alexnet_small
from audiocnn.models.asr_cnn import asr_cnn
from audiocnn.models.bc_resnet import bc_resnet
from audiocnn.models.cifar_resnet import cifar_resnet, preact_resnet
from audiocnn.models.cnn_kws import cnn_one_fstride4, cnn_trad_fpool3
from audiocnn.models.ds_cnn import ds_cnn
from audiocnn.models.ecapa_tdnn import ecapa_tdnn
from audiocnn.models.googlenet import googlenet
from audiocnn.models.image_net import ImageNet
from audiocnn.models.lenet import lenet5, lenet5_1998
from audiocnn.models.matchboxnet import matchboxnet
from audiocnn.models.mdtc import mdtc
from audiocnn.models.mobilenet_audio import mobilenet_audio
from audiocnn.models.neocognitron import neocognitron
from audiocnn.models.net import InputSize, Net, NetConfig
from audiocnn.models.network_in_network import network_in_network
from audiocnn.models.panns import panns
from audiocnn.models.raw_waveform import m5
from audiocnn.models.res import res
from audiocnn.models.resnet import resnet
from audiocnn.models.tc_resnet import tc_resnet
from audiocnn.models.tdnn_f import tdnn_f
from audiocnn.models.tdnn_waibel import tdnn_waibel
from audiocnn.models.vgg import vgg
from audiocnn.models.vggish import vggish
from audiocnn.models.x_vector import x_vector
from audiocnn.models.zfnet import zfnet

__all__ = ["AUDIO_MODELS", "IMAGE_MODELS", "MODELS", "ImageNet", "Net", "NetConfig", "create"]

_tdnn = partial(
    x_vector,
    channels=128,
    wide=384,
    embeddings=(128,),
    default_size=(40, 98),
    padding_mode="zeros",
    negative_slope=0.0,
    correction=0,
    smoothing=1e-5,
)
# With "valid" padding the kernels shrink and the widths grow, to about the same parameters.
_tc_resnet_8 = partial(tc_resnet, blocks=1, valid_kernel_size=5, valid_width=1.33)
_tc_resnet_14 = partial(tc_resnet, blocks=2, valid_kernel_size=3, valid_width=1.71)
_res_8 = partial(res, blocks=3, pool_size=(3, 4))
_res_15 = partial(res, blocks=6, dilated=True)
_res_26 = partial(res, blocks=12, pool_size=(2, 2))
_ds_cnn_s = partial(ds_cnn, channels=64, blocks=4, stride=(2, 2))
_ds_cnn_m = partial(ds_cnn, channels=172, blocks=4, stride=(1, 2), block_stride=2)
_vgg11 = partial(vgg, convolutions=(1, 1, 2, 2, 2))
_vgg13 = partial(vgg, convolutions=(2, 2, 2, 2, 2))
_vgg16 = partial(vgg, convolutions=(2, 2, 3, 3, 3))
_vgg19 = partial(vgg, convolutions=(2, 2, 4, 4, 4))
_googlenet_bn = partial(googlenet, form="torchvision")
_resnet18 = partial(resnet, blocks=(2, 2, 2, 2))
_resnet50 = partial(resnet, blocks=(3, 4, 6, 3), bottleneck=True)
_resnet101 = partial(resnet, blocks=(3, 4, 23, 3), bottleneck=True)
_resnet152 = partial(resnet, blocks=(3, 8, 36, 3), bottleneck=True)

AUDIO_MODELS: dict[str, Callable[..., Net]] = {
    "tdnn_waibel": tdnn_waibel,
    "tdnn": _tdnn,
    "x_vector": x_vector,
    "tdnn_f_small": partial(tdnn_f, channels=768, bottleneck=96, narrow=192, far_layers=8),
    "tdnn_f": partial(tdnn_f, channels=1536, bottleneck=192, narrow=256, far_layers=10),
    "ecapa_tdnn_512": partial(ecapa_tdnn, channels=512),
    "ecapa_tdnn_1024": partial(ecapa_tdnn, channels=1024),
    "ecapa_tdnn_1024_3072": partial(ecapa_tdnn, channels=1024, aggregated=3072),
    "tc_resnet_8": _tc_resnet_8,
    "tc_resnet_8_1_5": partial(_tc_resnet_8, width=1.5),
    "tc_resnet_14_0_4": partial(_tc_resnet_14, width=0.4),
    "tc_resnet_14": _tc_resnet_14,
    "tc_resnet_14_1_5": partial(_tc_resnet_14, width=1.5),
    "tc_resnet_14_3": partial(_tc_resnet_14, width=3.0),
    "matchboxnet_3x1x64": partial(matchboxnet, repeats=1, valid_window=143),
    "matchboxnet_3x2x64": partial(matchboxnet, repeats=2, valid_window=158),
    "mdtc_small": partial(mdtc, channels=32, stacks=3),
    "m5": m5,
    "asr_cnn": asr_cnn,
    "cnn_trad_fpool3": cnn_trad_fpool3,
    "cnn_one_fstride4": cnn_one_fstride4,
    "res_8": partial(_res_8, channels=45),
    "res_8_narrow": partial(_res_8, channels=19),
    "res_15": partial(_res_15, channels=45),
    "res_15_narrow": partial(_res_15, channels=19),
    "res_26": partial(_res_26, channels=45),
    "res_26_narrow": partial(_res_26, channels=19),
    "ds_cnn_s": _ds_cnn_s,
    "ds_cnn_m": _ds_cnn_m,
    "ds_cnn_m_1_5": partial(_ds_cnn_m, width=1.5),
    "ds_cnn_l": partial(ds_cnn, channels=276, blocks=5, stride=(1, 2), block_stride=2),
    "ds_cnn_mlperf": partial(_ds_cnn_s, mlperf=True),
    "mobilenet_audio_small": partial(mobilenet_audio, width=0.35),
    "bc_resnet_1": partial(bc_resnet, base_channels=8),
    "bc_resnet_1_5": partial(bc_resnet, base_channels=12),
    "bc_resnet_2": partial(bc_resnet, base_channels=16),
    "bc_resnet_3": partial(bc_resnet, base_channels=24),
    "bc_resnet_6": partial(bc_resnet, base_channels=48),
    "bc_resnet_8": partial(bc_resnet, base_channels=64),
    "cnn6": partial(panns, blocks=4, pools=4, kernel_sizes=(5,), valid_window=124),
    "cnn10": partial(panns, blocks=4, pools=4, kernel_sizes=(3, 3), valid_window=124),
    "cnn14": partial(panns, blocks=6, pools=5, kernel_sizes=(3, 3), valid_window=380),
    "vggish": vggish,
}
IMAGE_MODELS: dict[str, Callable[..., ImageNet]] = {
    "neocognitron": neocognitron,
    "lenet5": lenet5,
    "lenet5_1998": lenet5_1998,
    "alexnet": alexnet,
    "alexnet_ungrouped": partial(alexnet, groups=1),
    "alexnet_one_tower": alexnet_one_tower,
    "alexnet_small": alexnet_small,
    "zfnet": zfnet,
    "zfnet_512": partial(zfnet, channels=(512, 1024, 512)),
    "network_in_network": network_in_network,
    "vgg11": _vgg11,
    "vgg11_bn": partial(_vgg11, norm=True),
    "vgg11_small": partial(_vgg11, norm=True, small_input=True),
    "vgg13": _vgg13,
    "vgg13_bn": partial(_vgg13, norm=True),
    "vgg16": _vgg16,
    "vgg16_bn": partial(_vgg16, norm=True),
    "vgg16_small": partial(_vgg16, norm=True, small_input=True),
    "vgg19": _vgg19,
    "vgg19_bn": partial(_vgg19, norm=True),
    "googlenet": googlenet,
    "googlenet_aux": partial(googlenet, auxiliary=True),
    "googlenet_bn": _googlenet_bn,
    "googlenet_bn_aux": partial(_googlenet_bn, auxiliary=True),
    "googlenet_bn_small": partial(_googlenet_bn, small_input=True),
    "resnet18": _resnet18,
    "resnet18_small": partial(_resnet18, small_input=True),
    "resnet34": partial(resnet, blocks=(3, 4, 6, 3)),
    "resnet50": _resnet50,
    "resnet50_v1": partial(_resnet50, stride_on="first"),
    "resnet101": _resnet101,
    "resnet101_v1": partial(_resnet101, stride_on="first"),
    "resnet152": _resnet152,
    "resnet152_v1": partial(_resnet152, stride_on="first"),
    "resnet20_narrow": partial(cifar_resnet, blocks=3, width=0.5),
    "resnet56_narrow": partial(cifar_resnet, blocks=9, width=0.5),
    "resnet20": partial(cifar_resnet, blocks=3),
    "resnet32": partial(cifar_resnet, blocks=5),
    "resnet44": partial(cifar_resnet, blocks=7),
    "resnet56": partial(cifar_resnet, blocks=9),
    "resnet110": partial(cifar_resnet, blocks=18),
    "plain20_narrow": partial(cifar_resnet, blocks=3, width=0.5, shortcuts=False),
    "plain56_narrow": partial(cifar_resnet, blocks=9, width=0.5, shortcuts=False),
    "plain20": partial(cifar_resnet, blocks=3, shortcuts=False),
    "plain56": partial(cifar_resnet, blocks=9, shortcuts=False),
    "preact_resnet20": partial(preact_resnet, blocks=3),
    "preact_resnet56": partial(preact_resnet, blocks=9),
    "preact_resnet110": partial(preact_resnet, blocks=18),
    "preact_resnet164": partial(preact_resnet, blocks=18, bottleneck=True),
}
MODELS: dict[str, Callable[..., Net]] = AUDIO_MODELS | IMAGE_MODELS


def create(
    name: str,
    *,
    num_classes: int,
    in_channels: int | None = None,
    input_size: InputSize = None,
    padding: Padding | None = None,
) -> Net:
    """Build a net of `MODELS`, with fresh weights.

    Args:
        name: a name in `audiocnn.models.MODELS`.
        num_classes: classes, one logit each.
        in_channels: channels of the input: 1 for a spectrogram, as nets for sound have by default, 3 for the
            colours of a picture, as most nets for pictures have.
        input_size: `(rows, window)`: feature rows and frames in one decision, such as
            `(40, 98)`, or the rows and columns of a picture. Either, or the whole, may be None for the
            family's own default; that of a net for pictures is the published picture for None, and about a
            second of sound for `(rows, None)`.
        padding: along time, or columns: `"valid"` makes the net a scan, whose scores on a stream are those
            on clips; `"same"` is the net as published. By default `"valid"` for nets for sound, and as
            published for nets for pictures.

    Returns:
        The net: `(batch, in_channels, rows, time)` -> logits `(batch, num_classes, windows)`; or an
        `ImageNet`: `(batch, in_channels, rows, columns)` -> `(batch, num_classes, rows', columns')`.

    Raises:
        ParameterError: for an unknown name (with the nearest) or sizes that cannot work.

    >>> import torch
    >>> net = create("tc_resnet_8", num_classes=12, padding="same")
    >>> net(torch.zeros(1, 1, 40, 98)).shape
    torch.Size([1, 12, 1])
    >>> sum(p.numel() for p in net.parameters())
    65180
    """
    if name not in MODELS:
        near = get_close_matches(name, MODELS, n=3)
        remedy = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(MODELS)}"
        raise ParameterError(f"name={name!r} is no model; {remedy}")
    own = signature(MODELS[name]).parameters
    if in_channels is None:
        in_channels = own["in_channels"].default
    if padding is None:
        padding = own["padding"].default
    for argument, value in (("num_classes", num_classes), ("in_channels", in_channels)):
        if not isinstance(value, int) or value < 1:
            raise ParameterError(f"{argument}={value!r} must be a positive integer")
    if padding not in ("valid", "same"):
        raise ParameterError(f"padding={padding!r} must be 'valid' or 'same'")
    net = MODELS[name](
        num_classes=num_classes, in_channels=in_channels, input_size=input_size, padding=padding
    )
    net.config = NetConfig(
        name=name,
        num_classes=num_classes,
        in_channels=in_channels,
        input_size=(net.rows, net.window),
        padding=padding,
    )
    return net

"""What is put to the laws: every layer, front-end, net and classifier, each with an input to run on."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from audiocnn import Classifier, ClassifierConfig
from audiocnn import frontends as F
from audiocnn import layers as L
from audiocnn.frontends import LogMel, LogMelConfig
from audiocnn.frontends.presets import PRESETS
from audiocnn.models import MODELS, Net, NetConfig
from audiocnn.models.fcn import FCN
from audiocnn.models.lenet import lenet5
from audiocnn.models.localizer import Localizer


@dataclass(frozen=True)
class Case:
    """A module to build, and the axes of its input before time."""

    name: str
    build: Callable[[], L.Scan]
    axes: tuple[int, ...]
    extra_outputs: int = 40

    def __str__(self) -> str:
        return self.name

    def module(self, dtype: torch.dtype, seed: int = 0) -> L.Scan:
        """The module with random weights and statistics, in evaluation."""
        torch.manual_seed(seed)
        module = self.build()
        for part in module.modules():
            if isinstance(part, torch.nn.modules.batchnorm._BatchNorm):
                torch.nn.init.normal_(part.running_mean)
                torch.nn.init.uniform_(part.running_var, 0.5, 2.0)
                if part.affine:
                    torch.nn.init.uniform_(part.weight, 0.5, 1.5)
                    torch.nn.init.normal_(part.bias, std=0.3)
            if isinstance(part, L.Normalize):
                part.set_statistics(
                    mean=torch.randn_like(part.mean) - 5, deviation=torch.rand_like(part.mean) + 1.0
                )
        return module.eval().to(dtype)

    def input(self, module: L.Scan, *, batch: int = 1, seed: int = 0) -> Tensor:
        """Random input for some dozens of outputs, and a few steps that make none."""
        takes, steps = module.time_axis.takes, self.extra_outputs
        if takes is not None:
            steps = takes.input_length(self.extra_outputs) + takes.stride // 2
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(batch, *self.axes, steps, generator=generator, dtype=torch.float64)
        dtypes = [p.dtype for p in (*module.parameters(), *module.buffers()) if p.is_floating_point()]
        return (0.3 * x).to(dtypes[0] if dtypes else torch.float64)


def classifier(name: str, padding: L.Padding) -> Classifier:
    return Classifier(
        ClassifierConfig(
            labels=("left", "right", "other"),
            front_end=LogMelConfig(),
            net=NetConfig(name=name, num_classes=3, padding=padding),
        )
    )


def learned(pool: L.LearnedPool1d | L.LearnedPool2d | L.Subsample2d) -> L.Scan:
    """A learned pool that is no longer the mean it starts as."""
    for parameter in pool.parameters():
        torch.nn.init.normal_(parameter)
    return pool


def active(cells: L.SLayer) -> L.Scan:
    """S-cells that excite and inhibit as though they had learnt."""
    torch.nn.init.uniform_(cells.a, 0.0, 1.0)
    torch.nn.init.uniform_(cells.b, 0.2, 1.0)
    return cells


LAYERS = [
    Case("Identity", L.Identity, (4,)),
    Case("Crop", lambda: L.Crop(time=(2, 3), rows=(1, 0)), (4, 5)),
    Case("Sequential", lambda: L.Sequential(L.Conv1d(4, 6, 3, stride=2), L.ReLU(), L.Conv1d(6, 4, 4)), (4,)),
    Case("Sequential of strides", lambda: L.Sequential(L.Conv1d(4, 4, 1, stride=3), L.Conv1d(4, 4, 2)), (4,)),
    Case("Parallel", lambda: L.Parallel(L.Conv1d(4, 4, 2), L.Conv1d(4, 4, 7), join="concatenate"), (4,)),
    Case(
        "Parallel of strides",
        lambda: L.Parallel(L.Conv1d(4, 4, 1, stride=2), L.Conv1d(4, 4, 4, stride=2)),
        (4,),
    ),
    Case("Parallel in 2-D", lambda: L.Parallel(L.Conv2d(2, 4, (2, 3)), L.Conv2d(2, 4, (5, 4))), (2, 8)),
    Case("Residual", lambda: L.Residual(L.Conv1d(4, 4, 6)), (4,)),
    Case("Residual with a shortcut of stride 2", lambda: L.TemporalBlock(4, 6, 3, stride=2), (4,)),
    Case(
        "Windows",
        lambda: L.Windows(
            L.Sequential(L.Conv1d(4, 4, 5, padding="same"), L.WindowMean(9)), window=9, stride=4, batch_size=7
        ),
        (4,),
    ),
    Case("Conv1d", lambda: L.Conv1d(4, 6, 5), (4,)),
    Case("Conv1d dilated", lambda: L.Conv1d(4, 6, 3, dilation=4, stride=2), (4,)),
    Case("Conv1d of stride > span", lambda: L.Conv1d(4, 6, 2, stride=5), (4,)),
    Case("Conv1d depthwise", lambda: L.Conv1d(4, 4, 3, groups=4, bias=False), (4,)),
    Case("Conv2d", lambda: L.Conv2d(2, 4, 3, stride=(2, 1), padding=("same", "valid")), (2, 8)),
    Case("Conv2d of an even kernel", lambda: L.Conv2d(2, 4, (4, 4), padding=("same", "valid")), (2, 8)),
    Case("Padded along rows", lambda: L.Padded(L.Conv2d(2, 4, 5, stride=2), top=2, bottom=1), (2, 8)),
    Case(
        "SparseConv2d", lambda: L.SparseConv2d(3, [(0, 2), (1,)], (3, 4), padding=("same", "valid")), (3, 6)
    ),
    Case("Conv2d 1x1 of a stride", lambda: L.Conv2d(2, 4, 1, stride=(2, 3)), (2, 8)),
    Case(
        "Conv2d with mirrored rows",
        lambda: L.Conv2d(2, 4, (3, 4), dilation=2, padding=("same", "valid"), padding_mode="reflect"),
        (2, 8),
    ),
    Case("SeparableConv1d", lambda: L.SeparableConv1d(4, 6, 3, dilation=2, stride=2), (4,)),
    Case("FFTConv1d", lambda: L.FFTConv1d(4, 6, 5, method="fft"), (4,)),
    Case(
        "FFTConv1d of stride and dilation",
        lambda: L.FFTConv1d(4, 6, 4, stride=3, dilation=2, method="fft"),
        (4,),
    ),
    Case("FFTConv1d of stride > span", lambda: L.FFTConv1d(4, 6, 2, stride=5, method="fft"), (4,)),
    Case("FFTConv1d depthwise", lambda: L.FFTConv1d(4, 4, 9, groups=4, bias=False, method="fft"), (4,)),
    Case("FFTConv1d that chooses", lambda: L.FFTConv1d(2, 2, 300), (2,), extra_outputs=4000),
    Case(
        "FFTConv2d",
        lambda: L.FFTConv2d(2, 4, (3, 6), stride=(2, 1), padding=("same", "valid"), method="fft"),
        (2, 8),
    ),
    Case(
        "FFTConv2d of stride and dilation",
        lambda: L.FFTConv2d(2, 4, 3, stride=2, dilation=2, method="fft"),
        (2, 9),
    ),
    Case("SeparableConv2d", lambda: L.SeparableConv2d(2, 4, (3, 5), padding=("same", "valid")), (2, 8)),
    Case("ConvTranspose2d along rows", lambda: L.ConvTranspose2d(2, 4, (4, 1), stride=(2, 1)), (2, 8)),
    Case(
        "LocallyConnected2d shared along time",
        lambda: L.LocallyConnected2d(2, 4, (3, 4), input_size=(8, None), stride=(2, 3)),
        (2, 8),
    ),
    Case("Elementwise", lambda: L.Elementwise(torch.nn.GELU()), (4,)),
    Case("BatchNorm1d", lambda: L.BatchNorm1d(4), (4,)),
    Case("BatchNorm2d", lambda: L.BatchNorm2d(4), (4, 5)),
    Case("ChannelNorm", lambda: L.ChannelNorm(4), (4,)),
    Case("ChannelNorm in 2-D", lambda: L.ChannelNorm(4), (4, 5)),
    Case("FrameNorm", lambda: L.FrameNorm(4, 5), (4, 5)),
    Case("LocalResponseNorm", lambda: L.LocalResponseNorm(3, k=1.0, alpha=0.5), (6,)),
    Case("LocalResponseNorm in 2-D", lambda: L.LocalResponseNorm(5, k=1.0, alpha=0.5), (6, 3)),
    Case("Normalize", lambda: L.Normalize(5), (1, 5)),
    Case("Normalize of channels", lambda: L.Normalize(3, of="channels"), (3, 5)),
    Case("Dropout", lambda: L.Dropout(0.5), (4,)),
    Case("Dropout1d", lambda: L.Dropout1d(0.5), (4,)),
    Case("Dropout2d", lambda: L.Dropout2d(0.5), (4, 5)),
    Case("DropPath", lambda: L.DropPath(0.5), (4,)),
    Case("ReLU", L.ReLU, (4,)),
    Case("LeakyReLU", lambda: L.LeakyReLU(0.1), (4,)),
    Case("ReLU6", L.ReLU6, (4,)),
    Case("SiLU", L.SiLU, (4,)),
    Case("Sigmoid", L.Sigmoid, (4,)),
    Case("Tanh", L.Tanh, (4, 5)),
    Case("ScaledTanh", L.ScaledTanh, (4, 5)),
    Case("SubSpectralNorm", lambda: L.SubSpectralNorm(4, bands=2), (4, 6)),
    Case("MaxPool1d", lambda: L.MaxPool1d(3), (4,)),
    Case("MaxPool1d of stride > kernel", lambda: L.MaxPool1d(2, stride=5), (4,)),
    Case("MaxPool2d", lambda: L.MaxPool2d((2, 3), stride=(2, 1), padding=("same", "valid")), (4, 5)),
    Case("MaxPool2d of rows in ceil mode", lambda: L.MaxPool2d((2, 1), ceil_mode=True), (4, 5)),
    Case("AvgPool1d", lambda: L.AvgPool1d(4, stride=3), (4,)),
    Case("AvgPool2d", lambda: L.AvgPool2d((2, 3), stride=(1, 2), padding=("same", "valid")), (4, 5)),
    Case("LpPool1d", lambda: L.LpPool1d(3, p=3), (4,)),
    Case("LpPool2d", lambda: L.LpPool2d((2, 3), stride=2), (4, 5)),
    Case("LearnedPool1d", lambda: learned(L.LearnedPool1d(3, stride=2)), (4,)),
    Case("LearnedPool2d", lambda: learned(L.LearnedPool2d((2, 3), stride=(2, 4))), (4, 5)),
    Case("Subsample2d", lambda: learned(L.Subsample2d(4, (2, 3), stride=2)), (4, 5)),
    Case("Maxout", lambda: L.Maxout(2), (4, 5)),
    Case("SLayer", lambda: active(L.SLayer(2, 4, (3, 5), padding=("same", "valid"))), (2, 6)),
    Case("SLayer of an ellipse", lambda: active(L.SLayer(2, 4, 4, stride=(1, 3), ellipse=True)), (2, 6)),
    Case("CLayer", lambda: L.CLayer((2, 3), stride=2, ellipse=True), (4, 5)),
    Case("CLayer with inhibition", lambda: L.CLayer(3, inhibition=True, padding=("same", "valid")), (4, 5)),
    Case("RadialBasis", lambda: L.RadialBasis(torch.randn(5, 4)), (4, 3)),
    Case("AttentiveStatistics", lambda: L.AttentiveStatistics(4, 9, hidden=5), (4,)),
    Case(
        "AttentiveStatistics per channel",
        lambda: L.AttentiveStatistics(4, 9, hidden=5, per_channel=True),
        (4,),
    ),
    Case(
        "AttentiveStatistics as SpeechBrain's",
        lambda: L.AttentiveStatistics(4, 9, hidden=5, per_channel=True, norm=True, smoothing=1e-12),
        (4,),
    ),
    Case("WindowMax", lambda: L.WindowMax(7), (4,)),
    Case("WindowMean", lambda: L.WindowMean(7), (4,)),
    Case("WindowMean of one", lambda: L.WindowMean(1), (4,)),
    Case("WindowStatistics", lambda: L.WindowStatistics(9), (4,)),
    Case("WindowStatistics of a sample", lambda: L.WindowStatistics(9, correction=1), (4,)),
    Case("MeanRows", L.MeanRows, (4, 5)),
    Case("FlattenRows", L.FlattenRows, (4, 5)),
    Case("KeepEvery", lambda: L.KeepEvery(3), (4,)),
    Case("ShiftAndStitch", lambda: L.ShiftAndStitch(L.Conv1d(4, 3, 5, stride=6), 2), (4,)),
    Case("ShiftAndStitch in 2-D", lambda: L.ShiftAndStitch(L.MaxPool2d(2), 1), (4, 5)),
    Case("Polyphase", lambda: L.Polyphase(L.Conv1d(4, 3, 5), 3), (4,)),
    Case("Polyphase in 2-D", lambda: L.Polyphase(L.Conv2d(4, 3, (2, 4)), 2), (4, 5)),
    Case("TDNN", lambda: L.TDNN(4, 6, (-3, 0, 3)), (4,)),
    Case("TDNN of an irregular context", lambda: L.TDNN(4, 6, (-1, 0, 4)), (4,)),
    Case("TDNN of one frame", lambda: L.TDNN(4, 6, (0,)), (4,)),
    Case("Splice", lambda: L.Splice((-3, 0, 1)), (4,)),
    Case("Splice in 2-D", lambda: L.Splice((-2, -1, 5)), (2, 3)),
    Case("TDNN of a leaky ReLU", lambda: L.TDNN(4, 6, (-2, 0, 2), negative_slope=0.1), (4,)),
    Case("Res2Net", lambda: L.Res2Net(8, scale=4), (8,)),
    Case("Res2Net of a dilated kernel of 5", lambda: L.Res2Net(6, scale=3, kernel_size=5, dilation=2), (6,)),
    Case("SemiOrthogonalConv1d", lambda: L.SemiOrthogonalConv1d(4, 3, 2, dilation=3), (4,)),
    Case("FactorizedTDNN", lambda: L.FactorizedTDNN(4, 4, bottleneck=2, offset=3, dropout=0.2), (4,)),
    Case("FactorizedTDNN without a bypass", lambda: L.FactorizedTDNN(4, 6, bottleneck=2, bypass=0.0), (4,)),
    Case("FactorizedTDNN of one frame", lambda: L.FactorizedTDNN(4, 4, bottleneck=2, offset=0), (4,)),
    Case("TemporalBlock", lambda: L.TemporalBlock(4, 4, 3), (4,)),
    Case("ScaledIdentity", lambda: L.ScaledIdentity(0.66), (4,)),
    Case("ZeroPaddedShortcut", lambda: L.ZeroPaddedShortcut(4, 6, stride=3), (4,)),
    Case("ZeroPaddedShortcut in 2-D", lambda: L.ZeroPaddedShortcut(4, 4, stride=(2, 1)), (4, 5)),
    Case("BasicBlock", lambda: L.BasicBlock(2, 2, drop_path=0.5), (2, 7)),
    Case(
        "BasicBlock of a stride, padded rows",
        lambda: L.BasicBlock(2, 4, stride=2, kernel_size=(3, 4), dilation=(1, 2), padding=("same", "valid")),
        (2, 7),
    ),
    Case(
        "BasicBlock in 1-D, zeros for new channels",
        lambda: L.BasicBlock(4, 6, dimensions=1, stride=3, kernel_size=2, shortcut="zeros"),
        (4,),
    ),
    Case("BottleneckBlock", lambda: L.BottleneckBlock(4, 8, stride=2, groups=2), (4, 7)),
    Case(
        "BottleneckBlock in 1-D, first strided",
        lambda: L.BottleneckBlock(4, 8, dimensions=1, stride=2, stride_on="first", dilation=2),
        (4,),
    ),
    Case("PreActivationBlock", lambda: L.PreActivationBlock(4, 4, dimensions=1, kernel_size=4), (4,)),
    Case("PreActivationBlock of a stride", lambda: L.PreActivationBlock(2, 4, stride=(1, 2)), (2, 6)),
    Case("PreActivationBlock as a bottleneck", lambda: L.PreActivationBlock(2, 8, expansion=4), (2, 4)),
    Case("SeparableResidual", lambda: L.SeparableResidual(4, 6, 5, repeats=2, stride=2, dropout=0.3), (4,)),
    Case(
        "SeparableResidual in 2-D",
        lambda: L.SeparableResidual(2, 4, 3, dimensions=2, dilation=(1, 2), padding=("same", "valid")),
        (2, 6),
    ),
    Case("InvertedResidual", lambda: L.InvertedResidual(2, 2, expansion=3, drop_path=0.5), (2, 6)),
    Case(
        "InvertedResidual in 1-D of a stride",
        lambda: L.InvertedResidual(4, 6, dimensions=1, expansion=2, kernel_size=4, stride=2),
        (4,),
    ),
    Case(
        "InvertedResidual of expansion 1", lambda: L.InvertedResidual(4, 4, dimensions=1, expansion=1), (4,)
    ),
    Case(
        "InceptionBlock", lambda: L.InceptionBlock(3, direct=2, small=(2, 3), large=(1, 2), pooled=2), (3, 8)
    ),
    Case(
        "InceptionBlock in 1-D",
        lambda: L.InceptionBlock(
            4,
            direct=2,
            small=(2, 3),
            large=(1, 2),
            pooled=2,
            dimensions=1,
            kernel_sizes=(4, 9),
            pool_size=2,
            norm=True,
        ),
        (4,),
    ),
    Case("SqueezeExcitation", lambda: L.SqueezeExcitation(4, context="frame", reduction=2), (4, 5)),
    Case(
        "SqueezeExcitation in 1-D",
        lambda: L.SqueezeExcitation(4, context="frame", dimensions=1, reduction=2),
        (4,),
    ),
    Case("SqueezeExcitation of a window", lambda: L.SqueezeExcitation(4, context=9, reduction=2), (4, 5)),
    Case(
        "SqueezeExcitation of a window in 1-D",
        lambda: L.SqueezeExcitation(4, context=6, dimensions=1, reduction=2),
        (4,),
    ),
    Case("BroadcastedBlock", lambda: L.BroadcastedBlock(4, 4, dilation=2), (4, 10)),
    Case("BroadcastedBlock in transition", lambda: L.BroadcastedBlock(2, 4, row_stride=2), (2, 20)),
]
# Layers that cannot keep the law along time, whatever their parameters.
BREAKING = [
    Case("GlobalMean", L.GlobalMean, (4,)),
    Case("GlobalMax", L.GlobalMax, (4, 5)),
    Case("AdaptiveAvgPool2d", lambda: L.AdaptiveAvgPool2d((2, 3)), (4, 5)),
    Case("ClipAttentiveStatistics", lambda: L.ClipAttentiveStatistics(4, hidden=3), (4,)),
    Case("Padded", lambda: L.Padded(L.Conv1d(4, 6, 3), left=2), (4,)),
    Case("Padded by repetition", lambda: L.Padded(L.Conv1d(4, 6, 3), left=2, mode="repeat"), (4,)),
    Case("LocallyConnected1d", lambda: L.LocallyConnected1d(4, 6, 3, length=20), (4,)),
    Case("ConvTranspose1d", lambda: L.ConvTranspose1d(4, 6, 3, stride=2), (4,)),
    Case("ClipNormalize", F.ClipNormalize, (1, 5)),
    Case("ClipRange", lambda: F.ClipRange(8.0), (1, 5)),
]
TWO_OCTAVES = F.ConstantQConfig(sample_rate=16000, hop_length=160, f_min=200.0, n_bins=24)
FRONT_ENDS = [
    Case("Spectrogram", lambda: F.Spectrogram(F.SpectrogramConfig()), ()),
    Case(
        "Spectrogram of magnitudes in dB",
        lambda: F.Spectrogram(F.SpectrogramConfig(power=1, scale="db")),
        (),
    ),
    Case("MelSpectrogram", lambda: F.MelSpectrogram(F.MelSpectrogramConfig(n_mels=23, norm="slaney")), ()),
    Case("LogMel", lambda: LogMel(LogMelConfig()), ()),
    Case(
        "LogMel with a hop longer than its window",
        lambda: LogMel(LogMelConfig(win_length=400, hop_length=500, n_mels=24)),
        (),
    ),
    Case("LinearSpectrogram", lambda: F.LinearSpectrogram(F.LinearSpectrogramConfig(n_bands=23)), ()),
    Case("GammatoneSpectrogram", lambda: F.GammatoneSpectrogram(F.GammatoneSpectrogramConfig(n_bands=9)), ()),
    Case("MFCC", lambda: F.MFCC(F.MFCCConfig(n_mfcc=5, lifter=22, deltas=1)), ()),
    Case("LFCC", lambda: F.LFCC(F.LFCCConfig(n_lfcc=5, dct_norm="htk")), ()),
    Case("ConstantQ", lambda: F.ConstantQ(TWO_OCTAVES), ()),
    Case("ConstantQ in its exportable form", lambda: F.ConstantQ(TWO_OCTAVES).use("exportable"), ()),
    Case(
        "ConstantQ of variable Q in dB", lambda: F.ConstantQ(replace(TWO_OCTAVES, gamma=9.0, scale="db")), ()
    ),
    Case(
        "ConstantQ with a hop longer than its filters",
        lambda: F.ConstantQ(replace(TWO_OCTAVES, f_min=2000.0, hop_length=500, power=2)),
        (),
    ),
    *[Case(f"preset {name}", lambda name=name: F.create_front_end(name), ()) for name in PRESETS],
    Case("PCEN", lambda: F.PCEN(F.PCENConfig(n_mels=23)), ()),
    Case("PCEN learnable", lambda: F.PCEN(F.PCENConfig(n_mels=23, smoother_frames=20, learnable=True)), ()),
    Case("PerChannelEnergyNorm", lambda: L.Sequential(L.ReLU(), F.PerChannelEnergyNorm(5)), (1, 5)),
    Case("Deltas", lambda: F.Deltas(2), (1, 5)),
    Case("Deltas of the first order", lambda: F.Deltas(1, width=5), (1, 5)),
    Case("Deltas of LogMel", lambda: LogMel(LogMelConfig(n_mels=23, deltas=2)), ()),
    Case("SlidingNormalize", lambda: F.SlidingNormalize(9), (1, 5)),
    Case(
        "SlidingNormalize to the mean", lambda: F.SlidingNormalize(8, position="end", deviation=False), (1, 5)
    ),
    Case("SlidingNormalize of LogMel", lambda: LogMel(LogMelConfig(n_mels=23, normalization_frames=30)), ()),
    Case("LEAF", lambda: F.LEAF(F.LEAFConfig(n_filters=12, smoother_frames=9)), ()),
    Case(
        "LEAF with logarithms, of a hop longer than its low-pass",
        lambda: F.LEAF(
            F.LEAFConfig(n_filters=8, kernel_size=100, pool_size=61, hop_length=90, compression="log")
        ),
        (),
    ),
    Case("SincNet", lambda: F.SincNet(F.SincNetConfig(n_filters=12)), ()),
    Case("LearnableMel", lambda: F.LearnableMel(F.LearnableMelConfig(n_mels=23)), ()),
    Case("RawWaveform", lambda: F.RawWaveform(F.RawWaveformConfig(n_filters=12)), ()),
    Case("Samples", lambda: F.Samples(F.SamplesConfig()), ()),
]
# What is too slow to test as large as it is, with fewer channels, of the deepest with fewer blocks.
NARROW: dict[str, Callable[..., Net]] = {
    "x_vector": partial(MODELS["x_vector"], width=1 / 16),
    "tdnn_f_small": partial(MODELS["tdnn_f_small"], width=1 / 16),
    "tdnn_f": partial(MODELS["tdnn_f"], width=1 / 16),
    "ecapa_tdnn_512": partial(MODELS["ecapa_tdnn_512"], width=1 / 16),
    "ecapa_tdnn_1024": partial(MODELS["ecapa_tdnn_1024"], width=1 / 16),
    "ecapa_tdnn_1024_3072": partial(MODELS["ecapa_tdnn_1024_3072"], width=1 / 16),
    "m5": partial(MODELS["m5"], width=1 / 16),
    "cnn_trad_fpool3": partial(MODELS["cnn_trad_fpool3"], width=1 / 8),
    "res_8": partial(MODELS["res_8"], width=1 / 8),
    "res_15": partial(MODELS["res_15"], width=1 / 8),
    "res_15_narrow": partial(MODELS["res_15_narrow"], width=1 / 8),
    "res_26": partial(MODELS["res_26"], width=1 / 8),
    "res_26_narrow": partial(MODELS["res_26_narrow"], width=1 / 8),
    "ds_cnn_s": partial(MODELS["ds_cnn_s"], width=1 / 8),
    "ds_cnn_m": partial(MODELS["ds_cnn_m"], width=1 / 16),
    "ds_cnn_m_1_5": partial(MODELS["ds_cnn_m_1_5"], width=1 / 16),
    "ds_cnn_l": partial(MODELS["ds_cnn_l"], width=1 / 16),
    "ds_cnn_mlperf": partial(MODELS["ds_cnn_mlperf"], width=1 / 8),
    "mobilenet_audio_small": partial(MODELS["mobilenet_audio_small"], width=1 / 8),
    "cnn6": partial(MODELS["cnn6"], width=1 / 16),
    "cnn10": partial(MODELS["cnn10"], width=1 / 16),
    "cnn14": partial(MODELS["cnn14"], width=1 / 16),
    "vggish": partial(MODELS["vggish"], width=1 / 16),
    "neocognitron": partial(MODELS["neocognitron"], planes=(4, 6), input_size=(20, None)),
    "alexnet": partial(MODELS["alexnet"], width=1 / 16, input_size=(67, None)),
    "alexnet_ungrouped": partial(MODELS["alexnet_ungrouped"], width=1 / 16, input_size=(67, None)),
    "alexnet_one_tower": partial(MODELS["alexnet_one_tower"], width=1 / 16, input_size=(63, None)),
    "alexnet_small": partial(MODELS["alexnet_small"], width=1 / 16, input_size=(20, None)),
    "zfnet": partial(MODELS["zfnet"], width=1 / 16, input_size=(64, None)),
    "zfnet_512": partial(MODELS["zfnet_512"], width=1 / 16, input_size=(64, None)),
    "network_in_network": partial(MODELS["network_in_network"], width=1 / 16, input_size=(20, None)),
    "vgg11": partial(MODELS["vgg11"], width=1 / 16, input_size=(32, None)),
    "vgg11_bn": partial(MODELS["vgg11_bn"], width=1 / 16, input_size=(32, None)),
    "vgg11_small": partial(MODELS["vgg11_small"], width=1 / 16, input_size=(32, None)),
    "vgg13": partial(MODELS["vgg13"], width=1 / 16, input_size=(32, None)),
    "vgg13_bn": partial(MODELS["vgg13_bn"], width=1 / 16, input_size=(32, None)),
    "vgg16": partial(MODELS["vgg16"], width=1 / 16, input_size=(32, None)),
    "vgg16_bn": partial(MODELS["vgg16_bn"], width=1 / 16, input_size=(32, None)),
    "vgg16_small": partial(MODELS["vgg16_small"], width=1 / 16, input_size=(32, None)),
    "vgg19": partial(MODELS["vgg19"], width=1 / 16, input_size=(32, None)),
    "vgg19_bn": partial(MODELS["vgg19_bn"], width=1 / 16, input_size=(32, None)),
    "googlenet": partial(MODELS["googlenet"], width=1 / 16, input_size=(48, None)),
    "googlenet_aux": partial(MODELS["googlenet_aux"], width=1 / 16, input_size=(48, None)),
    "googlenet_bn": partial(MODELS["googlenet_bn"], width=1 / 16, input_size=(48, None)),
    "googlenet_bn_aux": partial(MODELS["googlenet_bn_aux"], width=1 / 16, input_size=(48, None)),
    "googlenet_bn_small": partial(MODELS["googlenet_bn_small"], width=1 / 16, input_size=(48, None)),
    "resnet18": partial(MODELS["resnet18"], width=1 / 16, input_size=(32, None)),
    "resnet18_small": partial(MODELS["resnet18_small"], width=1 / 16, input_size=(32, None)),
    "resnet34": partial(MODELS["resnet34"], width=1 / 16, input_size=(32, None)),
    "resnet50": partial(MODELS["resnet50"], width=1 / 16, input_size=(32, None)),
    "resnet50_v1": partial(MODELS["resnet50_v1"], width=1 / 16, input_size=(32, None)),
    "resnet101": partial(MODELS["resnet101"], width=1 / 16, blocks=(1, 2, 1, 1), input_size=(32, None)),
    "resnet101_v1": partial(MODELS["resnet101_v1"], width=1 / 16, blocks=(1, 2, 1, 1), input_size=(32, None)),
    "resnet152": partial(MODELS["resnet152"], width=1 / 16, blocks=(1, 2, 1, 1), input_size=(32, None)),
    "resnet152_v1": partial(MODELS["resnet152_v1"], width=1 / 16, blocks=(1, 2, 1, 1), input_size=(32, None)),
    "resnet20_narrow": partial(MODELS["resnet20_narrow"], width=1 / 8, blocks=3, input_size=(20, None)),
    "resnet56_narrow": partial(MODELS["resnet56_narrow"], width=1 / 8, blocks=3, input_size=(20, None)),
    "resnet20": partial(MODELS["resnet20"], width=1 / 8, blocks=3, input_size=(20, None)),
    "resnet32": partial(MODELS["resnet32"], width=1 / 8, blocks=3, input_size=(20, None)),
    "resnet44": partial(MODELS["resnet44"], width=1 / 8, blocks=3, input_size=(20, None)),
    "resnet56": partial(MODELS["resnet56"], width=1 / 8, blocks=3, input_size=(20, None)),
    "resnet110": partial(MODELS["resnet110"], width=1 / 8, blocks=3, input_size=(20, None)),
    "plain20_narrow": partial(MODELS["plain20_narrow"], width=1 / 8, blocks=3, input_size=(20, None)),
    "plain56_narrow": partial(MODELS["plain56_narrow"], width=1 / 8, blocks=3, input_size=(20, None)),
    "plain20": partial(MODELS["plain20"], width=1 / 8, blocks=3, input_size=(20, None)),
    "plain56": partial(MODELS["plain56"], width=1 / 8, blocks=3, input_size=(20, None)),
    "preact_resnet20": partial(MODELS["preact_resnet20"], width=1 / 8, blocks=3, input_size=(20, None)),
    "preact_resnet56": partial(MODELS["preact_resnet56"], width=1 / 8, blocks=3, input_size=(20, None)),
    "preact_resnet110": partial(MODELS["preact_resnet110"], width=1 / 8, blocks=3, input_size=(20, None)),
    "preact_resnet164": partial(MODELS["preact_resnet164"], width=1 / 8, blocks=2, input_size=(20, None)),
}

# What its paper does not pad is a scan with `padding="same"` too.
UNPADDED = ("tdnn_waibel", "cnn_trad_fpool3", "cnn_one_fstride4")


def net(name: str, padding: L.Padding = "valid") -> Net:
    build = NARROW.get(name, MODELS[name])
    return build(num_classes=3, in_channels=1, padding=padding)


NETS = [Case(name, lambda name=name: net(name), (1, net(name).rows), extra_outputs=6) for name in MODELS]
CLASSIFIERS = [
    Case(f"Classifier of {name}, {padding}", lambda n=name, p=padding: classifier(n, p), (), extra_outputs=3)
    for name in MODELS
    if name not in NARROW
    for padding in ("valid", "same")
]


def segmenter() -> FCN:
    """An FCN whose scores are no longer the zeros they start as."""
    made = FCN(lenet5(num_classes=3), num_classes=4)
    for score in made.scores:
        torch.nn.init.normal_(score.weight)
    return made


# A net with a box beside its logits is a scan as the net is. One that scores pixels is none: its transposed
# convolutions lay coarse maps over the picture from its edges on; what is left to it are the laws 3 to 5.
LOCALIZERS = [Case("Localizer", lambda: Localizer(lenet5(num_classes=3)), (1, 32), extra_outputs=6)]
SEGMENTERS = [Case("FCN", segmenter, (1, 37), extra_outputs=45)]
CASES = LAYERS + FRONT_ENDS + NETS + LOCALIZERS + CLASSIFIERS

"""The layer library: every layer is a scan with a span and a stride.

Waveforms are `(batch, time)`, 1-D features `(batch, channel, time)`, spectrograms
and images `(batch, channel, rows, time)`. Time, or the width of an image, is always last.
"""

from audiocnn.layers.activation import LeakyReLU, ReLU, ReLU6, ScaledTanh, Sigmoid, SiLU, Tanh
from audiocnn.layers.attentive_pool import AttentiveStatistics, ClipAttentiveStatistics
from audiocnn.layers.broadcasted import BroadcastedBlock
from audiocnn.layers.competition import Competition, imprint, learn_by_competition, learn_layer_by_layer
from audiocnn.layers.conv import Conv1d, Conv2d, Padding, PaddingMode
from audiocnn.layers.factorized_tdnn import FactorizedTDNN, SemiOrthogonalConv1d, constrain
from audiocnn.layers.fft_conv import FFTConv1d, FFTConv2d, fft_conv1d, fft_conv2d
from audiocnn.layers.global_pool import AdaptiveAvgPool2d, GlobalMax, GlobalMean
from audiocnn.layers.inception import InceptionBlock
from audiocnn.layers.keep_every import KeepEvery
from audiocnn.layers.learned_pool import LearnedPool1d, LearnedPool2d
from audiocnn.layers.locally_connected import LocallyConnected1d, LocallyConnected2d
from audiocnn.layers.lp_pool import LpPool1d, LpPool2d
from audiocnn.layers.neocognitron import CLayer, SLayer
from audiocnn.layers.norm import BatchNorm1d, BatchNorm2d, ChannelNorm, FrameNorm, LocalResponseNorm
from audiocnn.layers.normalize import Normalize
from audiocnn.layers.padded import Padded
from audiocnn.layers.parallel import Crop, Identity, Parallel, Residual
from audiocnn.layers.pool import AvgPool1d, AvgPool2d, FlattenRows, Maxout, MaxPool1d, MaxPool2d, MeanRows
from audiocnn.layers.radial_basis import RadialBasis
from audiocnn.layers.regularization import Dropout, Dropout1d, Dropout2d, DropPath, semi_orthogonal_step
from audiocnn.layers.res2net import Res2Net
from audiocnn.layers.residual import BasicBlock, BottleneckBlock, PreActivationBlock, TemporalBlock
from audiocnn.layers.restride import Polyphase, ShiftAndStitch, with_stride
from audiocnn.layers.scan import Place, Scan, State
from audiocnn.layers.scan_mlp import Elementwise, conv_to_linear, linear_to_conv, scan_mlp, unscan_mlp
from audiocnn.layers.separable import SeparableConv1d, SeparableConv2d
from audiocnn.layers.separable_residual import InvertedResidual, SeparableResidual
from audiocnn.layers.sequential import Sequential
from audiocnn.layers.shortcut import ScaledIdentity, ZeroPaddedShortcut
from audiocnn.layers.sparse_conv import SparseConv2d
from audiocnn.layers.squeeze_excitation import SqueezeExcitation
from audiocnn.layers.subsample import Subsample2d
from audiocnn.layers.subspectral import SubSpectralNorm
from audiocnn.layers.tdnn import TDNN, Splice
from audiocnn.layers.transposed import ConvTranspose1d, ConvTranspose2d
from audiocnn.layers.window_pool import WindowMax, WindowMean, WindowStatistics
from audiocnn.layers.windows import Windows

__all__ = [
    "AdaptiveAvgPool2d",
    "AttentiveStatistics",
    "AvgPool1d",
    "AvgPool2d",
    "BasicBlock",
    "BatchNorm1d",
    "BatchNorm2d",
    "BottleneckBlock",
    "BroadcastedBlock",
    "CLayer",
    "ChannelNorm",
    "ClipAttentiveStatistics",
    "Competition",
    "Conv1d",
    "Conv2d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "Crop",
    "DropPath",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Elementwise",
    "FFTConv1d",
    "FFTConv2d",
    "FactorizedTDNN",
    "FlattenRows",
    "KeepEvery",
    "FrameNorm",
    "GlobalMax",
    "GlobalMean",
    "Identity",
    "InceptionBlock",
    "InvertedResidual",
    "LeakyReLU",
    "LearnedPool1d",
    "LearnedPool2d",
    "LocalResponseNorm",
    "LocallyConnected1d",
    "LocallyConnected2d",
    "LpPool1d",
    "LpPool2d",
    "MaxPool1d",
    "MaxPool2d",
    "Maxout",
    "MeanRows",
    "Normalize",
    "Padded",
    "Padding",
    "PaddingMode",
    "Parallel",
    "Place",
    "Polyphase",
    "PreActivationBlock",
    "RadialBasis",
    "ReLU",
    "ReLU6",
    "Res2Net",
    "Residual",
    "SLayer",
    "ScaledIdentity",
    "ScaledTanh",
    "Scan",
    "SemiOrthogonalConv1d",
    "SeparableConv1d",
    "SeparableConv2d",
    "SeparableResidual",
    "Sequential",
    "ShiftAndStitch",
    "SiLU",
    "Sigmoid",
    "SparseConv2d",
    "Splice",
    "SqueezeExcitation",
    "State",
    "SubSpectralNorm",
    "Subsample2d",
    "TDNN",
    "Tanh",
    "TemporalBlock",
    "WindowMax",
    "WindowMean",
    "WindowStatistics",
    "Windows",
    "ZeroPaddedShortcut",
    "constrain",
    "conv_to_linear",
    "fft_conv1d",
    "fft_conv2d",
    "imprint",
    "learn_by_competition",
    "learn_layer_by_layer",
    "linear_to_conv",
    "scan_mlp",
    "semi_orthogonal_step",
    "unscan_mlp",
    "with_stride",
]

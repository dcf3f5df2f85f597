"""What is put to the laws: every layer, front-end, net and classifier, each with an input to run on."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from audiocnn import Classifier, ClassifierConfig
from audiocnn import layers as L
from audiocnn.frontends import LogMel, LogMelConfig, Normalize
from audiocnn.models import MODELS, NetConfig, create


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
                torch.nn.init.uniform_(part.weight, 0.5, 1.5)
                torch.nn.init.normal_(part.bias, std=0.3)
            if isinstance(part, Normalize):
                part.set_statistics(
                    mean=torch.randn_like(part.mean) - 5, deviation=torch.rand_like(part.mean) + 1.0
                )
        return module.eval().to(dtype)

    def input(self, module: L.Scan, *, batch: int = 1, seed: int = 0) -> Tensor:
        """Random input for some dozens of outputs, and a few steps that make none."""
        geometry = module.time_axis.takes
        steps = geometry.input_length(self.extra_outputs) + geometry.stride // 2
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
    Case("BatchNorm1d", lambda: L.BatchNorm1d(4), (4,)),
    Case("BatchNorm2d", lambda: L.BatchNorm2d(4), (4, 5)),
    Case("Dropout2d", lambda: L.Dropout2d(0.5), (4, 5)),
    Case("ReLU", L.ReLU, (4,)),
    Case("SiLU", L.SiLU, (4,)),
    Case("SubSpectralNorm", lambda: L.SubSpectralNorm(4, bands=2), (4, 6)),
    Case("WindowMean", lambda: L.WindowMean(7), (4,)),
    Case("WindowMean of one", lambda: L.WindowMean(1), (4,)),
    Case("WindowStatistics", lambda: L.WindowStatistics(9), (4,)),
    Case("MeanRows", L.MeanRows, (4, 5)),
    Case("FlattenRows", L.FlattenRows, (4, 5)),
    Case("TDNN", lambda: L.TDNN(4, 6, 3, dilation=3), (4,)),
    Case("TemporalBlock", lambda: L.TemporalBlock(4, 4, 3), (4,)),
    Case("BroadcastedBlock", lambda: L.BroadcastedBlock(4, 4, dilation=2), (4, 10)),
    Case("BroadcastedBlock in transition", lambda: L.BroadcastedBlock(2, 4, row_stride=2), (2, 20)),
]
FRONT_ENDS = [
    Case("LogMel", lambda: LogMel(LogMelConfig()), ()),
    Case(
        "LogMel with a hop longer than its window",
        lambda: LogMel(LogMelConfig(win_length=400, hop_length=500, n_mels=24)),
        (),
    ),
    Case("Normalize", lambda: Normalize(5), (1, 5)),
]
NETS = [
    Case(name, lambda name=name: create(name, num_classes=3), (1, 40), extra_outputs=6) for name in MODELS
]
CLASSIFIERS = [
    Case(f"Classifier of {name}, {padding}", lambda n=name, p=padding: classifier(n, p), (), extra_outputs=3)
    for name in MODELS
    for padding in ("valid", "same")
]
CASES = LAYERS + FRONT_ENDS + NETS + CLASSIFIERS

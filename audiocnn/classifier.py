"""What ships: front-end, feature statistics, network and labels, as one module and one file.

    waveform - front-end - Normalize - net - logits - probabilities
    (batch, time)                         (batch, num_classes, windows)

A `Classifier` is itself a scan, over samples: on a clip it decides once, on a
recording it gives a track of decisions, live it is stepped; the scores are the same.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn import audio
from audiocnn.accounting import account
from audiocnn.classifier_config import ClassifierConfig, config_as_dict, config_from
from audiocnn.errors import ParameterError
from audiocnn.frontends import FrontEnd, Normalize, create_front_end
from audiocnn.geometry import Geometry
from audiocnn.labelled import LabelledNet, Prediction, restore
from audiocnn.layers import FlattenRows, Scan, State, Windows
from audiocnn.models import create
from audiocnn.placement import place
from audiocnn.waveform import mono_waveform

__all__ = ["SHIPPED", "Classifier", "Prediction", "load"]

# Longer recordings are scored block by block, so that memory stays bounded; the layers of a small net are
# not worth sharing between two threads if blocks are shorter (`tests/benchmarks/scan.py`).
BLOCK_SECONDS = 40.0
# What a CPU works on at once: clips up to their features, and bytes of a net's largest layer.
CLIPS_AT_ONCE = 8
CACHE_BYTES = 8 << 20
# what comes with the package, by name
SHIPPED = {"demo": Path(__file__).with_name("demo.safetensors")}


class Classifier(LabelledNet):
    """A trained network and all it needs: waveforms in, class scores out.

    `(batch, time)` samples on unit scale -> logits `(batch, num_classes, windows)`;
    `probabilities` makes scores of them. It is a scan over samples for every net: one that
    leans on padding is run window by window.

    Args:
        config: what to build. The weights are fresh; `load` reads trained ones.
        resample: take recordings of any sample rate, and resample them; False refuses those of another
            rate than the front-end's.

    Raises:
        LawError: for a front-end that is no scan, whose scores would depend on what else is heard.
        ParameterError: if the net's rows are not the front-end's.

    >>> from audiocnn.frontends import LogMelConfig
    >>> from audiocnn.models import NetConfig
    >>> config = ClassifierConfig(
    ...     labels=("no", "yes"), front_end=LogMelConfig(), net=NetConfig(name="bc_resnet_1", num_classes=2)
    ... )
    >>> classifier = Classifier(config).eval()
    >>> classifier.geometry  # samples: a decision on 1.45 s, every 10 ms
    Geometry(span=23200, stride=160)
    >>> classifier(torch.zeros(1, 32000)).shape
    torch.Size([1, 2, 56])
    >>> prediction = classifier.predict(torch.zeros(16000), sample_rate=16000)
    >>> sorted(prediction.scores)
    ['no', 'yes']
    """

    config: ClassifierConfig
    front_end: FrontEnd
    normalize: Normalize

    def __init__(self, config: ClassifierConfig, *, resample: bool = True) -> None:
        front_end = create_front_end(config.front_end)
        front_end.require_law()
        input_size = config.net.input_size or (None, None)
        net = create(
            config.net.name,
            num_classes=config.net.num_classes,
            in_channels=config.net.in_channels,
            input_size=(front_end.n_freqs, *input_size[1:]) if input_size[0] is None else input_size,
            padding=config.net.padding,
        )
        if net.rows != front_end.n_freqs:
            raise ParameterError(
                f"input_size=({net.rows}, {net.window}): the front-end gives {front_end.n_freqs} rows; "
                "give the net as many, or None"
            )
        # as many windows at once as keep the largest layer in a CPU's cache
        layers = account(net, (net.config.in_channels, net.rows, net.window)).layers
        at_once = max(1, CACHE_BYTES // max(layer.activation_bytes for layer in layers))
        scanned: Scan = net
        hop = config.window_hop or max(1, round(0.1 * front_end.frame_rate_hz))
        if net.geometry is None:
            scanned = Windows(net, window=net.window, stride=hop, batch_size=at_once)
        parts: dict[str, Scan] = {"front_end": front_end, "normalize": Normalize(front_end.n_freqs)}
        parts["net"] = scanned
        if scanned.row_axis is not None:  # of a net for pictures, (batch, num_classes, 1, windows)
            parts["one_row"] = FlattenRows()
        super().__init__(parts)
        self.config = replace(config, net=net.config, window_hop=hop)  # every default filled in
        self.resamples = resample
        self._windows_at_once = at_once

    @property
    def sample_rate(self) -> int:
        """Samples a second of the waveforms."""
        return self.config.front_end.sample_rate

    @property
    def geometry(self) -> Geometry:
        """Samples in one decision, and from one to the next."""
        geometry = self.time_axis.takes
        assert geometry is not None  # a net that is no scan is run in `Windows`
        return geometry

    @property
    def window(self) -> int:
        """Samples of a decision that a recording is placed in: its span without the front-end's context."""
        return self.geometry.span - sum(self.front_end.context)

    def in_context(self, waveforms: Tensor) -> Tensor:
        """Waveforms `(..., time)` with silence where the front-end's frames are judged by what is around."""
        return F.pad(waveforms, self.front_end.context) if any(self.front_end.context) else waveforms

    def step(self, chunk: Tensor, state: State = None) -> tuple[Tensor, State]:
        """Take the next samples `(batch, time)` of a stream; give the logits now due.

        Args:
            chunk: as many samples as there are.
            state: what the previous call returned; None at the start.

        Returns:
            Logits `(batch, num_classes, windows)`, of no window while none is due, and
            the state for the next call.
        """
        logits, state = super().step(chunk, state)
        if logits is None:
            logits = chunk.new_empty(len(chunk), len(self.labels), 0)
        return logits, state

    def predict(
        self,
        source: str | os.PathLike[str] | Tensor | npt.NDArray[np.floating],
        *,
        sample_rate: int | None = None,
    ) -> Prediction:
        """Classify one recording, of any length.

        A recording shorter than a decision's span is centred in silence; of a longer one,
        the probabilities of all windows are averaged.

        Args:
            source: a file, or a waveform on unit scale, `(time,)` or `(channel, time)`.
            sample_rate: of a waveform, in Hz; a file knows its own.

        Raises:
            AudioReadError: if the file cannot be read.
            ParameterError: for a waveform without a sample rate, of another shape, or
                holding values that are not finite; for another rate where these are refused.
        """
        if isinstance(source, (str, os.PathLike)):
            if sample_rate is not None:
                raise ParameterError(f"sample_rate={sample_rate} belongs to a waveform; a file knows its own")
            scores = self.score_file(Path(source))
        else:
            if sample_rate is not None:
                self.require_rate(sample_rate, "the waveform")
            waveform = mono_waveform(source, sample_rate, wanted_rate=self.sample_rate)
            scores = self.score_clips([waveform])[0]
        return self.prediction(scores)

    def score_clips(self, clips: Sequence[Tensor]) -> Tensor:
        """Scores of clips of any lengths: `(clips, num_classes)`.

        Each clip's scores are those it has alone.

        Args:
            clips: waveforms `(time,)` at `sample_rate`.
        """
        scores = torch.empty(len(clips), len(self.labels), dtype=self.normalize.mean.dtype)
        window, block = self.window, round(BLOCK_SECONDS * self.sample_rate)
        # sorted, so that clips of about one length are padded together
        order = sorted(range(len(clips)), key=lambda i: clips[i].shape[-1])
        short = [i for i in order if clips[i].shape[-1] <= window]
        longer = [i for i in order if window < clips[i].shape[-1] <= block]
        with self.evaluating(), torch.inference_mode():
            if short:
                scores[short] = self._score_short([clips[i] for i in short])
            most = self._windows_at_once * self.geometry.span
            for some in _alike([clips[i].shape[-1] for i in longer], most):
                members = [longer[i] for i in some]
                scores[members] = self._score_longer([clips[i] for i in members])
            for i in order[len(short) + len(longer) :]:
                scores[i] = self.score_blocks(clips[i].split(block))  # type: ignore[no-untyped-call]
        return scores

    def _score_short(self, clips: Sequence[Tensor]) -> Tensor:
        """Scores `(clips, num_classes)` of clips of at most one window, in rising length.

        A frame of nothing but silence is computed once: by the law it is the same wherever it stands.

            samples   0 0 0 0 0 0 0 0 c l i p 0 0 0 0 0 0 0
            frames    [silent]  [heard ... heard]  [silent]
        """
        frame = self.front_end.require_law()
        frames = frame.output_length(self.geometry.span)
        silent = self.front_end(self.normalize.mean.new_zeros(1, frame.span))  # (1, 1, rows, 1)
        features = []
        # few at a time up to the features, which are far smaller than the samples: that stays in cache
        for i in range(0, len(clips), CLIPS_AT_ONCE):
            group = clips[i : i + CLIPS_AT_ONCE]
            samples = self.in_context(place(group, self.window)).to(self.normalize.mean)
            longest = group[-1].shape[-1]
            begin = self.front_end.context[0] + (self.window - longest) // 2
            first = max(0, (begin - frame.span) // frame.stride + 1)
            # where hops are longer than frames, a short clip may lie between two of them
            last = max(first, min(frames - 1, (begin + longest - 1) // frame.stride))
            heard = self.front_end(samples[:, first * frame.stride : last * frame.stride + frame.span])
            around = [silent.expand(len(group), -1, -1, n) for n in (first, frames - 1 - last)]
            features.append(torch.cat((around[0], heard, around[1]), dim=-1))
        normalized = self.normalize(torch.cat(features))  # (clips, 1, rows, frames)
        at_once = self._windows_at_once if normalized.device.type == "cpu" else len(clips)
        logits = torch.cat([self.net(part) for part in torch.split(normalized, at_once)])
        return self.probabilities(logits.flatten(1)).cpu()  # (clips, num_classes), of one window each

    def _score_longer(self, clips: Sequence[Tensor]) -> Tensor:
        """Scores `(clips, num_classes)` of clips of more than one window."""
        clips = [self.in_context(clip) for clip in clips]
        # padded at the end; the windows that reach into the padding are dropped
        batch = torch.nn.utils.rnn.pad_sequence(list(clips), batch_first=True)
        tracks = self.probabilities(self(batch.to(self.normalize.mean))).cpu()
        windows = [self.geometry.output_length(clip.shape[-1]) for clip in clips]
        return torch.stack([track[:, :n].mean(dim=-1) for track, n in zip(tracks, windows, strict=True)])

    def score_blocks(self, blocks: Iterable[Tensor]) -> Tensor:
        """Scores `(num_classes,)` of one long recording that comes in blocks `(time,)`: constant memory."""
        total = torch.zeros(len(self.labels), dtype=torch.float64)
        windows, state, heard = 0, None, torch.empty(0)
        before, after = (torch.zeros(samples) for samples in self.front_end.context)
        with self.evaluating(), torch.inference_mode():
            for block in chain((before,), blocks, (after,)):
                block = block.to(self.normalize.mean.device)
                logits, state = self.step(block[None], state)
                total += self.probabilities(logits)[0].double().sum(dim=-1).cpu()
                windows += logits.shape[-1]
                if windows == 0:
                    heard = torch.cat((heard, block.cpu()))
        if windows == 0:  # not one window after all
            heard = heard[len(before) : len(heard) - len(after)]
            if len(heard) == 0:
                raise ParameterError("blocks hold no samples; give at least one")
            return self.score_clips([heard])[0]
        return (total / windows).to(self.normalize.mean.dtype)

    def score_file(
        self, path: Path, *, start_seconds: float = 0.0, stop_seconds: float | None = None
    ) -> Tensor:
        """Scores `(num_classes,)` of a file, or a part of one; what is long is read in blocks.

        Args:
            path: the file.
            start_seconds: where the part begins.
            stop_seconds: where it ends; None, or beyond the end, is the end of the file.

        Raises:
            AudioReadError: if the file cannot be read.
            ParameterError: if the part is empty or begins behind the end of the file.
        """
        source = self.clip_or_blocks(path, start_seconds=start_seconds, stop_seconds=stop_seconds)
        return self.score_clips([source])[0] if isinstance(source, Tensor) else self.score_blocks(source)

    def clip_or_blocks(
        self, path: Path, *, start_seconds: float = 0.0, stop_seconds: float | None = None
    ) -> Tensor | Iterator[Tensor]:
        """What `score_file` scores, at our rate: a waveform `(time,)`, or blocks if too long to hold whole.

        It takes and raises what `score_file` does, of blocks also when a later one is taken.
        """
        self.require_rate_of(path)
        blocks = audio.blocks(
            path,
            block_seconds=BLOCK_SECONDS,
            sample_rate=self.sample_rate,
            start_seconds=start_seconds,
            stop_seconds=stop_seconds,
        )
        first = next(blocks)
        second = next(blocks, None)
        return first if second is None else chain((first, second), blocks)

    def require_rate_of(self, path: Path) -> None:
        """Raise `ParameterError` for a file of another rate than ours, where these are not to be resampled.

        Raises:
            AudioReadError: if the file cannot be read.
        """
        if not self.resamples:
            self.require_rate(audio.info(path).sample_rate, str(path))

    def require_rate(self, rate: int, of: str) -> None:
        """Raise `ParameterError` for another rate than ours, where these are not to be resampled.

        Args:
            rate: samples a second.
            of: what has them, for the message.
        """
        if not self.resamples and rate != self.sample_rate:
            raise ParameterError(
                f"{of} has {rate} samples a second, and the classifier, which was told not to resample, "
                f"hears {self.sample_rate}; resample it first, or let it (resample=True)"
            )

    def header(self) -> dict[str, Any]:
        """The config as plain values, and what the front-end gives of a test signal."""
        return config_as_dict(self.config) | {"fingerprints": self.front_end.fingerprints()}

    def verify(self, header: dict[str, Any]) -> None:
        """Raise where the front-end computes other features than it did then."""
        if "fingerprints" in header:  # files of the first format have none
            self.front_end.require_fingerprints(header["fingerprints"])


def _alike(lengths: Sequence[int], most_samples: int) -> Iterator[range]:
    """Runs of rising lengths to pad together: none more than doubled, none too large in all.

    >>> list(_alike([3, 4, 6, 7, 20], 100))
    [range(0, 3), range(3, 4), range(4, 5)]
    >>> list(_alike([30, 40], 20))
    [range(0, 1), range(1, 2)]
    """
    start = 0
    for i, length in enumerate(lengths):
        if i > start and (length > 2 * lengths[start] or length * (i - start + 1) > most_samples):
            yield range(start, i)
            start = i
    if lengths:
        yield range(start, len(lengths))


def load(
    path: str | os.PathLike[str], *, device: str | torch.device = "cpu", resample: bool = True
) -> Classifier:
    """Read a classifier of sounds from the one file that `Classifier.save` wrote, ready to score.

    Nothing in the file is executed: it holds numbers, and a config as JSON.

    Args:
        path: the `.safetensors` file; or "demo" for the one that comes with audiocnn, a BC-ResNet-1
            for ten English commands that has heard nothing but synthetic speech
            (`recipes/synthetic_words`).
        device: where to put it, such as `"cuda"`.
        resample: as for `Classifier`.

    Raises:
        ModelFileError: if the file is missing, damaged, a classifier of pictures, made by something else or
            by a newer audiocnn.
        ParameterError: for a device that is not there.
    """
    path = SHIPPED.get(os.fspath(path)) or Path(path)
    return restore(
        path, {"sounds": lambda header: Classifier(config_from(header), resample=resample)}, device=device
    )

"""A long recording scored all along: a decision every hop, through a net that computes nothing twice.

    samples            |....................................................|
    decision 0         [== window ==]
    decision 1            [== window ==]          a hop later
    decision 2               [== window ==]

A net that scans is run once, in blocks, by `step`, whatever the hop: of a coarser one than its own the last
layers are spared what is not asked for, for a finer one those behind its strides have several phases
(`audiocnn.layers.with_stride`). A net that is no scan reads windows, in batches. The scores are those of the
windows by themselves in each case.
"""

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from audiocnn import audio
from audiocnn.classifier import BLOCK_SECONDS, Classifier
from audiocnn.errors import ParameterError
from audiocnn.events import Clock
from audiocnn.layers import Scan, Sequential, State, Windows, with_stride

__all__ = ["Edges", "ScoreTrack", "Scanner", "scan", "scan_blocks"]

Edges: TypeAlias = Literal["inside", "silence"]
"""Whether a decision hears only what was recorded, or silence before it and behind it too."""


@dataclass(frozen=True, kw_only=True)
class ScoreTrack:
    """The scores of a recording, or of a stretch of one.

    Attributes:
        labels: the classes.
        scores: probabilities `(num_classes, decisions)`; of several channels `(channel, num_classes,
            decisions)`.
        clock: when they were made; of a stretch, from its first decision on.
    """

    labels: tuple[str, ...]
    scores: Tensor
    clock: Clock

    @property
    def seconds(self) -> npt.NDArray[np.float64]:
        """The middle of what each decision heard, in seconds from the beginning of the recording."""
        steps = torch.arange(self.scores.shape[-1], dtype=torch.float64)
        times: npt.NDArray[np.float64] = (self.clock.first_seconds + self.clock.hop_seconds * steps).numpy()
        return times


class Scanner:
    """Scores samples as they come, in pieces of any length; what they are cut into changes no score.

    Args:
        classifier: on any device; in evaluation mode, or put into it for each call.
        hop_seconds: from one decision to the next: a multiple of the net's own hop, or a whole part of it;
            None takes the net's own.
        edges: "inside": the first decision is due when a whole window was heard. "silence": what was before
            counts as silence, and so does, for `flush`, what would follow: there is a decision wherever a hop
            of the recording is the middle of a window.
        compiled_chunk: samples, a multiple of the hop: once a whole window was heard, pieces of just that
            length go through a step that `torch.compile` made for them. The first takes up to a minute. It
            helps where pieces are so short that calling the operations is most of the work
            (`tests/benchmarks/scan.py`); None compiles nothing.

    Raises:
        ParameterError: for a hop or a chunk that cannot be.

    Attributes:
        clock: when the decisions are made, the first sample being at 0.
        hop: samples from one decision to the next.

    >>> from audiocnn import load
    >>> scanner = Scanner(load("demo"), hop_seconds=0.02)
    >>> scanner.push(torch.zeros(16000)).shape, scanner.push(torch.zeros(16000)).shape
    (torch.Size([12, 0]), torch.Size([12, 28]))
    >>> scanner.clock.first_seconds  # half of the 1.45 s that a decision hears
    0.725
    """

    def __init__(
        self,
        classifier: Classifier,
        *,
        hop_seconds: float | None = None,
        edges: Edges = "inside",
        compiled_chunk: int | None = None,
    ) -> None:
        if edges not in ("inside", "silence"):
            raise ParameterError(f"edges={edges!r} must be 'inside' or 'silence'")
        self.classifier = classifier
        rate, window = classifier.sample_rate, classifier.window
        before, after = classifier.front_end.context
        self._net = _moved_by(classifier, hop_seconds)
        self.hop = self._net.require_law().stride
        if compiled_chunk is not None and (compiled_chunk < 1 or compiled_chunk % self.hop):
            raise ParameterError(
                f"compiled_chunk={compiled_chunk} must be a multiple of the hop, {self.hop} samples"
            )
        # listed once: to walk through a net of hundreds takes as long as a tenth of a short piece
        self._modules = list(classifier.modules())
        self._compiled_chunk = compiled_chunk
        self._compiled = None if compiled_chunk is None else torch.compile(self._net.step, dynamic=False)
        # whole hops of silence, so that decisions on what was recorded are those of "inside"
        lead = window // 2 // self.hop * self.hop if edges == "silence" else 0
        self._lead = before + lead
        self._trail = after + (window - window // 2 if edges == "silence" else 0)
        self.clock = Clock(
            first_seconds=(window / 2 - lead) / rate,
            hop_seconds=self.hop / rate,
            lag_seconds=(window / 2 + after) / rate,
        )
        self.reset()

    def reset(self) -> None:
        """Begin anew: nothing was heard."""
        self._state: State = None
        self._heard = 0

    def push(self, samples: Tensor) -> Tensor:
        """Take the next samples, `(time,)` or `(channel, time)`; give the scores now due.

        Args:
            samples: at the classifier's rate, on unit scale.

        Returns:
            Probabilities `(num_classes, decisions)`, or `(channel, num_classes, decisions)`, on the CPU.
        """
        if self._heard == 0 and self._lead:
            samples = torch.cat((samples.new_zeros(*samples.shape[:-1], self._lead), samples), dim=-1)
        # from then on the state is always of the same shape
        is_steady = self._heard >= self.classifier.geometry.span
        fits = is_steady and samples.shape[-1] == self._compiled_chunk
        step = self._compiled if self._compiled and fits else self._net.step
        self._heard += samples.shape[-1]
        batch = samples if samples.dim() == 2 else samples[None]
        is_training = any(module.training for module in self._modules)
        with self.classifier.evaluating() if is_training else nullcontext(), torch.inference_mode():
            logits, self._state = step(batch.to(self.classifier.normalize.mean), self._state)
            if logits is None:
                scores = torch.empty(len(batch), len(self.classifier.labels), 0)
            else:
                scores = self.classifier.probabilities(logits).cpu()
        return scores if samples.dim() == 2 else scores[0]

    def flush(self, like: Tensor) -> Tensor:
        """The end of the stream: give the scores that are due with silence behind it.

        Args:
            like: a piece that was pushed, which says how many channels there are.
        """
        return self.push(like.new_zeros(*like.shape[:-1], self._trail))


def scan(
    classifier: Classifier,
    source: str | os.PathLike[str] | Tensor | Iterable[Tensor],
    *,
    hop_seconds: float | None = None,
    edges: Edges = "inside",
    mono: bool = True,
) -> ScoreTrack:
    """Score a recording all along. `scan_blocks` does it piece by piece, for what is too long to hold.

    Args:
        classifier: on any device.
        source: a file; or samples at the classifier's rate, `(time,)` or `(channel, time)`, whole or in
            blocks.
        hop_seconds: as for `Scanner`.
        edges: as for `Scanner`.
        mono: of a file, mix all channels down to their mean; False scores each by itself.

    Returns:
        The track; without a decision if the recording is shorter than the window that one hears and
        `edges="inside"`.

    Raises:
        AudioReadError: for a file that cannot be read.
        ParameterError: for a hop that cannot be, or no samples.

    >>> from audiocnn import load
    >>> track = scan(load("demo"), torch.zeros(32000))
    >>> track.scores.shape, track.seconds[:2]
    (torch.Size([12, 56]), array([0.725, 0.735]))
    """
    pieces = list(scan_blocks(classifier, source, hop_seconds=hop_seconds, edges=edges, mono=mono))
    return replace(pieces[0], scores=torch.cat([piece.scores for piece in pieces], dim=-1))


def scan_blocks(
    classifier: Classifier,
    source: str | os.PathLike[str] | Tensor | Iterable[Tensor],
    *,
    hop_seconds: float | None = None,
    edges: Edges = "inside",
    mono: bool = True,
) -> Iterator[ScoreTrack]:
    """Score a recording of any length block by block, in constant memory; takes and raises what `scan` does.

    Yields:
        The track's stretches, in order, at least one.
    """
    scanner = Scanner(classifier, hop_seconds=hop_seconds, edges=edges)
    given, last, is_heard = 0, None, False
    for block in chain(_blocks_of(classifier, source, mono), (None,)):
        if block is not None:
            last, scores = block, scanner.push(block)
            is_heard = is_heard or block.shape[-1] > 0
        elif last is None or not is_heard:
            raise ParameterError("source holds no samples; give at least one")
        else:
            scores = scanner.flush(last)
        if scores.shape[-1] or block is None:
            clock = replace(scanner.clock, first_seconds=scanner.clock.seconds(given))
            yield ScoreTrack(labels=classifier.labels, scores=scores, clock=clock)
        given += scores.shape[-1]


def _blocks_of(
    classifier: Classifier, source: str | os.PathLike[str] | Tensor | Iterable[Tensor], mono: bool
) -> Iterable[Tensor]:
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        classifier.require_rate_of(path)
        rate = classifier.sample_rate
        return audio.blocks(path, block_seconds=BLOCK_SECONDS, sample_rate=rate, mono=mono)
    if isinstance(source, Tensor):
        pieces: Sequence[Tensor] = source.split(round(BLOCK_SECONDS * classifier.sample_rate), dim=-1)  # type: ignore[no-untyped-call]
        return pieces
    return source


def _moved_by(classifier: Classifier, hop_seconds: float | None) -> Scan:
    """The classifier, up to its logits, deciding every so many seconds; None is its own hop.

    Raises:
        ParameterError: for a hop that cannot be.
    """
    frame, rate = classifier.front_end.require_law().stride, classifier.sample_rate
    own = classifier.geometry.stride
    samples = own if hop_seconds is None else hop_seconds * rate
    if not math.isfinite(samples) or round(samples) < 1:
        raise ParameterError(f"hop_seconds={hop_seconds} must be at least a sample, 1/{rate} s, and finite")
    hop = round(samples)
    layers = classifier.scans()
    for i, layer in enumerate(layers):
        if isinstance(layer, Windows):  # these may begin at any frame
            own = hop if hop % frame == 0 else frame
            layers[i] = Windows(
                layer.module, window=layer.window, stride=own // frame, batch_size=layer.batch_size
            )
    if hop % own and own % hop:
        raise ParameterError(
            f"hop_seconds={hop_seconds} must be a multiple or a whole part of the net's own hop, "
            f"{own / rate:g} s, such as {2 * own / rate:g} or {own / rate / 2:g}"
        )
    return with_stride(Sequential(*layers), hop)

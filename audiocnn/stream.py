"""Live audio: chunks of any size in, scores and events out, with the scores of the clip model.

    chunks of any rate - mono - Resampler - Scanner - scores - EventFinder - events
                                             |
                        a gap begins it anew, and ends what was open

What a `Listener` gives of a recording in chunks is what `score_track.scan` and `events.find_events` give of
the whole: there is one mechanism for both.
"""

import logging
import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from audiocnn.classifier import Classifier
from audiocnn.errors import ParameterError
from audiocnn.events import Clock, Event, EventConfig, EventFinder
from audiocnn.resampling import Resampler, check_rate
from audiocnn.score_track import Edges, Scanner, ScoreTrack

__all__ = ["Heard", "Listener"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What came of a chunk.

    Attributes:
        track: the scores that were due, perhaps none, and when their decisions were made.
        events: those that are over by now, in the order of their onset.
    """

    track: ScoreTrack
    events: list[Event]


class Listener:
    """Listens to a stream: scores and events as soon as they are due.

    Before a whole window was heard no score is claimed, or with `past="silence"` what was before counts as
    silence; never does a score hang on what a buffer held by chance. Where samples are missing - a gap that
    `skip` tells of, or a chunk with values that are no numbers - no score is made of what lies on both sides,
    events end, and time goes on.

    Args:
        classifier: on any device.
        sample_rate: of the chunks, in Hz; None is the classifier's.
        channels: how many rows the chunks have; None for chunks `(time,)`. Channels are averaged.
        hop_seconds: from one decision to the next; see `audiocnn.score_track.Scanner`. None takes that which
            the classifier was tuned at, if it was.
        past: "unheard" or "silence", at the beginning and behind each gap.
        compiled_chunk: length of the chunks, in samples at the classifier's rate, that a step is compiled
            for; see `Scanner`.
        events: what counts as an event; None takes what the classifier was tuned to, if it was, or an
            `EventConfig()`.

    Raises:
        ParameterError: for values that cannot work.

    >>> from audiocnn import load
    >>> listener = Listener(load("demo"), sample_rate=48000, hop_seconds=0.05)
    >>> heard = listener.hear(torch.zeros(96000))
    >>> heard.track.scores.shape, heard.events  # the resampler still holds some samples back
    (torch.Size([12, 11]), [])
    """

    def __init__(
        self,
        classifier: Classifier,
        *,
        sample_rate: int | None = None,
        channels: int | None = None,
        hop_seconds: float | None = None,
        past: str = "unheard",
        compiled_chunk: int | None = None,
        events: EventConfig | None = None,
    ) -> None:
        if past not in ("unheard", "silence"):
            raise ParameterError(f"past={past!r} must be 'unheard' or 'silence'")
        if channels is not None and channels < 1:
            raise ParameterError(
                f"channels={channels} must be a positive integer, or None for chunks (time,)"
            )
        self.classifier = classifier
        rate = classifier.sample_rate if sample_rate is None else sample_rate
        self.sample_rate = check_rate("sample_rate", rate)
        classifier.require_rate(self.sample_rate, "the stream")
        self.channels = channels
        edges: Edges = "silence" if past == "silence" else "inside"
        tuned = classifier.config
        hop = tuned.hop_seconds if hop_seconds is None else hop_seconds
        self._scanner = Scanner(classifier, hop_seconds=hop, edges=edges, compiled_chunk=compiled_chunk)
        self._config = events or tuned.events or EventConfig()
        self._resampler: Resampler | None
        self._is_over: bool
        self.reset()

    @property
    def seconds(self) -> float:
        """How much was heard or skipped."""
        return self._rate_since + self._arrived / self.sample_rate

    def reset(self) -> None:
        """Begin anew, at 0 seconds."""
        self._arrived, self._rate_since = 0, 0.0
        self._begin(0.0)

    def hear(self, chunk: Tensor) -> Heard:
        """Take the next samples; give the scores now due, and the events that are over.

        A chunk with values that are not finite is a gap, of which a warning is logged.

        Args:
            chunk: `(time,)`, or `(channel, time)` if there are channels; floating point on unit scale, of any
                length.

        Raises:
            ParameterError: for a chunk of another shape or type; the stream goes on with the next.
        """
        self._require_chunk(chunk)
        if not chunk.isfinite().all():
            at = self.seconds
            seconds = chunk.shape[-1] / self.sample_rate
            logger.warning(
                "%.3f s of the stream, from %.3f s on, are not finite: taken for a gap", seconds, at
            )
            return self.skip(seconds)
        self._arrived += chunk.shape[-1]
        mono = chunk.float() if self.channels is None else chunk.float().mean(dim=0)
        scores = self._scores_of(mono if self._resampler is None else self._resampler.push(mono))
        return Heard(track=self._stretch(scores), events=self._finder.push(scores))

    def skip(self, seconds: float) -> Heard:
        """Go on behind a gap: end the events that are open, and begin to listen anew.

        Args:
            seconds: how long the gap is; rounded to samples of the stream.

        Returns:
            The scores and events of what was heard before it.

        Raises:
            ParameterError: for a gap that is negative, or endless.
        """
        if not 0 <= seconds < math.inf:
            raise ParameterError(f"seconds={seconds} of a gap must be 0 or more, and finite")
        heard = self.finish()
        self._arrived += round(seconds * self.sample_rate)
        self._begin(self.seconds)
        return heard

    def change_rate(self, sample_rate: int) -> Heard:
        """Go on with chunks of another rate, as behind a gap of no length.

        Args:
            sample_rate: of the chunks to come, in Hz.

        Returns:
            The scores and events of what was heard before.

        Raises:
            ParameterError: for a rate that cannot be; the stream goes on at its own.
        """
        check_rate("sample_rate", sample_rate)
        self.classifier.require_rate(sample_rate, "the stream")
        heard = self.finish()
        self._rate_since, self._arrived, self.sample_rate = self.seconds, 0, sample_rate
        self._begin(self.seconds)
        return heard

    def finish(self) -> Heard:
        """The end of the stream: give the scores that are still due, and the events that are open."""
        if self._is_over:
            return Heard(track=self._stretch(torch.zeros(len(self.classifier.labels), 0)), events=[])
        rest = torch.zeros(0) if self._resampler is None else self._resampler.flush()
        scores = self._scores_of(rest)
        if self._is_heard:
            scores = torch.cat((scores, self._scanner.flush(rest)), dim=-1)
        self._is_over = True
        track = self._stretch(scores)
        return Heard(track=track, events=self._finder.push(scores) + self._finder.flush())

    def _begin(self, seconds: float) -> None:
        self._scanner.reset()
        clock = self._scanner.clock
        self._clock: Clock = replace(clock, first_seconds=clock.first_seconds + seconds)
        self._finder = EventFinder(self.classifier.labels, self._config, self._clock)
        self._decided = 0
        self._is_heard, self._is_over = False, False
        self._resampler = None
        if self.sample_rate != self.classifier.sample_rate:
            self._resampler = Resampler(self.sample_rate, self.classifier.sample_rate)

    def _scores_of(self, samples: Tensor) -> Tensor:
        """Scores `(num_classes, decisions)` that samples at the classifier's rate make due."""
        self._is_heard = self._is_heard or len(samples) > 0
        return self._scanner.push(samples) if len(samples) else torch.zeros(len(self.classifier.labels), 0)

    def _stretch(self, scores: Tensor) -> ScoreTrack:
        """The next stretch of the track."""
        clock = replace(self._clock, first_seconds=self._clock.seconds(self._decided))
        self._decided += scores.shape[-1]
        return ScoreTrack(labels=self.classifier.labels, scores=scores, clock=clock)

    def _require_chunk(self, chunk: Tensor) -> None:
        if self._is_over:
            raise ParameterError("the stream is finished; reset the listener to hear another")
        if not chunk.is_floating_point():
            raise ParameterError(
                f"a chunk of {chunk.dtype} must be floating point on unit scale; "
                "divide 16-bit samples by 32768"
            )
        shape = "(time,)" if self.channels is None else f"({self.channels}, time)"
        wanted = () if self.channels is None else (self.channels,)
        if chunk.dim() == 0 or chunk.shape[:-1] != wanted:
            raise ParameterError(
                f"a chunk of shape {tuple(chunk.shape)} must be {shape}, as channels={self.channels} says"
            )

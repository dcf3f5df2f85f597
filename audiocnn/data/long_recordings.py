"""Long recordings made of clips, whose truth is known to the sample: to judge by what is found in hours.

    background     ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~    recordings of noise, faded into each other
    targets             [yes]                  [no]          clips of a manifest at drawn times
    others                      [tree]                       clips that shall not be taken for a target
                   |-- gap --|

A clip is laid over the background as loud as a signal-to-noise ratio asks for. What is true of it is where it
sounds, the silence that its recording begins and ends with left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from audiocnn.audio import read
from audiocnn.data.manifest import Clip, write_manifest
from audiocnn.errors import ParameterError
from audiocnn.files import whole_file

__all__ = ["LongRecordingConfig", "Placed", "plan", "render", "sounding", "write"]

Samples = npt.NDArray[np.float32]

_FRAME_SECONDS = 0.01
_BLOCK_SECONDS = 10.0
_FADE_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class LongRecordingConfig:
    """How a long recording is made.

    Attributes:
        seconds: its length.
        targets: labels that are to be found.
        targets_per_minute: clips of these, on average.
        others_per_minute: clips of the other labels, on average.
        min_gap_seconds: between the end of a clip and the beginning of the next, at least.
        min_snr_db: of a clip over the background, drawn evenly between this ...
        max_snr_db: ... and this.
        background_db: level of the background, RMS in dB below full scale.
        quiet_db: a clip sounds from its first to its last 10 ms that are less than so far below its loudest.
        sample_rate: in Hz.
        seed: of all that is drawn.

    Raises:
        ParameterError: for a value that cannot work.
    """

    seconds: float
    targets: tuple[str, ...]
    targets_per_minute: float = 3.0
    others_per_minute: float = 12.0
    min_gap_seconds: float = 0.5
    min_snr_db: float = 20.0
    max_snr_db: float = 20.0
    background_db: float = -50.0
    quiet_db: float = 35.0
    sample_rate: int = 16000
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.targets:
            raise ParameterError("targets is empty; name one label at least")
        for name in ("seconds", "quiet_db", "sample_rate"):
            if not getattr(self, name) > 0:
                raise ParameterError(f"{name}={getattr(self, name)} must be positive")
        for name in ("targets_per_minute", "others_per_minute", "min_gap_seconds"):
            if not getattr(self, name) >= 0:
                raise ParameterError(f"{name}={getattr(self, name)} must be 0 or more")
        if self.min_snr_db > self.max_snr_db:
            raise ParameterError(f"min_snr_db={self.min_snr_db} must be at most max_snr_db={self.max_snr_db}")


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A clip in a long recording.

    Attributes:
        clip: what is heard.
        begin: the sample of the recording at which its own first sample lies.
        onset: where it begins to sound, in seconds.
        offset: where it stops.
        gain: what its samples are multiplied with.
        snr_db: how much louder than the background it then is, while it sounds.
    """

    clip: Clip
    begin: int
    onset: float
    offset: float
    gain: float
    snr_db: float


def sounding(samples: Samples, sample_rate: int, *, quiet_db: float) -> tuple[int, int]:
    """Where a clip begins to sound and where it stops, in samples; the whole of one that is silent.

    Args:
        samples: `(time,)`.
        sample_rate: in Hz.
        quiet_db: what is so far below its loudest 10 ms, or farther, is silence.

    >>> clip = np.zeros(1600, dtype=np.float32)
    >>> clip[480:960] = 0.5
    >>> sounding(clip, 16000, quiet_db=30)
    (480, 960)
    """
    size = max(1, round(_FRAME_SECONDS * sample_rate))
    padded = np.pad(samples.astype(np.float64), (0, -len(samples) % size))
    power = (padded.reshape(-1, size) ** 2).mean(axis=1)
    loud = np.flatnonzero(power > power.max() * 10 ** (-quiet_db / 10))
    if len(loud) == 0:
        return 0, len(samples)
    return int(loud[0]) * size, min(len(samples), (int(loud[-1]) + 1) * size)


def plan(clips: Sequence[Clip], config: LongRecordingConfig) -> list[Placed]:
    """Draw which clips are heard when, in the order of time.

    All ways to lay them out that keep the distance are equally likely; of each kind every clip is heard once
    before one is heard twice.

    Args:
        clips: of a manifest; those of `config.targets` are targets, labelled others are not.
        config: how.

    Raises:
        AudioReadError: for a clip that cannot be read.
        ParameterError: if a target has no clip, or so many clips do not fit.
    """
    known = {clip.label for clip in clips}
    for label in config.targets:
        if label not in known:
            raise ParameterError(f"targets names {label!r}, of which there is no clip")
    rng = np.random.default_rng(config.seed)
    kinds = (
        ([clip for clip in clips if clip.label in config.targets], config.targets_per_minute),
        ([clip for clip in clips if clip.label not in (*config.targets, None)], config.others_per_minute),
    )
    drawn: list[Clip] = []
    for some, per_minute in kinds:
        count = round(per_minute * config.seconds / 60)
        if count and not some:
            raise ParameterError(
                f"others_per_minute={per_minute} asks for clips of other labels; there are none"
            )
        rounds = [rng.permutation(len(some)) for _ in range(-(-count // max(1, len(some))))]
        drawn += [some[i] for i in np.concatenate(rounds)[:count]] if count else []
    order = rng.permutation(len(drawn))
    return _placed([drawn[i] for i in order], config, rng)


def _placed(clips: Sequence[Clip], config: LongRecordingConfig, rng: np.random.Generator) -> list[Placed]:
    """Clips in this order, with what time is left dealt out at random between them."""
    rate, noise_rms = config.sample_rate, 10 ** (config.background_db / 20)
    lengths, sounds, gains, snrs = [], [], [], []
    for clip in clips:
        samples = _samples(clip, rate)
        first, last = sounding(samples, rate, quiet_db=config.quiet_db)
        rms = float(np.sqrt((samples[first:last].astype(np.float64) ** 2).mean()))
        snr = rng.uniform(config.min_snr_db, config.max_snr_db)
        lengths.append(len(samples))
        sounds.append((first, last))
        snrs.append(snr)
        gains.append(noise_rms * 10 ** (snr / 20) / rms if rms > 0 else 0.0)
    gap = round(config.min_gap_seconds * rate)
    spare = round(config.seconds * rate) - sum(lengths) - gap * (len(clips) + 1)
    if spare < 0:
        raise ParameterError(
            f"{len(clips)} clips with gaps of {config.min_gap_seconds} s do not fit into {config.seconds} s; "
            "ask for fewer a minute"
        )
    shares = np.sort(rng.integers(0, spare, size=len(clips), endpoint=True))
    begins = (
        shares + gap + np.concatenate(([0], np.cumsum(np.array(lengths[:-1], dtype=int) + gap)))[: len(clips)]
    )
    return [
        Placed(
            clip=clip,
            begin=int(begin),
            onset=(int(begin) + first) / rate,
            offset=(int(begin) + last) / rate,
            gain=gain,
            snr_db=snr,
        )
        for clip, begin, (first, last), gain, snr in zip(clips, begins, sounds, gains, snrs, strict=True)
    ]


def render(
    placed: Sequence[Placed], backgrounds: Sequence[Clip], config: LongRecordingConfig
) -> Iterator[Samples]:
    """The samples of a long recording, block by block, `(time,)`, in constant memory.

    Args:
        placed: what is heard when, in the order of time.
        backgrounds: recordings of noise, drawn one after the other and each brought to `background_db`; none
            is white noise.
        config: as for `plan`.

    Raises:
        AudioReadError: for a recording that cannot be read.
    """
    rate, total = config.sample_rate, round(config.seconds * config.sample_rate)
    noise = _background(backgrounds, config)
    held, next_clip, size = np.zeros(0, dtype=np.float32), 0, round(_BLOCK_SECONDS * rate)
    reaching: list[tuple[int, Samples]] = []  # clips that began and are not over
    for start in range(0, total, size):
        stop = min(total, start + size)
        while len(held) < stop - start:
            held = np.concatenate((held, next(noise)))
        block, held = held[: stop - start].copy(), held[stop - start :]
        while next_clip < len(placed) and placed[next_clip].begin < stop:
            one = placed[next_clip]
            reaching.append((one.begin, _samples(one.clip, rate) * np.float32(one.gain)))
            next_clip += 1
        for begin, samples in reaching:
            first, last = max(start, begin), min(stop, begin + len(samples))
            block[first - start : last - start] += samples[first - begin : last - begin]
        reaching = [(begin, samples) for begin, samples in reaching if begin + len(samples) > stop]
        yield block


def write(
    path: Path, clips: Sequence[Clip], backgrounds: Sequence[Clip], config: LongRecordingConfig
) -> list[Placed]:
    """Write a long recording, and beside it `<name>.csv`, a manifest of what is heard in it.

    Args:
        path: a `.wav` or `.flac` file of 16 bits.
        clips: as for `plan`.
        backgrounds: as for `render`.
        config: how.

    Returns:
        What is heard, in the order of time.

    Raises:
        AudioReadError: for a recording that cannot be read.
        ParameterError: for another ending, or what `plan` refuses.
    """
    if path.suffix not in (".wav", ".flac"):
        raise ParameterError(f"path={path} must end in .wav or .flac")
    placed = plan(clips, config)
    with (
        whole_file(path) as beside,
        soundfile.SoundFile(
            beside, "w", config.sample_rate, 1, subtype="PCM_16", format=path.suffix[1:].upper()
        ) as file,
    ):
        for block in render(placed, backgrounds, config):
            file.write(block)
    heard = [replace(one.clip, path=path, start=one.onset, stop=one.offset) for one in placed]
    write_manifest(path.with_suffix(".csv"), heard)
    return placed


def _samples(clip: Clip, rate: int) -> Samples:
    waveform = read(clip.path, sample_rate=rate, start_seconds=clip.start, stop_seconds=clip.stop).waveform
    samples: Samples = waveform.numpy()
    return samples


def _background(backgrounds: Sequence[Clip], config: LongRecordingConfig) -> Iterator[Samples]:
    """Noise without end, in pieces: each recording once before one is heard twice, faded into the next."""
    rng = np.random.default_rng((config.seed, 1))
    level = 10 ** (config.background_db / 20)
    fade = round(_FADE_SECONDS * config.sample_rate)
    rise = np.sin(np.linspace(0, np.pi / 2, fade, dtype=np.float32))  # of equal power with its mirror image
    tail: Samples | None = None
    while True:
        if not backgrounds:
            yield (level * rng.standard_normal(config.sample_rate)).astype(np.float32)
            continue
        for i in rng.permutation(len(backgrounds)):
            samples = _samples(backgrounds[i], config.sample_rate)
            rms = float(np.sqrt((samples.astype(np.float64) ** 2).mean()))
            samples = samples * np.float32(level / rms if rms > 0 else 0.0)
            if len(samples) < 2 * fade:
                samples = np.tile(samples, -(-2 * fade // len(samples)))
            if tail is not None:
                samples[:fade] = samples[:fade] * rise + tail
            yield samples[:-fade]
            tail = samples[-fade:] * rise[::-1]

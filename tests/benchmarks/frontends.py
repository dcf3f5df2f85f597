"""How much sound a second our front-ends take, and torchaudio, librosa, nnAudio and kaldi-native-fbank.

    python tests/benchmarks/frontends.py [--parts logmel others steps memory gpu] [--rounds 20]

All on one thread, on 64 clips of a second and on one recording of ten minutes, at 16 kHz, 40 bands of
30 ms every 10 ms. The ways take turns, each going first in some rounds, and what counts is the processor
time of a turn (`layers.py` says how). Printed are the seconds of sound that a way takes per second, in its
best turn, and our speed / its speed: in the best turns, and between brackets what the ratio of one round
ranged over, the highest and lowest tenth left out. That they give the same features is checked first.

- logmel: the eager form is to be 2 times as fast as torchaudio or more, and 1.6 times as librosa; the
  compiled form 3 times as torchaudio. Compiling, some seconds once, is not counted. kaldi-native-fbank
  takes one clip after the other, and its triangles are straight in mel: it comes near alone.
- others: MFCC is to be 1.5 times as fast as torchaudio's, PCEN 1.5 times as librosa's mel spectrogram and
  PCEN. Constant-Q, at 22.05 kHz, and the learnable front-ends have no bound; what of constant-Q is the same
  is for `tests/frontends/test_constant_q.py` to say.
- steps: what `step` takes for a chunk of 10 or 100 ms beyond the bare arithmetic on the frames that are due,
  without buffers, checks and modules. To be 25 microseconds or less.
- memory: what a process grows by that makes the features of ten hours, `ten_hours.py`. To be below 300 MB.
- gpu: log-mel there, on batches of 1 and of 256 clips, in float32, by the clock on the wall.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import kaldi_native_fbank as knf
import librosa
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
import torchaudio
from layers import turn_times
from nnAudio import features as nnaudio
from torch import Tensor

from audiocnn import frontends
from audiocnn.frontends import LogMel, LogMelConfig

CONFIG = LogMelConfig()
RATE, FLOOR = CONFIG.sample_rate, CONFIG.floor
TURN_SECONDS = 0.05  # so that what one way leaves in the caches does not count for the next
# what others call the sizes of the config
STFT = {"n_fft": CONFIG.n_fft, "win_length": CONFIG.win_length, "hop_length": CONFIG.hop_length}
HTK = {"n_mels": CONFIG.n_mels, "center": False, "htk": True, "norm": None}


class Sound(NamedTuple):
    """Clips, `(batch, time)`, and with silence around them: others centre a window in `n_fft`."""

    plain: Tensor
    centred: Tensor


Features = Callable[[Sound], Tensor | npt.NDArray[np.float32]]
Ways = dict[str, Features]


def noise(seconds: int, batch: int, *, rate: int = RATE, device: str = "cpu") -> Sound:
    """Noise."""
    generator = torch.Generator().manual_seed(0)
    plain = 0.1 * torch.randn(batch, seconds * rate, generator=generator).to(device)
    spare = CONFIG.n_fft - CONFIG.win_length
    return Sound(plain, F.pad(plain, (spare // 2, spare - spare // 2)))


SHAPES = {"64 clips of 1 s": (1, 64), "1 recording of 10 min": (600, 1)}


def ours(front_end: frontends.FrontEnd) -> Features:
    """A front-end of ours, in evaluation."""
    front_end.eval()
    return lambda sound: front_end(sound.plain)


def librosa_mel(sound: Sound) -> npt.NDArray[np.float32]:
    """Mel power by librosa."""
    return librosa.feature.melspectrogram(y=sound.centred.numpy(), sr=RATE, **STFT, **HTK)


def kaldi_log_mel(sound: Sound) -> npt.NDArray[np.float32]:
    """Log-mel features by kaldi-native-fbank."""
    options = knf.FbankOptions()
    options.frame_opts.samp_freq = RATE
    options.frame_opts.frame_length_ms = 1000 * CONFIG.win_length / RATE
    options.frame_opts.frame_shift_ms = 1000 * CONFIG.hop_length / RATE
    options.frame_opts.dither = options.frame_opts.preemph_coeff = 0.0
    options.frame_opts.remove_dc_offset = False
    options.frame_opts.window_type = "hanning"
    options.mel_opts.num_bins, options.mel_opts.low_freq = CONFIG.n_mels, CONFIG.f_min
    features = []
    for clip in sound.plain:
        online = knf.OnlineFbank(options)
        online.accept_waveform(RATE, clip.tolist())
        online.input_finished()
        features.append(np.stack([online.get_frame(i) for i in range(online.num_frames_ready)], axis=1))
    return np.stack(features)


def naive_log_mel(sound: Sound, window: Tensor, filters: Tensor) -> Tensor:
    """The formula, as one would write it."""
    frames = sound.plain.unfold(-1, CONFIG.win_length, CONFIG.hop_length) * window
    power = torch.fft.rfft(frames, n=CONFIG.n_fft).abs().square()
    return (power @ filters + FLOOR).log().transpose(-1, -2)


def torchaudio_mel() -> torch.nn.Module:
    """Mel power by torchaudio."""
    return torchaudio.transforms.MelSpectrogram(RATE, n_mels=CONFIG.n_mels, center=False, **STFT)


def nnaudio_mel() -> torch.nn.Module:
    """Mel power by nnAudio."""
    return nnaudio.MelSpectrogram(sr=RATE, verbose=False, **STFT, **HTK)


def log_mels() -> Ways:
    """Ways to log-mel features, ours first."""
    theirs, nn_audio = torchaudio_mel(), nnaudio_mel()
    naive = partial(
        naive_log_mel, window=torch.hann_window(CONFIG.win_length), filters=LogMel(CONFIG).frames.filters.T
    )
    return {
        "ours, eager": ours(LogMel(CONFIG)),
        "ours, compiled": ours(LogMel(CONFIG).use("compiled")),
        "torchaudio": lambda sound: (theirs(sound.centred) + FLOOR).log(),
        "librosa": lambda sound: np.log(librosa_mel(sound) + FLOOR),
        "nnAudio": lambda sound: (nn_audio(sound.centred) + FLOOR).log(),
        "kaldi-native-fbank": kaldi_log_mel,
        "naive unfold + rfft": naive,
    }


def mfccs() -> Ways:
    """Ways to 13 cepstral coefficients."""
    config = frontends.MFCCConfig()
    mel = {"n_mels": CONFIG.n_mels, "center": False} | STFT
    theirs = torchaudio.transforms.MFCC(RATE, n_mfcc=config.n_mfcc, log_mels=True, melkwargs=mel)
    return {
        "ours, eager": ours(frontends.MFCC(config)),
        "torchaudio": lambda sound: theirs(sound.centred),
        "librosa": lambda sound: librosa.feature.mfcc(
            S=np.log(librosa_mel(sound) + FLOOR), n_mfcc=config.n_mfcc
        ),
    }


def pcens() -> Ways:
    """Ways to PCEN without an end, and ours with one, which gives fewer frames."""
    endless = frontends.PCENConfig(smoother_frames=None)
    return {
        "ours, without an end": ours(frontends.PCEN(endless)),
        "ours, of 64 frames": ours(frontends.PCEN(frontends.PCENConfig())),
        "librosa": lambda sound: librosa.pcen(librosa_mel(sound), sr=RATE, hop_length=CONFIG.hop_length),
    }


def constant_qs() -> Ways:
    """Ways to 84 bins from C1."""
    config = frontends.ConstantQConfig()
    nn_audio = nnaudio.CQT(sr=config.sample_rate, hop_length=config.hop_length, verbose=False)
    return {
        "ours, eager": ours(frontends.ConstantQ(config)),
        "librosa": lambda sound: np.abs(librosa.cqt(sound.plain.numpy(), sr=config.sample_rate)),
        "nnAudio": lambda sound: nn_audio(sound.plain),
    }


def learnable() -> Ways:
    """What is learnt, as it is before."""
    return {
        "ours, LEAF": ours(frontends.LEAF(frontends.LEAFConfig())),
        "ours, SincNet": ours(frontends.SincNet(frontends.SincNetConfig())),
        "ours, learnable mel": ours(frontends.LearnableMel(frontends.LearnableMelConfig())),
    }


def check(ways: Ways, rough: dict[str, float]) -> None:
    """All come within 1e-3 of the first, or as near as is said."""
    sound = noise(1, 4)
    expected: Tensor | None = None
    for name, features in ways.items():
        found = torch.as_tensor(features(sound)).float().reshape(4, -1)
        expected = found if expected is None else expected
        off = rough.get(name, 1e-3)
        torch.testing.assert_close(found, expected, rtol=0.0, atol=off, msg=f"{name} differs")


def race(
    title: str,
    ways: Ways,
    sound: Sound,
    rounds: int,
    *,
    rate: int = RATE,
    clock: Callable[[], float] = time.process_time,
) -> None:
    """Print how much sound a second each way takes, and how much faster ours are."""
    calls = [partial(features, sound) for features in ways.values()]
    taken = turn_times(calls, rounds, turn_seconds=TURN_SECONDS, clock=clock)
    times = dict(zip(ways, taken, strict=True))
    of_us = [name for name in ways if name.startswith("ours")]
    if len(of_us) == len(ways):
        of_us = []
    header = "".join(f"{name:30}" for name in of_us)
    print(f"{title:36}{'sound s/s':>12}   {header}".rstrip())
    for name, turns in times.items():
        ratios = "".join(f"{faster(turns, times[our]):30}" for our in of_us)
        print(f"{name:36}{sound.plain.numel() / rate / min(turns):12,.0f}   {ratios}".rstrip())
    print()


def faster(slow: list[float], fast: list[float]) -> str:
    """How much faster: in the best turns, and how far single rounds spread."""
    single = sorted(s / f for s, f in zip(slow, fast, strict=True))
    tenth = len(single) // 10
    return f"{min(slow) / min(fast):5.2f} [{single[tenth]:.2f} - {single[-1 - tenth]:.2f}]"


def log_mel(rounds: int) -> None:
    """Print the races of log-mel."""
    ways = log_mels()
    check(ways, {"kaldi-native-fbank": 0.1})
    for name, shape in SHAPES.items():
        race(f"log-mel, {name}", ways, noise(*shape), rounds)


def others(rounds: int) -> None:
    """Print the races of other front-ends."""
    pcen = pcens()
    check(mfccs(), {})
    check({name: pcen[name] for name in ("ours, without an end", "librosa")}, {})
    for name, shape in SHAPES.items():
        race(f"MFCC, {name}", mfccs(), noise(*shape), rounds)
        race(f"PCEN, {name}", pcen, noise(*shape), rounds)
        rate = frontends.ConstantQConfig().sample_rate
        race(f"constant-Q, {name}", constant_qs(), noise(*shape, rate=rate), rounds, rate=rate)
        race(f"learnable, {name}", learnable(), noise(*shape), rounds)


def bare_log_mel(samples: Tensor, window: Tensor, filters: Tensor) -> Tensor:
    """What `LogMel` does to the samples of a few frames; `filters` has each weight twice."""
    frames = samples.unfold(-1, CONFIG.win_length, CONFIG.hop_length)
    filled_up = F.pad(frames * window, (0, CONFIG.n_fft - CONFIG.win_length))
    squares = torch.view_as_real(torch.fft.rfft(filled_up)).square_().flatten(-2)
    return (filters @ squares.transpose(-1, -2)).add_(FLOOR).log_()


def steps(rounds: int) -> None:
    """Print what a chunk takes beyond its arithmetic."""
    front_end = LogMel(CONFIG).eval()
    frames = front_end.frames
    for milliseconds in (10, 100):
        samples = RATE * milliseconds // 1000
        stream = noise(1, 1).plain
        found, state = [], None
        for chunk in stream.split(samples, dim=-1):
            features, state = front_end.step(chunk, state)
            found += [] if features is None else [features]
        torch.testing.assert_close(torch.cat(found, dim=-1), front_end(stream), rtol=1e-4, atol=1e-4)
        due = stream[:, : CONFIG.win_length + samples - CONFIG.hop_length]
        bare = partial(bare_log_mel, due, frames.window, frames.filters.repeat_interleave(2, dim=1))
        torch.testing.assert_close(bare(), front_end(due)[:, 0], rtol=1e-4, atol=1e-4)
        chunk = stream[:, :samples]
        step = partial(front_end.step, chunk, state)
        whole, part = (1e6 * min(taken) for taken in turn_times((step, bare), 10 * rounds))
        print(f"step of {milliseconds:3} ms: {whole:5.1f} us, {whole - part:4.1f} us beyond its arithmetic")
    print()


def memory() -> None:
    """Print what ten hours take, in a process of its own."""
    subprocess.run([sys.executable, str(Path(__file__).with_name("ten_hours.py"))], check=True)


def fetched(features: Features, sound: Sound) -> Tensor:
    """The features by a GPU."""
    return torch.as_tensor(features(Sound(*(clips.cuda() for clips in sound)))).cpu()


def gpu(rounds: int) -> None:
    """Print the races of log-mel on a GPU."""
    if not torch.cuda.is_available():
        print("gpu: there is none")
        return
    theirs, nn_audio = torchaudio_mel().cuda(), nnaudio_mel().cuda()
    ways: Ways = {
        "ours, eager": ours(LogMel(CONFIG).cuda()),
        "ours, compiled": ours(LogMel(CONFIG).cuda().use("compiled")),
        "torchaudio": lambda sound: (theirs(sound.centred) + FLOOR).log(),
        "nnAudio": lambda sound: (nn_audio(sound.centred) + FLOOR).log(),
    }

    def finished(features: Features, sound: Sound) -> Tensor:
        made = features(sound)
        torch.cuda.synchronize()
        return made

    on_cpu = {"ours, on the processor": ours(LogMel(CONFIG))}
    there = {name: partial(fetched, features) for name, features in ways.items()}
    check(on_cpu | there, {})
    for batch in (1, 256):
        timed = {name: partial(finished, features) for name, features in ways.items()}
        title = f"log-mel on a GPU, {batch} x 1 s"
        race(title, timed, noise(1, batch, device="cuda"), rounds, clock=time.perf_counter)


def main() -> None:
    """Print the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = ("logmel", "others", "steps", "memory", "gpu")
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
    parser.add_argument("--rounds", type=int, default=20, help="turns of each")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with torch.inference_mode():
        if "logmel" in options.parts:
            log_mel(options.rounds)
        if "others" in options.parts:
            others(options.rounds)
        if "steps" in options.parts:
            steps(options.rounds)
        if "gpu" in options.parts:
            gpu(options.rounds)
    if "memory" in options.parts:
        memory()


if __name__ == "__main__":
    main()

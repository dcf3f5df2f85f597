"""Presets: configs that give the features of other systems, each with its source.

Some of those systems pad a clip at both ends before they cut frames. We never pad: a stream has no ends.
Whoever wants their frames at the ends too pads the clip first, by

    preset       before   after   samples, filled with
    librosa      1024     1024    zeros
    torchaudio    200      200    the clip reflected, without its first and last sample
    panns         512      512    the same
    whisper       200       40    the same; its own last frame, of 200 samples after the clip, it drops
    bc_resnet     240      240    the same

`numpy.pad` of mode `"constant"` or `"reflect"` does it. The others begin their first frame at sample 0, as
we do. What a system does with a whole clip before or after its features is no part of them, and said below;
`audiocnn.frontends.ClipRange` does some of it.
"""

from audiocnn.frontends.cepstrum import MFCCConfig
from audiocnn.frontends.front_end import FrontEndConfig
from audiocnn.frontends.mel import LogMelConfig, MelSpectrogramConfig

__all__ = ["PRESETS"]

PRESETS: dict[str, FrontEndConfig] = {
    # Povey et al. 2011, "The Kaldi Speech Recognition Toolkit": `compute-fbank-feats --num-mel-bins=80`, as
    # recipes since 2016 have it (its default is 23), and so kaldi-native-fbank and
    # torchaudio.compliance.kaldi. Samples are those of 16 bits; frames that do not fit are dropped
    # (snip-edges). Its dither is left out; `dither=1 / 32768` adds as loud a noise, in training alone.
    "kaldi": LogMelConfig(
        n_fft=512,
        win_length=400,
        hop_length=160,
        window="povey",
        window_periodic=False,
        sample_scale=32768.0,
        remove_dc=True,
        preemphasis=0.97,
        floor=2.0**-23,  # the epsilon of float32
        floor_rule="clamp",
        n_mels=80,
        f_min=20.0,
        straight_in="mel",
    ),
    # The same: `compute-mfcc-feats --use-energy=false`, with its 13 coefficients of 23 bands.
    "kaldi_mfcc": MFCCConfig(
        n_fft=512,
        win_length=400,
        hop_length=160,
        window="povey",
        window_periodic=False,
        sample_scale=32768.0,
        remove_dc=True,
        preemphasis=0.97,
        floor=2.0**-23,
        floor_rule="clamp",
        n_mels=23,
        f_min=20.0,
        straight_in="mel",
        n_mfcc=13,
        lifter=22.0,
    ),
    # McFee et al. 2015, "librosa: Audio and Music Signal Analysis in Python": `feature.melspectrogram` with
    # its defaults, then `power_to_db(..., top_db=None)`. By default that raises what lies 80 dB below the
    # loudest of the clip to there; as this depends on the whole clip it is `ClipRange(80.0)`.
    "librosa": LogMelConfig(
        sample_rate=22050,
        n_fft=2048,
        win_length=2048,
        hop_length=512,
        scale="db",
        floor=1e-10,
        floor_rule="clamp",
        n_mels=128,
        f_max=11025.0,
        mel_scale="slaney",
        norm="slaney",
    ),
    # Yang et al. 2022, "TorchAudio: Building Blocks for Audio and Speech Processing":
    # `transforms.MelSpectrogram` with its defaults, which gives power. 128 bands are too many for 201 bins:
    # four hold none and are always 0, of which torchaudio warns.
    "torchaudio": MelSpectrogramConfig(
        n_fft=400,
        win_length=400,
        hop_length=200,
        n_mels=128,
        keep_empty=True,
    ),
    # TensorFlow's `examples/speech_commands/input_data.py`: `audio_ops.audio_spectrogram` of squared
    # magnitudes, then `audio_ops.mfcc`, which takes their root and sums magnitudes; with the 40 ms, 20 ms and
    # 10 coefficients of Zhang et al. 2017, "Hello Edge: Keyword Spotting on Microcontrollers", arXiv
    # 1711.07128 (the example's own defaults are 30 ms, 10 ms and 40).
    "tensorflow_kws": MFCCConfig(
        n_fft=1024,
        win_length=640,
        hop_length=320,
        power=1,
        floor=1e-12,
        floor_rule="clamp",
        f_min=20.0,
        f_max=4000.0,
        straight_in="mel",
        n_mfcc=10,
        dct_norm="htk",
    ),
    # Banbury et al. 2021, "MLPerf Tiny Benchmark", arXiv 2106.07597:
    # `benchmark/training/keyword_spotting/get_dataset.py` of mlcommons/tiny. From `tensorflow_kws` it differs
    # in the floor, which is 1e-6 and added, and in the frame, which is 30 ms by default (`kws_util.py`). It
    # divides each clip by its largest sample beforehand, which depends on the whole clip.
    "mlperf_tiny": MFCCConfig(
        n_fft=512,
        win_length=480,
        hop_length=320,
        power=1,
        f_min=20.0,
        f_max=4000.0,
        straight_in="mel",
        n_mfcc=10,
        dct_norm="htk",
    ),
    # Kong et al. 2020, "PANNs: Large-Scale Pretrained Audio Neural Networks for Audio Pattern Recognition",
    # arXiv 1912.10211: torchlibrosa's `Spectrogram` and `LogmelFilterBank`, as `pytorch/models.py` of
    # audioset_tagging_cnn sets them. A batch norm over the bands follows, which is the net's.
    "panns": LogMelConfig(
        sample_rate=32000,
        n_fft=1024,
        win_length=1024,
        hop_length=320,
        scale="db",
        floor=1e-10,
        floor_rule="clamp",
        n_mels=64,
        f_min=50.0,
        f_max=14000.0,
        mel_scale="slaney",
        norm="slaney",
    ),
    # Hershey et al. 2017, "CNN Architectures for Large-Scale Audio Classification", arXiv 1609.09430:
    # `mel_features.py` and `vggish_params.py` of tensorflow/models. Magnitudes, not power, are summed.
    "vggish": LogMelConfig(
        n_fft=512,
        win_length=400,
        hop_length=160,
        power=1,
        floor=0.01,
        n_mels=64,
        f_min=125.0,
        f_max=7500.0,
        straight_in="mel",
    ),
    # Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision", arXiv 2212.04356:
    # `whisper/audio.py`. It then raises what lies 8 below the largest of the clip to there, which is
    # `ClipRange(8.0)`, and gives `(x + 4) / 4`.
    "whisper": LogMelConfig(
        n_fft=400,
        win_length=400,
        hop_length=160,
        scale="log10",
        floor=1e-10,
        floor_rule="clamp",
        n_mels=80,
        mel_scale="slaney",
        norm="slaney",
    ),
    # Kim et al. 2021, "Broadcasted Residual Learning for Efficient Keyword Spotting", arXiv 2106.04140:
    # `utils.py` of Qualcomm-AI-research/bcresnet, torchaudio's `MelSpectrogram` and a logarithm.
    "bc_resnet": LogMelConfig(n_fft=512, win_length=480, hop_length=160, floor=1e-6, n_mels=40),
}

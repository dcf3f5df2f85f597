"""What systems too large to be installed for tests make of the signals of `tests/signals.py`.

Each function is the very call; `python tests/frontends/golden/make.py NAME ...` writes its `NAME.npz`, which
holds the features of each signal as `(rows, frames)`, and what made them. They ran with tensorflow-cpu
2.21.0, openai-whisper 20250625 (on torch 2.14.1) and torchvggish 0.2, each with NumPy 2.4.6, Python 3.11.
"""

import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
RATE, SAMPLES = 16000, 2400


def tensorflow_kws(clip):
    """`tensorflow/examples/speech_commands/input_data.py` with the settings of "Hello Edge"."""
    from tensorflow.python.ops import gen_audio_ops as audio_ops

    spectrogram = audio_ops.audio_spectrogram(
        clip[:, None], window_size=640, stride=320, magnitude_squared=True
    )
    return audio_ops.mfcc(spectrogram, RATE, dct_coefficient_count=10)[0].numpy().T


def mlperf_tiny(clip):
    """`benchmark/training/keyword_spotting/get_dataset.py` of mlcommons/tiny, in float64."""
    import tensorflow as tf

    spectra = tf.signal.stft(
        clip.astype(np.float64),
        frame_length=480,
        frame_step=320,
        fft_length=None,
        window_fn=tf.signal.hann_window,
    )
    weights = tf.signal.linear_to_mel_weight_matrix(
        40, spectra.shape[-1], RATE, 20.0, 4000.0, dtype=tf.float64
    )
    log_mel = tf.math.log(tf.tensordot(tf.abs(spectra), weights, 1) + 1e-6)
    return tf.signal.mfccs_from_log_mel_spectrograms(log_mel)[..., :10].numpy().T


def whisper(clip):
    """What `whisper.transcribe` begins with; float32, as it knows no other."""
    import whisper

    return whisper.log_mel_spectrogram(clip).numpy()


def vggish(clip):
    """What `waveform_to_examples` cuts its examples from."""
    from torchvggish import mel_features, vggish_params

    return mel_features.log_mel_spectrogram(
        clip.astype(np.float64),
        audio_sample_rate=vggish_params.SAMPLE_RATE,
        log_offset=vggish_params.LOG_OFFSET,
        window_length_secs=vggish_params.STFT_WINDOW_LENGTH_SECONDS,
        hop_length_secs=vggish_params.STFT_HOP_LENGTH_SECONDS,
        num_mel_bins=vggish_params.NUM_MEL_BINS,
        lower_edge_hertz=vggish_params.MEL_MIN_HZ,
        upper_edge_hertz=vggish_params.MEL_MAX_HZ,
    ).T


# what is written, the call, and the package it is of
CALLS = {
    "tensorflow_kws": (tensorflow_kws, "tensorflow-cpu"),
    "mlperf_tiny": (mlperf_tiny, "tensorflow-cpu"),
    "whisper": (whisper, "openai-whisper"),
    "vggish": (vggish, "torchvggish"),
}

if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parents[1]))
    from signals import signals

    for name in sys.argv[1:]:
        call, package = CALLS[name]
        features = {key: call(clip).astype(np.float32) for key, clip in signals(RATE, SAMPLES).items()}
        made_with = f"{package} {version(package)}, numpy {version('numpy')}"
        np.savez_compressed(HERE / f"{name}.npz", made_with=made_with, **features)
        print(name, made_with, {array.shape for array in features.values()})

"""Training with front-ends: which is named, what of it is learnt, and what its features' statistics are."""

import json
from functools import partial

import pytest
import soundfile
import torch
from conftest import TRAINED_WITH

import audiocnn
from audiocnn.config import TrainConfig
from audiocnn.data.manifest import read_manifest
from audiocnn.errors import ParameterError
from audiocnn.frontends import LogMelConfig, PCENConfig, SamplesConfig, create_front_end
from audiocnn.frontends.kinds import config_as_dict
from audiocnn.models import MODELS
from audiocnn.train import fit


def config(tones, out, **changes):
    return TrainConfig(data=tones, out=out, **{**TRAINED_WITH, **changes})


def named_in_a_file(folder, front_end):
    path = folder / "front_end.json"
    path.write_text(json.dumps(config_as_dict(front_end)))
    return str(path)


@pytest.mark.parametrize("name", ["learnable_mel", "leaf"])
def test_a_learnable_front_end_is_trained_with_the_net(tones, tmp_path, name):
    trained = fit(config(tones, tmp_path / "run", front_end=name, epochs=1))
    before = dict(create_front_end(name).named_parameters())
    after = dict(trained.front_end.named_parameters())
    assert before.keys() == after.keys() and before
    for parameter, values in after.items():
        assert values.isfinite().all()
        assert not torch.equal(values, before[parameter]), parameter


def test_a_learnt_front_end_goes_on_where_it_was(tones, tmp_path):
    small = {"front_end": "learnable_mel", "batch_size": 16}
    whole = fit(config(tones, tmp_path / "whole", epochs=2, **small))
    interrupted = config(tones, tmp_path / "parts", epochs=2, **small)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("audiocnn.train._is_over", lambda history, config: True)
        fit(interrupted)
    resumed = fit(interrupted, resume=True)
    last = [audiocnn.load(tmp_path / run / "last.safetensors") for run in ("whole", "parts")]
    for name, tensor in last[0].state_dict().items():
        assert torch.equal(last[1].state_dict()[name], tensor), name
    assert resumed.front_end.fingerprint() == whole.front_end.fingerprint()


def test_a_config_file_names_any_front_end_and_rate(tones, tmp_path):
    front_end = LogMelConfig(
        sample_rate=8000, n_fft=256, win_length=200, hop_length=80, n_mels=24, f_max=4000.0
    )
    trained = fit(config(tones, tmp_path / "run", front_end=named_in_a_file(tmp_path, front_end), epochs=8))
    assert trained.config.front_end == front_end and trained.sample_rate == 8000
    saved = json.loads((tmp_path / "run" / "config.json").read_text())
    assert saved["front_end"] == str(tmp_path / "front_end.json")
    assert trained.predict(tones / "low" / "00.flac").label == "low"
    assert trained.predict(tones / "high" / "00.flac").label == "high"


def test_a_net_that_reads_samples_is_trained(tones, tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS, "m5", partial(MODELS["m5"], width=1 / 16))
    trained = fit(
        config(tones, tmp_path / "run", model="m5", front_end="samples", max_freq_width=0, epochs=10)
    )
    assert trained.config.front_end == SamplesConfig() and trained.sample_rate == 8000
    assert 0.05 < trained.normalize.deviation.item() < 0.5  # the level of the tones
    for label in ("low", "high"):
        assert [trained.predict(tones / label / f"{i:02}.flac").label for i in range(4)] == [label] * 4


def test_a_run_is_not_resumed_with_another_front_end_of_the_same_name(tones, tmp_path):
    name = named_in_a_file(tmp_path, LogMelConfig(n_mels=24))
    begun = config(tones, tmp_path / "run", front_end=name, epochs=1)
    trained = fit(begun)
    named_in_a_file(tmp_path, LogMelConfig(n_mels=24, window="hamming", preemphasis=0.97))
    with pytest.raises(ParameterError) as error:
        fit(begun, resume=True)
    assert str(error.value) == (
        f"out={tmp_path / 'run'} was begun with front_end.window='hann', not 'hamming'; "
        "front_end.preemphasis=0.0, not 0.97; resume it so, or train in another folder"
    )
    named_in_a_file(tmp_path, LogMelConfig(n_mels=24))
    assert fit(begun, resume=True).config == trained.config


@pytest.mark.parametrize("smoother_frames", [20, 200])  # 200 are more than any recording has
def test_statistics_are_of_frames_judged_in_silence(tones, tmp_path, smoother_frames):
    front_end = PCENConfig(smoother_frames=smoother_frames)
    trained = fit(config(tones, tmp_path / "run", front_end=named_in_a_file(tmp_path, front_end), epochs=1))
    frames = []
    for clip in read_manifest(tmp_path / "run" / "split.csv"):
        if clip.split == "train":
            waveform = torch.from_numpy(soundfile.read(clip.path, dtype="float32")[0])
            in_silence = torch.nn.functional.pad(waveform, ((smoother_frames - 1) * 160, 0))
            frames.append(trained.front_end(in_silence[None])[0, 0])
            assert frames[-1].shape[-1] == (len(waveform) - 480) // 160 + 1
    rows = torch.cat(frames, dim=1).double()
    torch.testing.assert_close(trained.normalize.mean.double(), rows.mean(dim=1), rtol=1e-4, atol=1e-4)


def test_noise_fills_the_context_too(tones, tmp_path, monkeypatch):
    heard = []
    monkeypatch.setattr(
        "audiocnn.loss.mix_noise", lambda waveforms, noise, **_: heard.append(noise) or waveforms + noise
    )
    front_end = named_in_a_file(tmp_path, PCENConfig(smoother_frames=200))
    trained = fit(config(tones, tmp_path / "run", front_end=front_end, noise=tones / "low", epochs=1))
    for noise in heard:
        assert noise.shape[1] == trained.geometry.span
        assert (noise == 0).float().mean() < 0.01  # short recordings are repeated


def test_an_unknown_front_end_is_refused_before_anything_is_written(tones, tmp_path):
    with pytest.raises(ParameterError, match=r"^front_end='melody' is unknown; there are spectrogram, mel, "):
        fit(config(tones, tmp_path / "run", front_end="melody"))
    assert not (tmp_path / "run").exists()

"""What ships: one set of scores for a file, a waveform, a batch, blocks and a stream; one file for all."""

from collections.abc import Iterator
from dataclasses import asdict

import laws
import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import audiocnn
from audiocnn import (
    AudioReadError,
    Classifier,
    ClassifierConfig,
    ModelFileError,
    ParameterError,
    model_file,
)
from audiocnn import classifier as classifier_module
from audiocnn.frontends import LogMelConfig
from audiocnn.models import NetConfig
from audiocnn.placement import place
from audiocnn.resampling import resample

RATE = 16000


def made(name="tc_resnet_8", padding="valid"):
    """A classifier with random weights and statistics."""
    return laws.Case(name, lambda: laws.classifier(name, padding), ()).module(torch.float32)


@pytest.fixture(scope="module", params=["valid", "same"])
def classifier(request):
    return made(padding=request.param)


def noise(seconds, seed=0):
    return 0.3 * torch.randn(round(seconds * RATE), generator=torch.Generator().manual_seed(seed))


def assert_close(ours, expected):
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-6)


def test_scores_are_the_probabilities_of_the_logits(classifier):
    clip = noise(classifier.geometry.span / RATE)
    logits = classifier(clip[None])
    assert logits.shape == (1, 3, 1)
    prediction = classifier.predict(clip, sample_rate=RATE)
    expected = logits[0, :, 0].softmax(dim=0)
    assert_close(torch.tensor([prediction.scores[label] for label in classifier.labels]), expected)
    assert prediction.label == classifier.labels[int(expected.argmax())]
    assert prediction.score == max(prediction.scores.values())
    assert sum(prediction.scores.values()) == pytest.approx(1.0)


def test_sigmoid_scores_each_class_for_itself():
    net = NetConfig(name="tc_resnet_8", num_classes=2)
    config = ClassifierConfig(
        labels=("rain", "wind"), front_end=LogMelConfig(), net=net, activation="sigmoid"
    )
    classifier = Classifier(config).eval()
    logits = classifier(noise(1.5)[None])
    torch.testing.assert_close(classifier.probabilities(logits), logits.sigmoid())


def test_a_short_clip_is_centred_in_silence(classifier):
    span = classifier.geometry.span
    clip = noise(0.6)
    left = (span - len(clip)) // 2
    window = torch.nn.functional.pad(clip, (left, span - len(clip) - left))
    expected = classifier.probabilities(classifier(window[None]))[0, :, 0]
    assert_close(classifier.score_clips([clip])[0], expected)


def test_a_long_clip_is_the_mean_of_its_windows(classifier):
    clip = noise(3.33)
    expected = classifier.probabilities(classifier(clip[None]))[0].mean(dim=-1)
    assert_close(classifier.score_clips([clip])[0], expected)


def test_a_clips_scores_do_not_depend_on_its_company(classifier):
    seconds = [0.2, 1.0, 1.5, 1.0, 5.0, 2.0, 2.2, 31.0, 0.001]
    clips = [noise(s, seed=i) for i, s in enumerate(seconds)]
    together = classifier.score_clips(clips)
    for clip, scores in zip(clips, together, strict=True):
        assert_close(classifier.score_clips([clip])[0], scores)


@settings(deadline=None, max_examples=60)
@given(lengths=st.lists(st.integers(1, 1100), min_size=1, max_size=4), hop=st.sampled_from([100, 160, 300]))
def test_clips_around_the_length_of_a_window_score_as_placed_in_it(lengths, hop):
    torch.manual_seed(0)
    front_end = LogMelConfig(n_fft=256, win_length=200, hop_length=hop, n_mels=20)
    net = NetConfig(name="tdnn", num_classes=2, input_size=(20, 15))
    classifier = Classifier(ClassifierConfig(labels=("a", "b"), front_end=front_end, net=net)).eval()
    span = classifier.geometry.span
    lengths = [min(span, max(1, length + span - 1050)) for length in lengths] + [1, span - 1, span]
    clips = [noise(length / RATE, seed=length) for length in lengths]
    for clip, scores in zip(clips, classifier.score_clips(clips), strict=True):
        expected = classifier.probabilities(classifier(place([clip], span)))[0, :, 0]
        assert_close(scores, expected)


def test_blocks_of_a_long_recording_are_the_whole(classifier):
    clip = noise(7.0)
    whole = classifier.score_clips([clip])[0]
    for size in (999, 16000, 50000, 200000):
        assert_close(classifier.score_blocks(clip.split(size)), whole)
    with pytest.raises(ParameterError) as error:
        classifier.score_blocks([])
    assert str(error.value) == "blocks hold no samples; give at least one"
    short = noise(0.5)
    assert_close(classifier.score_blocks(short.split(999)), classifier.score_clips([short])[0])


def test_a_file_a_waveform_and_an_array_score_alike(classifier, tmp_path):
    stereo = torch.stack((noise(2.0), noise(2.0, seed=1)))
    path = tmp_path / "a.wav"
    soundfile.write(path, stereo.T.numpy(), RATE, subtype="FLOAT")
    from_file = classifier.predict(path)
    assert classifier.predict(str(path)) == from_file
    for waveform in (stereo, stereo.numpy(), stereo.numpy()[::-1], stereo.double(), stereo.mean(dim=0)):
        scores = classifier.predict(waveform, sample_rate=RATE).scores
        assert scores == pytest.approx(from_file.scores, abs=1e-6)


def test_other_rates_are_resampled(classifier, tmp_path):
    clip = noise(2.0)
    path = tmp_path / "a.wav"
    soundfile.write(path, clip.numpy(), 44100, subtype="FLOAT")
    expected = classifier.predict(resample(clip, 44100, RATE), sample_rate=RATE)
    assert classifier.predict(path) == expected
    assert classifier.predict(clip, sample_rate=44100) == expected


def test_a_long_file_is_read_in_blocks(classifier, tmp_path, monkeypatch):
    clip = noise(9.0)
    path = tmp_path / "a.wav"
    soundfile.write(path, clip.numpy(), 22050, subtype="FLOAT")
    whole = classifier.predict(path)
    monkeypatch.setattr(classifier_module, "BLOCK_SECONDS", 1.0)
    assert isinstance(whole_file := classifier.clip_or_blocks(path), Iterator)
    assert [round(len(block) / RATE) for block in whole_file][:6] == [1] * 6
    assert classifier.predict(path).scores == pytest.approx(whole.scores, abs=1e-5)


def test_a_stream_gives_an_empty_track_while_nothing_is_due(classifier):
    logits, state = classifier.step(torch.zeros(2, 100))
    assert logits.shape == (2, 3, 0)
    logits, _ = classifier.step(torch.zeros(2, classifier.geometry.span), state)
    assert logits.shape[:2] == (2, 3) and logits.shape[2] >= 1


def test_predicting_leaves_the_mode_as_it_was():
    classifier = made().train()
    one, two = (classifier.predict(noise(1.0), sample_rate=RATE) for _ in range(2))
    assert classifier.training
    assert one == two == classifier.eval().predict(noise(1.0), sample_rate=RATE)


@pytest.mark.parametrize(
    ("source", "sample_rate", "message"),
    [
        (torch.zeros(5), None, "sample_rate=None: say how many samples a second there are, such as 16000"),
        (torch.zeros(0), RATE, "a waveform of shape (0,) must be (time,) or (channel, time)"),
        (torch.zeros(1, 1, 9), RATE, "a waveform of shape (1, 1, 9) must be (time,) or (channel, time)"),
        (
            torch.tensor([0.0, 0.0, float("nan")]),
            RATE,
            "the waveform is not finite at sample 2; every sample must be a number",
        ),
        (
            np.zeros(9, dtype=np.int16),
            RATE,
            "a waveform of torch.int16 must be floating point on unit scale; divide 16-bit samples by 32768",
        ),
        (
            np.zeros((16000, 2)),
            RATE,
            "a waveform of shape (16000, 2) must be (channel, time); transpose it",
        ),
        (
            torch.ones(1),
            48000,
            "a waveform of 1 samples at 48000 Hz is too short for one at 16000 Hz; give a longer one",
        ),
        (
            torch.zeros(9),
            0,
            "sample_rate=0: say how many samples a second there are, such as 16000",
        ),
        ("a.wav", RATE, "sample_rate=16000 belongs to a waveform; a file knows its own"),
    ],
)
def test_what_cannot_be_predicted(source, sample_rate, message):
    with pytest.raises(ParameterError) as error:
        made().predict(source, sample_rate=sample_rate)
    assert str(error.value) == message


def test_a_file_that_cannot_be_read_raises(tmp_path):
    with pytest.raises(AudioReadError, match="does not exist"):
        made().predict(tmp_path / "none.wav")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ("a",)}, "labels: 1 for num_classes=2; give one for each class"),
        ({"labels": ("a", 1)}, "labels=('a', 1) must be texts, none of them empty"),
        (
            {"net": NetConfig(name="tc_resnet_8", num_classes=2, in_channels=3)},
            "in_channels=3 must be 1, as the front-end gives one channel",
        ),
        ({"labels": ("a", "a")}, "labels: a stand more than once; give each class its own"),
        ({"activation": "relu"}, "activation='relu' must be 'softmax' or 'sigmoid'"),
        ({"window_hop": 0}, "window_hop=0 must be a positive integer of frames"),
        (
            {"net": NetConfig(name="bc_resnet_1", num_classes=2, input_size=(80, None))},
            "input_size=(80, 143): the front-end gives 40 rows; give the net as many, or None",
        ),
    ],
)
def test_parts_that_do_not_fit(changes, message):
    parts = {
        "labels": ("a", "b"),
        "front_end": LogMelConfig(),
        "net": NetConfig(name="tc_resnet_8", num_classes=2),
    }
    with pytest.raises(ParameterError) as error:
        Classifier(ClassifierConfig(**{**parts, **changes}))
    assert str(error.value) == message


def test_the_nets_rows_follow_the_front_end():
    config = ClassifierConfig(
        labels=("a", "b"),
        front_end=LogMelConfig(n_mels=80),
        net=NetConfig(name="bc_resnet_1", num_classes=2),
    )
    classifier = Classifier(config)
    assert classifier.bare_net.rows == 80
    assert classifier.config.net.input_size == (80, 143)


def test_load_rebuilds_from_the_file_alone(tmp_path):
    front_end = LogMelConfig(sample_rate=8000, n_fft=256, win_length=240, hop_length=80, f_max=4000.0)
    net = NetConfig(name="tc_resnet_8", num_classes=2, input_size=(None, 120))
    classifier = Classifier(ClassifierConfig(labels=("لا", "نعم"), front_end=front_end, net=net)).eval()
    classifier.normalize.set_statistics(mean=torch.rand(40), deviation=1 + torch.rand(40))
    path = tmp_path / "model.safetensors"
    classifier.save(path)
    loaded = audiocnn.load(str(path))
    assert loaded.config == classifier.config
    assert not loaded.training
    clip = noise(2.0)
    assert loaded.predict(clip, sample_rate=8000) == classifier.predict(clip, sample_rate=8000)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.safetensors"]


def saved(tmp_path):
    path = tmp_path / "model.safetensors"
    made().save(path)
    return path


def complaint(path):
    with pytest.raises(ModelFileError) as error:
        audiocnn.load(path)
    return str(error.value)


def test_no_such_file(tmp_path):
    path = tmp_path / "none.safetensors"
    assert complaint(path) == f"{path} does not exist; name the .safetensors file of a classifier"
    assert complaint(tmp_path) == f"{tmp_path} is a folder; name the .safetensors file of a classifier"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a pickled checkpoint", b"\xff" * 100])
def test_no_safetensors(tmp_path, content):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    message = complaint(path)
    assert message.startswith(f"{path} is no safetensors file, or a damaged one (")
    assert message.endswith(
        "); a classifier is what Classifier.save or `audiocnn train` wrote, and pickled checkpoints "
        "are never read"
    )


def test_a_truncated_file(tmp_path):
    path = saved(tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    assert "is no safetensors file, or a damaged one" in complaint(path)


def test_a_flipped_bit(tmp_path):
    path = saved(tmp_path)
    content = path.read_bytes()
    in_a_weight = len(content) - 100
    in_a_label = content.index(b"right")
    for i in (in_a_weight, in_a_label):
        path.write_bytes(content[:i] + bytes([content[i] ^ 1]) + content[i + 1 :])
        assert complaint(path) == (
            f"{path} is damaged: its config or its weights are not those that were saved; copy it again"
        )


def test_a_safetensors_file_of_something_else(tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(3)}, path)
    assert complaint(path) == (
        f"{path} is a safetensors file of something else: its header holds no audiocnn config; "
        "build a Classifier, load these tensors into it and save that"
    )


def test_a_newer_format(tmp_path, monkeypatch):
    monkeypatch.setattr(model_file, "FORMAT_VERSION", 3)
    path = saved(tmp_path)
    monkeypatch.undo()
    assert (
        complaint(path) == f"{path} has format 3, and this audiocnn reads up to 2; install a newer audiocnn"
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda config: config.pop("labels"),
        lambda config: config.update(colour="red"),
        lambda config: config["net"].update(name="vgg"),
        lambda config: config["net"].update(name="tc_resnet_14"),
        lambda config: config["front_end"].update(hop_length=-1),
        lambda config: config.update(net=None),
    ],
)
def test_a_config_that_makes_no_classifier(tmp_path, change):
    classifier = made()
    config = asdict(classifier.config)
    change(config)
    path = tmp_path / "model.safetensors"
    model_file.write(path, config=config, tensors=classifier.state_dict())
    message = complaint(path)
    assert message.startswith(f"{path}: the config in its header and its weights do not make a classifier (")
    assert message.endswith("); save it again with the audiocnn that made it")
    assert "\n" not in message


def test_a_config_that_is_a_text(tmp_path):
    classifier, path = made(), tmp_path / "model.safetensors"
    model_file.write(path, config="tc_resnet_8", tensors=classifier.state_dict())
    assert complaint(path) == (
        f"{path}: the config in its header and its weights do not make a classifier (string indices must "
        "be integers, not 'str'); save it again with the audiocnn that made it"
    )


def test_a_config_that_is_no_json(tmp_path, monkeypatch):
    monkeypatch.setattr(model_file.json, "dumps", lambda *_, **__: "{")
    path = saved(tmp_path)
    assert complaint(path) == f"{path} holds a config that is no JSON; save the classifier again"


def test_what_is_loaded_has_the_precision_of_what_was_saved(tmp_path):
    classifier = made().double()
    classifier.save(tmp_path / "model.safetensors")
    loaded = audiocnn.load(tmp_path / "model.safetensors")
    clip = noise(2.0).double()[None]
    assert torch.equal(loaded(clip), classifier(clip))
    assert loaded(clip).dtype == torch.float64


def test_modes_are_restored_one_by_one():
    classifier = made().train()
    classifier.net.body.eval()
    before = [module.training for module in classifier.modules()]
    classifier.predict(noise(1.0), sample_rate=RATE)
    assert [module.training for module in classifier.modules()] == before


def test_others_may_read_what_is_saved(tmp_path):
    (tmp_path / "plain").write_text("")
    assert saved(tmp_path).stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = saved(tmp_path)
    before = path.read_bytes()
    monkeypatch.setattr("pathlib.Path.write_bytes", full_disk)
    with pytest.raises(OSError, match="No space left"):
        made().save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["model.safetensors"]


def full_disk(path, data):
    with path.open("wb") as file:
        file.write(data[:10])
    raise OSError("No space left on device")


def test_nothing_is_unpickled(tmp_path):
    path = tmp_path / "model.safetensors"
    torch.save({"weights": torch.zeros(3)}, path)
    assert "pickled checkpoints are never read" in complaint(path)


def test_a_spotter_comes_with_the_package():
    espeak = pytest.importorskip("audiocnn.data.espeak")
    pytest.importorskip("espeakng_loader")
    spotter = audiocnn.load("demo")
    assert spotter.config.net.name == "bc_resnet_1" and len(spotter.labels) == 12
    words = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
    right = 0
    for word in words:
        waveform, rate = espeak.synthesize(word, voice=espeak.Voice("en-us", "f3"))
        right += spotter.predict(waveform, sample_rate=rate).label == word
    assert right >= 9
    assert spotter.predict(torch.zeros(RATE), sample_rate=RATE).label == "silence"

"""From samples to events: a scan, a listener fed chunks of any size, and windows give the same events."""

import laws
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn import Classifier, ClassifierConfig
from audiocnn.events import EventConfig, find_events
from audiocnn.frontends import LogMelConfig, SamplesConfig
from audiocnn.models import AUDIO_MODELS, MODELS, NetConfig
from audiocnn.score_track import scan
from audiocnn.stream import Listener

LABELS = ("high", "low", "other")
FURTHER = 45  # decisions behind the first


def small_classifier(name, monkeypatch):
    """With the net that the laws are put to, its weights and statistics drawn.

    In float64, as `spread` stretches what fresh weights make of noise by up to a million.
    """
    (case,) = (case for case in laws.NETS if case.name == name)
    net = case.module(torch.float64)
    monkeypatch.setitem(MODELS, name, laws.NARROW.get(name, MODELS[name]))
    front_end = SamplesConfig() if net.rows == 1 else LogMelConfig(n_mels=net.rows)
    config = NetConfig(name=name, num_classes=len(LABELS), input_size=(net.rows, None), padding="valid")
    classifier = Classifier(ClassifierConfig(labels=LABELS, front_end=front_end, net=config)).eval()
    classifier.bare_net.load_state_dict(net.state_dict())
    return classifier.double()


def recording(samples):
    """Noise whose loudness changes all the time."""
    generator = torch.Generator().manual_seed(3)
    loudness = torch.randn(samples // 2000 + 2, generator=generator).repeat_interleave(2000)[:samples]
    return 0.1 * loudness.exp() * torch.randn(samples, generator=generator)


def spread(classifier, samples):
    """Move and stretch the logits until the scores of each class go from one side to the other."""
    logits = classifier(samples[None].double())[0]
    last = [layer for layer in classifier.bare_net.modules() if getattr(layer, "out_channels", 0) == 3][-1]
    stretch = 2 / logits.std(dim=1).mean()
    last.weight.mul_(stretch)
    last.bias.copy_((last.bias - logits.mean(dim=1)) * stretch)


def between(scores, low, high):
    """A threshold in the widest gap of a part of the scores: no rounding takes one across it."""
    ordered = scores.sort().values[round(low * len(scores)) : round(high * len(scores))]
    widest = ordered.diff().argmax()
    assert ordered.diff()[widest] > 4e-5
    return float(ordered[widest : widest + 2].mean())


def assert_same_events(ours, expected):
    assert [event.label for event in ours] == [event.label for event in expected]
    for one, other in zip(ours, expected, strict=True):
        assert one.peak_score == pytest.approx(other.peak_score, abs=1e-5)
        for name in ("onset", "offset", "known"):
            assert getattr(one, name) == pytest.approx(getattr(other, name))


@pytest.mark.parametrize("name", AUDIO_MODELS)
def test_scan_listener_and_windows_give_the_same_events(name, monkeypatch):
    with torch.inference_mode():
        classifier = small_classifier(name, monkeypatch)
        geometry = classifier.geometry
        samples = recording(geometry.input_length(FURTHER) + geometry.stride // 3)
        spread(classifier, samples)
        windows = samples.unfold(0, geometry.span, geometry.stride)
        alone = classifier.probabilities(torch.cat([classifier(window[None]) for window in windows], dim=2))[
            0
        ]
    on, off = (
        {label: between(scores, low, low + 0.4) for label, scores in zip(LABELS, alone, strict=True)}
        for low in (0.5, 0.1)
    )
    config = EventConfig(on=on, off=off)
    track = scan(classifier, samples)
    torch.testing.assert_close(track.scores, alone, rtol=0, atol=1e-5)
    expected = find_events(alone, LABELS, config, track.clock)
    assert len(expected) >= 3
    assert_same_events(find_events(track.scores, LABELS, config, track.clock), expected)

    @settings(max_examples=4, deadline=None, derandomize=True, database=None)
    @given(cuts=st.lists(st.integers(0, len(samples)), max_size=25))
    def listen(cuts):
        listener = Listener(classifier, events=config)
        found = [
            event for chunk in samples.tensor_split(sorted(cuts)) for event in listener.hear(chunk).events
        ]
        found += listener.finish().events
        assert_same_events(sorted(found, key=lambda event: (event.onset, event.label)), expected)

    listen()

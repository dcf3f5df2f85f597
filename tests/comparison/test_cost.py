"""What a net costs, against what is known of it."""

import json
from itertools import count

import pytest
import torch

from audiocnn.audio_task import fresh_classifier
from audiocnn.comparison import cost
from audiocnn.comparison.cost import clip_milliseconds, cost_of, machine_name
from audiocnn.config import TrainConfig
from audiocnn.frontends import LogMelConfig
from audiocnn.frontends.kinds import config_as_dict


def build(model, *, num_classes, **settings):
    config = TrainConfig(data=".", out=".", model=model, **settings)
    return fresh_classifier(config, [str(i) for i in range(num_classes)])


@pytest.mark.parametrize(
    ("padding", "span_ms", "delay_ms"), [("valid", 1450.0, 225.0), ("same", 1000.0, 0.0)]
)
def test_the_delay_is_what_of_the_window_follows_the_recording(padding, span_ms, delay_ms):
    found = cost_of(build("bc_resnet_1", padding=padding, front_end="logmel", num_classes=12))
    assert (found.parameters, found.span_ms, found.delay_ms) == (9232, span_ms, delay_ms)


def test_a_longer_recording_has_less_of_the_window_after_it():
    classifier = build("bc_resnet_1", padding="valid", front_end="logmel", num_classes=12)
    assert cost_of(classifier, clip_seconds=1.25).delay_ms == 100.0
    assert cost_of(classifier, clip_seconds=2.0).delay_ms == 0.0


def test_what_the_front_end_hears_after_a_frame_is_waited_for_too(tmp_path):
    config = LogMelConfig(deltas=1, delta_width=9)  # 4 frames of 10 ms on either side
    file = tmp_path / "front_end.json"
    file.write_text(json.dumps(config_as_dict(config)))
    found = cost_of(build("bc_resnet_1", padding="valid", front_end=str(file), num_classes=12))
    assert found.delay_ms == 225.0 + 40.0


def test_a_front_end_that_learns_counts():
    fixed, learnt = (
        cost_of(build("tc_resnet_8", padding="valid", front_end=front_end, num_classes=12)).parameters
        for front_end in ("logmel", "learnable_mel")
    )
    assert learnt - fixed == 40 * 257  # the weights of 40 filters over the bins of the spectrum


def test_the_reference_takes_turns_at_its_own_rate():
    """The net reads samples at 8 kHz; what is compared with it hears the same recordings at 16 kHz."""
    classifier = build("m5", padding="same", front_end="samples", num_classes=2)
    assert min(clip_milliseconds(classifier, [torch.zeros(8000)] * 2)) > 0


def test_the_best_pass_counts_on_one_thread(monkeypatch):
    """Looks at the clock lie 1, 3, 5, 7, ... seconds apart: two recordings take 1 second, then 5."""
    classifier = build("tc_resnet_8", padding="valid", front_end="logmel", num_classes=2)
    monkeypatch.setattr(cost.time, "process_time", (look**2 for look in count()).__next__)
    seen, threads = set(), torch.get_num_threads()
    classifier.net.register_forward_hook(lambda *_: seen.add(torch.get_num_threads()))
    torch.set_num_threads(3)
    try:
        assert clip_milliseconds(classifier, [torch.zeros(16000)] * 2) == (500.0, 2500.0)
        assert seen == {1} and torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)


def test_the_machine_has_a_name():
    name, cores = machine_name().rsplit(", ", 1)
    assert name and int(cores.removesuffix(" cores")) >= 1


def test_a_window_of_its_own():
    found = cost_of(build("ds_cnn_s", padding="same", front_end="tensorflow_kws", window=49, num_classes=12))
    assert (found.parameters, found.macs, found.span_ms) == (23_180, 2_656_768, 1000.0)

"""What a classifier was tuned to is kept with it, and is what listens by default."""

import json
from dataclasses import replace

import pytest
import safetensors
import torch

import audiocnn
from audiocnn.classifier_config import config_as_dict, config_from
from audiocnn.errors import ParameterError
from audiocnn.events import EventConfig
from audiocnn.stream import Listener

EVENTS = EventConfig(
    on={"yes": 0.8123456789012345, "no": 0.6},
    off={"yes": 0.25},
    smoothing="median",
    smoothing_seconds=0.1,
    merge_seconds=0.2,
    min_seconds=0.05,
    refractory_seconds=0.7,
    ignore=("no",),
)


@pytest.fixture
def demo():
    return audiocnn.load("demo")


def header(path):
    with safetensors.safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["config"])


def test_events_are_read_as_they_were_written(demo, tmp_path):
    tuned = replace(demo.config, events=EVENTS, hop_seconds=0.02)
    assert config_from(json.loads(json.dumps(config_as_dict(tuned)))) == tuned
    demo.config = tuned
    demo.save(tmp_path / "tuned.safetensors")
    loaded = audiocnn.load(tmp_path / "tuned.safetensors")
    assert loaded.config == tuned
    noise = torch.randn(3, 16000)
    assert torch.equal(loaded.score_clips(list(noise)), demo.score_clips(list(noise)))


def test_a_classifier_that_was_not_tuned_is_written_as_before(demo, tmp_path):
    assert demo.config.events is None and demo.config.hop_seconds is None
    demo.save(tmp_path / "demo.safetensors")
    assert not {"events", "hop_seconds"} & header(tmp_path / "demo.safetensors").keys()
    assert audiocnn.load(tmp_path / "demo.safetensors").config == demo.config


def test_a_listener_takes_what_was_tuned_unless_it_is_told(demo):
    samples = 0.1 * torch.randn(32000, generator=torch.Generator().manual_seed(0))

    def heard(**options):
        listener = Listener(demo, **options)
        parts = [listener.hear(samples), listener.finish()]
        return [event for part in parts for event in part.events], parts[0].track.clock.hop_seconds

    events = EventConfig(on={"silence": 0.3}, smoothing_seconds=0.1)
    assert heard()[1] == 0.01
    told = heard(events=events, hop_seconds=0.02)
    assert told[0] and told[1] == 0.02
    untold = heard()
    demo.config = replace(demo.config, events=events, hop_seconds=0.02)
    assert heard() == told
    assert heard(events=EventConfig(), hop_seconds=0.01) == untold


def test_its_page_says_what_was_tuned(demo):
    assert audiocnn.describe(demo).events is None
    demo.config = replace(demo.config, events=EVENTS, hop_seconds=0.02)
    assert audiocnn.describe(demo).events == (
        "yes from 0.812346, no from 0.6; the median of 100 ms; one across gaps of 200 ms; at least 50 ms; "
        "refractory for 700 ms; a decision every 20 ms"
    )
    demo.config = replace(demo.config, events=EventConfig(on=0.75))
    assert audiocnn.describe(demo).events == "all from 0.75; a decision every 20 ms"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"events": EventConfig(on={"jump": 0.5})},
            (
                "on names 'jump', which is not among down, go, left, no, off, on, right, silence, stop, "
                "unknown, up, yes"
            ),
        ),
        (
            {"events": EventConfig(on={"yes": 0.5}, off=0.6)},
            "off=0.6 must be at most on=0.5, for 'yes' too; leave it out",
        ),
        ({"hop_seconds": 0.0}, "hop_seconds=0.0 must be positive; 0.01 is usual"),
    ],
)
def test_what_no_track_could_be_listened_to_with_is_refused(changes, message, demo):
    with pytest.raises(ParameterError) as caught:
        replace(demo.config, **changes)
    assert str(caught.value) == message

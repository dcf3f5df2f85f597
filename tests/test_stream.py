"""A listener hears what a scan of the whole recording gives, chunk by chunk, and stumbles over nothing."""

import logging

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import classifier

from audiocnn.classifier import Classifier
from audiocnn.errors import ParameterError
from audiocnn.events import EventConfig, find_events
from audiocnn.resampling import resample
from audiocnn.score_track import scan
from audiocnn.stream import Listener

NOISE = 0.1 * torch.randn(64000, generator=torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def net():
    return classifier("tc_resnet_8", "valid").eval()


def hear(listener, samples, cuts):
    """What comes of samples in chunks, all together: scores, the middles of decisions, events."""
    bounds = sorted({0, samples.shape[-1], *(min(cut, samples.shape[-1]) for cut in cuts)})
    heard = [listener.hear(samples[..., a:b]) for a, b in zip(bounds, bounds[1:], strict=False)]
    return together([*heard, listener.finish()])


def together(heard):
    scores = torch.cat([one.track.scores for one in heard], dim=1)
    seconds = [second for one in heard for second in one.track.seconds]
    return scores, seconds, [event for one in heard for event in one.events]


def config_for(scores):
    """Thresholds in the midst of the scores, so that there are events."""
    middle = scores.mean(dim=1).tolist()
    names = ("left", "right", "other")
    return EventConfig(on=dict(zip(names, middle, strict=True)), smoothing_seconds=0.2, merge_seconds=0.1)


@settings(max_examples=20, deadline=None)
@given(
    cuts=st.lists(st.integers(0, 64000), max_size=12),
    rate=st.sampled_from([16000, 44100, 8000]),
    past=st.sampled_from(["unheard", "silence"]),
)
def test_chunks_give_what_the_whole_gives(net, cuts, rate, past):
    edges = "silence" if past == "silence" else "inside"
    whole = scan(net, resample(NOISE, rate, 16000), hop_seconds=0.04, edges=edges)
    config = config_for(whole.scores)
    listener = Listener(net, sample_rate=rate, hop_seconds=0.04, past=past, events=config)
    scores, seconds, events = hear(listener, NOISE, cuts)
    torch.testing.assert_close(scores, whole.scores, rtol=0, atol=1e-5)
    assert seconds == pytest.approx(list(whole.seconds))
    # of the very scores that were heard, since one close to a threshold may fall either way
    expected = find_events(scores.double().numpy(), net.labels, config, whole.clock)
    assert [(e.label, e.onset, e.offset) for e in sorted(events, key=lambda e: (e.onset, e.label))] == [
        (e.label, pytest.approx(e.onset), pytest.approx(e.offset)) for e in expected
    ]
    assert len(expected) > 2


def test_the_start_claims_nothing_that_was_not_heard(net):
    listener = Listener(net)
    window = net.window
    assert listener.hear(NOISE[: window - 1]).track.scores.shape == (3, 0)
    heard = listener.hear(NOISE[window - 1 : window])
    assert heard.track.scores.shape == (3, 1)
    assert heard.track.seconds == pytest.approx([window / 2 / 16000])
    silent = Listener(net, past="silence")
    heard = silent.hear(NOISE[: window - window // 2 // 1280 * 1280])  # 9 hops of silence before
    assert heard.track.seconds == pytest.approx([(window / 2 - 9 * 1280) / 16000])


def test_a_gap_cuts_the_stream_in_two(net):
    config = EventConfig(on=0.0)  # always
    listener = Listener(net, hop_seconds=0.08, events=config)
    first = listener.hear(NOISE[:30000])
    gap = listener.skip(0.5)
    assert listener.seconds == 30000 / 16000 + 0.5
    second = [listener.hear(NOISE[30000:]), listener.finish()]
    alone = [scan(net, part, hop_seconds=0.08) for part in (NOISE[:30000], NOISE[30000:])]
    scores, seconds, events = together([first, gap, *second])
    torch.testing.assert_close(scores, torch.cat([one.scores for one in alone], dim=1), rtol=0, atol=1e-5)
    assert seconds == pytest.approx([*alone[0].seconds, *(alone[1].seconds + 30000 / 16000 + 0.5)])
    assert len(gap.events) == 3  # all labels end with what was heard before it
    half = 0.04
    ends = [(event.onset, event.offset) for event in events if event.label == "left"]
    assert ends == [
        (pytest.approx(alone[0].seconds[0] - half), pytest.approx(alone[0].seconds[-1] + half)),
        (
            pytest.approx(alone[1].seconds[0] + 2.375 - half),
            pytest.approx(alone[1].seconds[-1] + 2.375 + half),
        ),
    ]


def test_another_rate_is_a_new_beginning_and_time_goes_on(net):
    listener = Listener(net, sample_rate=24000, hop_seconds=0.08)
    first = listener.hear(NOISE[:60000])
    change = listener.change_rate(16000)
    assert listener.seconds == 2.5
    second = [listener.hear(NOISE[:40000]), listener.finish()]
    assert listener.seconds == 2.5 + 2.5
    before, after = Listener(net, sample_rate=24000, hop_seconds=0.08), Listener(net, hop_seconds=0.08)
    expected = together([before.hear(NOISE[:60000]), before.finish()])
    assert torch.equal(together([first, change])[0], expected[0])
    expected = together([after.hear(NOISE[:40000]), after.finish()])
    scores, seconds, _ = together(second)
    assert torch.equal(scores, expected[0])
    assert seconds == pytest.approx([second + 2.5 for second in expected[1]])


def test_a_rate_that_cannot_be_is_refused_and_the_stream_goes_on(net):
    listener, other = Listener(net), Listener(net)
    listener.hear(NOISE[:20000])
    with pytest.raises(ParameterError, match="^sample_rate=0 "):
        listener.change_rate(0)
    other.hear(NOISE[:20000])
    assert torch.equal(
        listener.hear(NOISE[20000:40000]).track.scores, other.hear(NOISE[20000:40000]).track.scores
    )


def test_values_that_are_no_numbers_are_a_gap(net, caplog):
    bad = NOISE[30000:34000].clone()
    bad[7] = torch.nan
    listener, other = Listener(net), Listener(net)
    with caplog.at_level(logging.WARNING):
        heard = [listener.hear(NOISE[:30000]), listener.hear(bad), listener.hear(NOISE[34000:])]
    assert caplog.messages == ["0.250 s of the stream, from 1.875 s on, are not finite: taken for a gap"]
    expected = [other.hear(NOISE[:30000]), other.skip(0.25), other.hear(NOISE[34000:])]
    for one, two in zip(heard, expected, strict=True):
        assert torch.equal(one.track.scores, two.track.scores)
        assert one.track.clock == two.track.clock and one.events == two.events


def test_a_chunk_that_is_refused_changes_nothing(net):
    listener, other = Listener(net, channels=2), Listener(net, channels=2)
    stereo = torch.stack((NOISE, NOISE.flip(0)))
    listener.hear(stereo[:, :20000])
    other.hear(stereo[:, :20000])
    for chunk, message in (
        (NOISE[:10], "a chunk of shape (10,) must be (2, time), as channels=2 says"),
        (torch.zeros(3, 10), "a chunk of shape (3, 10) must be (2, time), as channels=2 says"),
        (
            torch.zeros(2, 10, dtype=torch.int16),
            "a chunk of torch.int16 must be floating point on unit scale; divide 16-bit samples by 32768",
        ),
    ):
        with pytest.raises(ParameterError) as caught:
            listener.hear(chunk)
        assert str(caught.value) == message
    heard, expected = listener.hear(stereo[:, 20000:]), other.hear(stereo[:, 20000:])
    assert torch.equal(heard.track.scores, expected.track.scores) and heard.track.scores.shape[1] > 0


def test_a_finished_stream_is_over_until_it_is_reset(net):
    listener = Listener(net, sample_rate=48000)
    first = hear(listener, NOISE, [5000])
    again = listener.finish()
    assert again.track.scores.shape == (3, 0) and again.events == []
    with pytest.raises(ParameterError, match="the stream is finished; reset the listener to hear another"):
        listener.hear(NOISE)
    listener.reset()
    second = hear(listener, NOISE, [5000])
    assert torch.equal(first[0], second[0]) and first[1] == second[1]


def test_nothing_heard_is_no_silence(net):
    listener = Listener(net, past="silence", sample_rate=8000)
    assert listener.skip(1.0).track.scores.shape == (3, 0)
    assert listener.finish().track.scores.shape == (3, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"past": "noise"}, "past='noise' must be 'unheard' or 'silence'"),
        ({"channels": 0}, "channels=0 must be a positive integer, or None for chunks (time,)"),
        (
            {"sample_rate": -1},
            "sample_rate=-1 must be a positive integer of samples a second, such as 16000",
        ),
        (
            {"sample_rate": 0},
            "sample_rate=0 must be a positive integer of samples a second, such as 16000",
        ),
        (
            {"compiled_chunk": 1600},
            "compiled_chunk=1600 must be a multiple of the hop, 1280 samples",
        ),
    ],
)
def test_what_cannot_work_is_said(net, options, message):
    with pytest.raises(ParameterError) as caught:
        Listener(net, **options)
    assert str(caught.value) == message
    with pytest.raises(ParameterError, match="seconds=-1.0 of a gap must be 0 or more"):
        Listener(net).skip(-1.0)


def test_a_gap_without_end_is_none(net):
    with pytest.raises(ParameterError, match="seconds=inf of a gap must be 0 or more, and finite"):
        Listener(net).skip(float("inf"))


def test_a_stream_of_another_rate_may_be_refused(net):
    strict = Classifier(net.config, resample=False)
    with pytest.raises(
        ParameterError, match="the stream has 8000 samples a second, and the classifier, which"
    ):
        Listener(strict, sample_rate=8000)

"""A long recording scored all along has the scores of its windows, at every hop, however it is cut."""

import math

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import classifier

from audiocnn.audio import read
from audiocnn.errors import ParameterError
from audiocnn.score_track import Scanner, scan, scan_blocks

SECONDS = 4
NOISE = 0.1 * torch.randn(2, SECONDS * 16000, generator=torch.Generator().manual_seed(1))


def windows_by_themselves(net, samples, hop):
    """The scores of every window, each given alone, `(num_classes, decisions)`."""
    span = net.geometry.span
    silent = samples.new_zeros(0)
    before, after = (silent.new_zeros(n) for n in net.front_end.context)
    samples = torch.cat((before, samples, after))
    with torch.inference_mode():
        logits = [net(samples[None, i : i + span])[0, :, 0] for i in range(0, len(samples) - span + 1, hop)]
    return net.probabilities(torch.stack(logits)).T


def assert_close(a, b):
    assert a.shape == b.shape
    torch.testing.assert_close(a, b, rtol=0, atol=1e-5)


# hops in samples: a net's own, finer ones - of whole frames, and of less - and coarser ones
@pytest.mark.parametrize(
    ("name", "padding", "hops"),
    [
        ("bc_resnet_1", "valid", (160, 80, 320, 1600)),
        ("tc_resnet_8", "valid", (1280, 160, 320, 640, 2560)),
        ("cnn_trad_fpool3", "valid", (640, 320, 128, 1920)),
        ("mdtc_small", "valid", (160, 480)),
        ("tc_resnet_8", "same", (1600, 160, 320, 80)),
        ("resnet18", "same", (1600, 800)),
    ],
)
def test_every_hop_gives_the_scores_of_the_windows(name, padding, hops):
    net = classifier(name, padding).eval()
    samples = NOISE[0, : net.geometry.span + 4000]
    for hop in hops:
        track = scan(net, samples, hop_seconds=hop / 16000)
        assert_close(track.scores, windows_by_themselves(net, samples, hop))
        assert track.clock.hop_seconds == hop / 16000
        assert track.seconds[0] == pytest.approx(net.window / 2 / 16000)


@settings(max_examples=25, deadline=None)
@given(
    cuts=st.lists(st.integers(0, NOISE.shape[1]), max_size=12),
    hop=st.sampled_from([320, 1280, 3840]),
    edges=st.sampled_from(["inside", "silence"]),
)
def test_however_samples_are_cut_the_scores_are_the_same(cuts, hop, edges):
    net = classifier("tc_resnet_8", "valid").eval()
    whole = scan(net, NOISE[0], hop_seconds=hop / 16000, edges=edges)
    scanner = Scanner(net, hop_seconds=hop / 16000, edges=edges)
    bounds = sorted({0, NOISE.shape[1], *cuts})
    pieces = [scanner.push(NOISE[0, a:b]) for a, b in zip(bounds, bounds[1:], strict=False)]
    assert_close(torch.cat([*pieces, scanner.flush(NOISE[0])], dim=1), whole.scores)
    assert scanner.clock == whole.clock


def test_channels_are_scored_each_by_itself():
    net = classifier("bc_resnet_1", "valid").eval()
    both = scan(net, NOISE, hop_seconds=0.04)
    for i in (0, 1):
        assert_close(both.scores[i], scan(net, NOISE[i], hop_seconds=0.04).scores)


def test_with_silence_around_every_sample_is_in_the_middle_of_a_decision():
    net = classifier("bc_resnet_1", "valid").eval()
    clip = NOISE[0, : 59 * 160]  # shorter than the window
    assert scan(net, clip).scores.shape[1] == 0
    track = scan(net, clip, edges="silence")
    assert track.seconds == pytest.approx([0.005 + i * 0.01 for i in range(59)])
    # the decision in its middle is what the clip is given by itself
    assert_close(track.scores[:, 29], net.score_clips([clip])[0])
    inside, around = scan(net, NOISE[0]), scan(net, NOISE[0], edges="silence")
    first = round((inside.seconds[0] - around.seconds[0]) / 0.01)
    assert_close(around.scores[:, first:][:, : inside.scores.shape[1]], inside.scores)


def test_files_are_read_in_blocks(tmp_path):
    net = classifier("bc_resnet_1", "valid").eval()
    path = tmp_path / "long.wav"
    long = 0.1 * torch.randn(45 * 8000, 2, generator=torch.Generator().manual_seed(2))
    soundfile.write(path, long.numpy(), 8000)
    pieces = list(scan_blocks(net, path, hop_seconds=0.1))
    assert len(pieces) > 2
    samples = read(path, sample_rate=16000).waveform
    whole = scan(net, samples, hop_seconds=0.1)
    assert_close(torch.cat([piece.scores for piece in pieces], dim=1), whole.scores)
    assert np.concatenate([piece.seconds for piece in pieces]) == pytest.approx(whole.seconds)
    assert scan(net, path, hop_seconds=0.1, mono=False).scores.shape == (2, *whole.scores.shape)


def test_a_scanner_begins_anew():
    net = classifier("bc_resnet_1", "valid").eval()
    scanner = Scanner(net, edges="silence")
    first = scanner.push(NOISE[0])
    scanner.reset()
    assert torch.equal(scanner.push(NOISE[0]), first)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"hop_seconds": 0.015},
            (
                "hop_seconds=0.015 must be a multiple or a whole part of the net's own hop, 0.08 s, such as "
                "0.16 or 0.04"
            ),
        ),
        ({"hop_seconds": 0.0}, "hop_seconds=0.0 must be at least a sample, 1/16000 s, and finite"),
        ({"hop_seconds": math.nan}, "hop_seconds=nan must be at least a sample, 1/16000 s, and finite"),
        ({"hop_seconds": math.inf}, "hop_seconds=inf must be at least a sample, 1/16000 s, and finite"),
        ({"edges": "mirror"}, "edges='mirror' must be 'inside' or 'silence'"),
    ],
)
def test_what_cannot_work_is_said(options, message):
    with pytest.raises(ParameterError) as caught:
        scan(classifier("tc_resnet_8", "valid"), NOISE[0], **options)
    assert str(caught.value) == message


@pytest.mark.parametrize("source", [(), torch.zeros(0), [torch.zeros(2, 0)] * 3])
def test_nothing_is_no_recording(source):
    with pytest.raises(ParameterError, match="source holds no samples; give at least one"):
        scan(classifier("tc_resnet_8", "valid"), source)


@pytest.mark.filterwarnings("ignore:Torchinductor does not support code generation for complex operators")
def test_a_compiled_step_gives_the_same_scores():
    net = classifier("tdnn_waibel", "valid").eval()
    eager, compiled = Scanner(net), Scanner(net, compiled_chunk=320)
    pieces = [*NOISE[0, : 80 * 320].split(320), NOISE[0, :100], NOISE[0, :320]]
    for piece in pieces:
        assert_close(compiled.push(piece), eager.push(piece))


def test_what_is_compiled_for_is_a_multiple_of_the_hop():
    with pytest.raises(ParameterError) as caught:
        Scanner(classifier("tc_resnet_8", "valid"), compiled_chunk=1600)
    assert str(caught.value) == "compiled_chunk=1600 must be a multiple of the hop, 1280 samples"

"""Batches: every recording once an epoch, at a speed and place that seed and epoch alone decide."""

import pytest
import torch

from audiocnn.augment.waveform import change_speed
from audiocnn.data.batches import Batches, epoch_generator
from audiocnn.data.corpus import Corpus
from audiocnn.errors import ParameterError

LENGTHS = (700, 1000, 400, 1000, 1300, 900, 1000)


@pytest.fixture
def corpus():
    """Recordings that each hold one value alone, of 0.1, 0.2, ..."""
    lengths = torch.tensor(LENGTHS)
    values = torch.arange(1, len(lengths) + 1) * 3277
    return Corpus(
        samples=values.repeat_interleave(lengths).to(torch.int16),
        offsets=lengths.cumsum(0) - lengths,
        lengths=lengths,
        targets=torch.arange(len(lengths)),
        labels=tuple("abcdefg"),
        sample_rate=16000,
    )


def batches_of(corpus, **changes):
    return Batches(corpus, **{"window": 1200, "batch_size": 3, "seed": 0, **changes})


def test_evaluation_holds_every_recording_once_in_order(corpus):
    batches = batches_of(corpus, seed=None)
    seen = list(batches)
    assert len(seen) == len(batches) == 3 and len(seen[-1][0]) == 1
    assert torch.equal(torch.cat([targets for _, targets in seen]), corpus.targets)
    again = list(batches)
    assert all(torch.equal(a[0], b[0]) for a, b in zip(seen, again, strict=True))


def test_training_leaves_out_what_does_not_fill_a_batch(corpus):
    batches = batches_of(corpus)
    targets = torch.cat([targets for _, targets in batches])
    assert len(batches) == 2 and len(targets) == 6 == len(targets.unique())


@pytest.mark.parametrize("speed_percents", [(100,), (80, 100, 125)])
def test_rows_belong_to_their_targets(corpus, speed_percents):
    for waveforms, targets in batches_of(corpus, speed_percents=speed_percents):
        assert waveforms.shape == (3, 1200)
        level = waveforms.quantile(0.85, dim=1)  # a quarter of each row at least is its recording
        torch.testing.assert_close(level, (targets + 1) * 3277 / 32768, rtol=0.02, atol=0.0)


def test_a_slower_recording_is_longer(corpus):
    for percent in (80, 125):
        for waveforms, targets in batches_of(corpus, speed_percents=(percent,)):
            heard = (waveforms > 0.5 * waveforms.amax(dim=1, keepdim=True)).sum(dim=1)
            expected = (corpus.lengths[targets] * 100 / percent).clamp(max=1200)
            assert (heard - expected).abs().max() <= 2


def test_epochs_differ_and_hang_on_seed_and_number_alone(corpus):
    batches = batches_of(corpus, speed_percents=(90, 100), max_shift=50)
    epochs = [torch.cat([waveforms for waveforms, _ in batches]) for _ in range(3)]
    assert batches.epoch == 3
    assert not torch.equal(epochs[0], epochs[1])
    later = batches_of(corpus, speed_percents=(90, 100), max_shift=50)
    later.epoch = 2
    assert torch.equal(torch.cat([waveforms for waveforms, _ in later]), epochs[2])
    other = torch.cat([w for w, _ in batches_of(corpus, speed_percents=(90, 100), max_shift=50, seed=1)])
    assert not torch.equal(other, epochs[0])


@pytest.mark.parametrize("percent", [80, 100, 125])
def test_a_recording_lies_no_farther_off_the_middle_than_is_asked_for(corpus, percent):
    off = []
    for _ in range(20):
        for waveforms, _targets in batches_of(corpus, window=3000, speed_percents=(percent,), max_offset=40):
            is_heard = waveforms > 0.5 * waveforms.amax(dim=1, keepdim=True)
            first, last = is_heard.int().argmax(dim=1), 2999 - is_heard.flip(1).int().argmax(dim=1)
            off += ((first + last - 2999) / 2).tolist()
    assert 30 < max(map(abs, off)) <= 43


def test_a_batch_is_never_larger_than_the_corpus(corpus):
    assert [len(targets) for _, targets in batches_of(corpus, batch_size=100)] == [7]


def test_draws_differ_by_seed_epoch_and_purpose():
    drawn = {
        int(torch.randint(2**60, (), generator=epoch_generator(seed, epoch, purpose)))
        for seed in (0, 1)
        for epoch in (0, 1)
        for purpose in ("order", "noise")
    }
    assert len(drawn) == 8


def test_without_a_speed_there_is_nothing_to_draw(corpus):
    with pytest.raises(ParameterError) as error:
        batches_of(corpus, speed_percents=())
    assert str(error.value) == "speed_percents=() holds no speed; (100,) is the recording's own"


def test_the_speed_is_that_of_change_speed(corpus):
    waveforms, targets = next(iter(batches_of(corpus, window=2000, speed_percents=(80,))))
    for row, target in zip(waveforms, targets.tolist(), strict=True):
        whole = change_speed(corpus.windows(torch.tensor([target]), LENGTHS[target]), 80)
        assert abs(float(row.sum() / whole.sum()) - 1) < 1e-3


def test_batches_are_made_where_the_samples_are(corpus):
    # the meta device, which every machine has, refuses to meet tensors of the CPU as a GPU does
    for waveforms, targets in batches_of(corpus.to("meta"), speed_percents=(80, 100), max_shift=50):
        assert waveforms.device.type == targets.device.type == "meta"
        assert waveforms.shape == (3, 1200)

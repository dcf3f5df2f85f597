"""Recordings a second in training, beside the loop one would write with torch and torchaudio.

    python tests/benchmarks/train_throughput.py [--models tc_resnet_8 bc_resnet_1] [--steps 10] [--rounds 15]

Both train the same net with the same weights, on the same recordings held in memory, in batches of the same
size and with the same augmentations: gain, SpecAugment, mixup. The plain loop holds its recordings as
float32, already padded, and uses torchaudio's mel spectrogram and masks and stock layers; that these give
our net's logits is checked first. One thread; the two take turns, and the best round of each counts.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
import torchaudio
from plain_nets import PLAIN_NETS
from torch import Tensor, nn

from audiocnn import Classifier, ClassifierConfig
from audiocnn.config import TrainConfig
from audiocnn.data.batches import Batches, epoch_generator
from audiocnn.data.corpus import Corpus
from audiocnn.data.statistics import feature_statistics
from audiocnn.frontends import LogMelConfig
from audiocnn.loss import training_loss
from audiocnn.models import NetConfig
from audiocnn.schedule import LearningRate, make_optimizer

LABELS = tuple(f"word {i}" for i in range(12))
RATE = 16000
CONFIG = TrainConfig(data=Path(), out=Path(), speed_percents=(100,))


def make_corpus(clips: int) -> Corpus:
    """Noise of one second a clip: what it holds does not matter to the time it takes."""
    generator = torch.Generator().manual_seed(0)
    samples = torch.randint(-8192, 8192, (clips * RATE,), generator=generator, dtype=torch.int16)
    return Corpus(
        samples=samples,
        offsets=torch.arange(clips) * RATE,
        lengths=torch.full((clips,), RATE),
        targets=torch.randint(len(LABELS), (clips,), generator=generator),
        labels=LABELS,
        sample_rate=RATE,
    )


class PlainTraining:
    """The plain loop, some steps at a time."""

    def __init__(self, net: nn.Module, corpus: Corpus, classifier: Classifier) -> None:
        self.net = net
        window = classifier.geometry.span
        self.waveforms = corpus.windows(torch.arange(len(corpus)), window)
        self.targets = corpus.targets
        self.mel = torchaudio.transforms.MelSpectrogram(
            RATE, n_fft=512, win_length=480, hop_length=160, n_mels=40, center=False
        )
        self.masks = nn.Sequential(
            *(
                torchaudio.transforms.FrequencyMasking(CONFIG.max_freq_width, iid_masks=True)
                for _ in range(2)
            ),
            *(torchaudio.transforms.TimeMasking(CONFIG.max_time_width, iid_masks=True) for _ in range(2)),
        )
        self.mean, self.deviation = classifier.normalize.mean, classifier.normalize.deviation
        self.optimizer = torch.optim.AdamW(net.parameters(), lr=CONFIG.learning_rate)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, 0.01, total_steps=100_000)
        self.share = torch.distributions.Beta(CONFIG.mixup_alpha, CONFIG.mixup_alpha)

    def features(self, waveforms: Tensor) -> Tensor:
        """Normalised log-mel `(batch, 1, 40, frames)`."""
        log_mel = (self.mel(waveforms) + 1e-6).log()[:, None]
        return (log_mel - self.mean[:, None]) / self.deviation[:, None]

    def train(self, steps: int) -> None:
        """So many steps on shuffled recordings."""
        order = torch.randperm(len(self.waveforms))
        for indices in order.split(CONFIG.batch_size)[:steps]:
            waveforms, targets = self.waveforms[indices], self.targets[indices]
            with torch.no_grad():
                gains_db = torch.empty(len(waveforms), 1).uniform_(CONFIG.min_gain_db, CONFIG.max_gain_db)
                features = self.masks(self.features(waveforms * 10 ** (gains_db / 20)))
                other, share = torch.randperm(len(features)), self.share.sample()
                features = share * features + (1 - share) * features[other]
            logits = self.net(features)
            loss = share * F.cross_entropy(logits, targets) + (1 - share) * F.cross_entropy(
                logits, targets[other]
            )
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.schedule.step()


class OurTraining:
    """What `fit` does, without Lightning around it."""

    def __init__(self, classifier: Classifier, corpus: Corpus) -> None:
        self.classifier = classifier
        window = classifier.geometry.span
        self.batches = Batches(
            corpus, window=window, batch_size=CONFIG.batch_size, seed=0, speed_percents=CONFIG.speed_percents
        )
        self.optimizer = make_optimizer(classifier.net.parameters(), CONFIG)
        self.rate = LearningRate(self.optimizer, CONFIG, steps_per_epoch=2_500)

    def train(self, steps: int) -> None:
        """So many steps on shuffled recordings."""
        draws = epoch_generator(0, self.batches.epoch, "augmentation")
        for _, (waveforms, targets) in zip(range(steps), self.batches, strict=False):
            loss = training_loss(self.classifier, waveforms, targets, config=CONFIG, generator=draws)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.rate.step()


def compare(name: str, steps: int, rounds: int) -> None:
    """Train both in turns, and print how many recordings a second each gets through."""
    torch.manual_seed(0)
    net = NetConfig(name=name, num_classes=len(LABELS))
    classifier = Classifier(ClassifierConfig(labels=LABELS, front_end=LogMelConfig(), net=net))
    corpus = make_corpus(steps * CONFIG.batch_size)
    mean, deviation = feature_statistics(corpus, classifier.front_end)
    classifier.normalize.set_statistics(mean=mean, deviation=deviation)
    plain_net = PLAIN_NETS[name](len(LABELS))
    ours = list(classifier.net.state_dict().values())
    plain_net.load_state_dict(dict(zip(plain_net.state_dict(), ours, strict=True)))
    plain = PlainTraining(plain_net, corpus, classifier)
    check_alike(plain, classifier)
    contenders: dict[str, Callable[[int], None]] = {
        "plain loop": plain.train,
        "audiocnn": OurTraining(classifier.train(), corpus).train,
    }
    rates: dict[str, list[float]] = {contender: [] for contender in contenders}
    for train in contenders.values():
        train(2)
    for _ in range(rounds):
        for contender, train in contenders.items():
            start = time.perf_counter()
            train(steps)
            rates[contender].append(steps * CONFIG.batch_size / (time.perf_counter() - start))
    for contender, values in rates.items():
        print(
            f"{name:12} {contender:10} {max(values):6.0f} recordings a second at best, "
            f"{statistics.median(values):6.0f} in the middle, {min(values):6.0f} at worst"
        )
    best, middle = (pick(rates["audiocnn"]) / pick(rates["plain loop"]) for pick in (max, statistics.median))
    print(f"{name:12} audiocnn / plain loop: {best:.2f} (best of {rounds} rounds), {middle:.2f} (median)")


def check_alike(plain: PlainTraining, classifier: Classifier) -> None:
    """The two nets give the same logits for the same features."""
    with torch.no_grad():
        features = classifier.normalize(classifier.front_end(plain.waveforms[:4]))
        theirs = plain.net.eval()(features)
        ours = classifier.net.eval()(features)[..., 0]
    torch.testing.assert_close(theirs, ours, rtol=1e-4, atol=1e-5)
    plain.net.train()


def main() -> None:
    """Print both rates and their ratio for each net."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=PLAIN_NETS, default=list(PLAIN_NETS))
    parser.add_argument("--steps", type=int, default=10, help="training steps in a turn")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in options.models:
        compare(name, options.steps, options.rounds)


if __name__ == "__main__":
    main()

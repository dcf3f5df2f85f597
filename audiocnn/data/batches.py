"""A corpus dealt out in batches, epoch after epoch, each recording at its drawn speed and place."""

import hashlib
import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from audiocnn.augment.waveform import change_speed
from audiocnn.data.corpus import Corpus
from audiocnn.errors import ParameterError

__all__ = ["Batches", "Epochs", "epoch_generator"]


def epoch_generator(seed: int, epoch: int, purpose: str) -> torch.Generator:
    """The draws of one epoch, which hang on nothing that came before it: a resumed run draws the same.

    Args:
        seed: of the run.
        epoch: from 0.
        purpose: what is drawn; two purposes never share their numbers.

    >>> int(torch.randint(100, (), generator=epoch_generator(0, 7, "order")))
    72
    """
    digest = hashlib.sha256(f"{seed} {epoch} {purpose}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:6]))


class Epochs:
    """So many rows dealt out in batches; each time it is dealt is an epoch.

    Args:
        count: the rows.
        batch_size: rows in a batch; of fewer rows, all.
        seed: for training: draws the order, and leaves out what does not fill a batch. None, for
            evaluation: in order, all.

    Attributes:
        epoch: the number of the epoch that is dealt next, from 0.
    """

    def __init__(self, count: int, *, batch_size: int, seed: int | None) -> None:
        self.count = count
        self.batch_size = min(batch_size, count)
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        full, rest = divmod(self.count, self.batch_size)
        return full if self.seed is not None or not rest else full + 1

    def deal(self, purpose: str) -> tuple[Sequence[Tensor], torch.Generator | None]:
        """The epoch's batches, as indices of rows, and in training the generator for what else is drawn.

        Args:
            purpose: what is drawn, as for `epoch_generator`.
        """
        epoch, self.epoch = self.epoch, self.epoch + 1
        draws = None if self.seed is None else epoch_generator(self.seed, epoch, purpose)
        order = torch.arange(self.count) if draws is None else torch.randperm(self.count, generator=draws)
        return order.split(self.batch_size)[: len(self)], draws  # type: ignore[no-untyped-call]


class Batches(Epochs):
    """A corpus as batches of waveforms and targets; each iteration is an epoch.

    Args:
        corpus: the recordings.
        window: samples in a row: the classifier's span.
        batch_size: rows in a batch.
        seed: for training: draws the order, and each recording's speed and place in its
            window, and leaves out what does not fill a batch. None, for evaluation: in order,
            centred, at their own speed, all.
        speed_percents: the speeds to draw from, all being equally likely.
        max_shift: by how many samples a recording may reach out of its window.
        max_offset: by how many its middle may lie off that of its window; None for any.

    Raises:
        ParameterError: if there are no speeds.
    """

    def __init__(
        self,
        corpus: Corpus,
        *,
        window: int,
        batch_size: int,
        seed: int | None = None,
        speed_percents: Sequence[int] = (100,),
        max_shift: int = 0,
        max_offset: int | None = None,
    ) -> None:
        if not speed_percents:
            raise ParameterError("speed_percents=() holds no speed; (100,) is the recording's own")
        super().__init__(len(corpus), batch_size=batch_size, seed=seed)
        self.corpus = corpus
        self.window = window
        self.speed_percents = tuple(speed_percents)
        self.max_shift, self.max_offset = max_shift, max_offset

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The epoch's batches: waveforms `(batch, window)` and targets `(batch,)`."""
        batches, draws = self.deal("order and place")
        for indices in batches:
            if draws is None:
                waveforms = self.corpus.windows(indices, self.window)
            else:
                waveforms = self._drawn(indices, draws)
            yield waveforms, self.corpus.targets[indices]

    def _drawn(self, indices: Tensor, draws: torch.Generator) -> Tensor:
        """Recordings at drawn speeds, those of one speed resampled together."""
        speeds = torch.randint(len(self.speed_percents), (len(indices),), generator=draws)
        batch = self.corpus.samples.new_empty(len(indices), self.window, dtype=torch.float32)
        for speed, percent in enumerate(self.speed_percents):
            rows = (speeds == speed).nonzero().flatten()
            if len(rows):
                # what fills the window at the new speed; the faster, the more
                before = math.ceil(self.window * percent / 100)
                shift = math.ceil(self.max_shift * percent / 100)
                offset = self.max_offset and math.ceil(self.max_offset * percent / 100)
                placed = self.corpus.windows(
                    indices[rows], before, generator=draws, max_shift=shift, max_offset=offset
                )
                batch[rows] = change_speed(placed, percent)[:, : self.window]
        return batch

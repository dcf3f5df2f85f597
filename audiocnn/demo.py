"""The whole path on nothing but the install: make words, train, judge, predict."""

import logging
from dataclasses import dataclass
from pathlib import Path

from audiocnn.config import TrainConfig
from audiocnn.data.manifest import read_files
from audiocnn.data.synthetic_words import write_corpus
from audiocnn.evaluate import Evaluation, choose_split, evaluate
from audiocnn.predict import score_files
from audiocnn.prediction_table import write_predictions
from audiocnn.run_folder import BEST
from audiocnn.train import fit

__all__ = ["Demo", "demo_config", "run_demo"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Demo:
    """What a demo made.

    Attributes:
        words: the table of the corpus; the recordings lie beside it.
        model: the classifier's file.
        confusion: a picture of what was taken for what.
        sentences: the table of the sentences' words.
        predictions: a row for each word of the sentences.
        evaluation: how the classifier did on voices it has never heard.
    """

    words: Path
    model: Path
    confusion: Path
    sentences: Path
    predictions: Path
    evaluation: Evaluation


def demo_config(out: Path, *, model: str, epochs: int, seed: int = 0) -> TrainConfig:
    """The training run of a demo in the folder `out`, whose corpus is in `words` there."""
    return TrainConfig(
        data=out / "words" / "words.csv",
        out=out / "run",
        model=model,
        epochs=epochs,
        batch_size=50,
        weight_decay=0.01,
        label_smoothing=0.0,
        speed_percents=(90, 95, 100, 105, 110),  # the voices' own pitch and rate are drawn already
        seed=seed,
    )


def run_demo(
    out: Path, *, model: str = "tc_resnet_8", epochs: int = 40, num_voices: int = 300, seed: int = 0
) -> Demo:
    """Make a corpus of synthetic speech, train on it, judge on unseen voices, and predict.

    Everything is written below one folder. What an earlier run of the same settings finished there is
    used again, and what it began is gone on with.

    Args:
        out: the folder, made if need be.
        model: network, as in `TrainConfig`.
        epochs: passes over the training part.
        num_voices: voices that speak; a corpus of fewer is made faster.
        seed: of the corpus and of the training.

    Raises:
        ParameterError: if eSpeak NG is not installed, or `out` holds the demo of other settings.
    """
    logger.info("making words with eSpeak NG in %s", out / "words")
    clips = write_corpus(out / "words", seed=seed, num_voices=num_voices)
    logger.info("training %s on %d recordings", model, sum(clip.split == "train" for clip in clips))
    config = demo_config(out, model=model, epochs=epochs, seed=seed)
    classifier = fit(config, resume=True)
    logger.info("judging on voices it has never heard")
    evaluation = evaluate(classifier, choose_split(clips, "test"))
    demo = Demo(
        words=config.data,
        model=config.out / BEST,
        confusion=out / "confusion.png",
        sentences=out / "words" / "_sentences_" / "words.csv",
        predictions=out / "predictions.csv",
        evaluation=evaluation,
    )
    evaluation.draw_confusion(demo.confusion)
    scored = score_files(classifier, read_files(demo.sentences))
    write_predictions(classifier, scored, demo.predictions, parts=True)
    return demo

"""The table of all trials: how good each net is, how sure that is, and what it costs."""

import logging
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from audiocnn.comparison.cost import REFERENCE, Cost, cost_of_run
from audiocnn.comparison.frontier import Point, draw_frontier, frontier
from audiocnn.comparison.results import Result, Setup, read_results
from audiocnn.config import TrainConfig
from audiocnn.errors import ParameterError
from audiocnn.files import whole_file
from audiocnn.metrics import Interval, bootstrap_intervals
from audiocnn.recipe import mean_and_deviation

__all__ = ["Row", "format_rows", "group_rows", "interval_by_speaker", "write_comparison"]

logger = logging.getLogger(__name__)

BEGIN = "<!-- comparison begins -->"
END = "<!-- comparison ends -->"
_HEAD = (
    "| net | padding | test | 95 % interval | validation | parameters | MACs | sees, ms | delay, ms "
    f"| ms per clip (x `{REFERENCE}`) | epochs | minutes |\n|---|---|" + "--:|" * 10
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A net and all its trials of one budget, a seed each; or a net that was not tried yet.

    Attributes:
        setup: the net, and how it is trained.
        cost: what it costs; None where that is not known.
        results: one for each seed.
    """

    setup: Setup
    cost: Cost | None
    results: tuple[Result, ...] = ()

    def heard(self, quoted: str) -> str:
        """What it is given where that is not the usual: " on mfcc, 49 frames".

        Args:
            quoted: how the front-end's name is written, for `str.format`.
        """
        _, _, name, frames, seconds = self.setup
        front_end = "" if name == TrainConfig.front_end else f" on {quoted.format(name)}"
        window = "" if frames is None else f", {frames} frames"
        offset = "" if seconds is None else f", off by {seconds:g} s at most"
        return front_end + window + offset

    @property
    def test_accuracy(self) -> float:
        """Mean over the seeds, 0 to 1."""
        return statistics.mean(result.test_accuracy for result in self.results)

    @property
    def point(self) -> Point:
        """Its place in the picture."""
        return Point(
            name=self.setup.model + self.heard("{}"),
            macs=self.results[0].macs,
            accuracy=self.test_accuracy,
            is_scan=self.setup.padding == "valid",
        )


def write_comparison(
    results: Path,
    configs: Sequence[TrainConfig],
    *,
    num_classes: int,
    page: Path,
    picture: Path,
) -> None:
    """Write the table between its two comments in a page, and the picture of accuracy against cost.

    Args:
        results: the table of all trials there are.
        configs: trials there may be; a net with none stands in the table as not yet run.
        num_classes: of the recordings, for the cost of these.
        page: a Markdown file.
        picture: the picture to write.

    Raises:
        ParameterError: if the page lacks the comments, the results are no such table, or the trials of a net
            were tested on different recordings.
    """
    text = page.read_text(encoding="utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not end:
        raise ParameterError(
            f"page={page} must have the lines {BEGIN} and {END}, between which the table goes"
        )
    trials = read_results(results)
    rows = group_rows(trials)
    for row in rows:
        if len({_tested(result) for result in row.results}) > 1:
            seeds = ", ".join(str(result.seed) for result in row.results)
            raise ParameterError(
                f"results={results}: the trials of {row.setup.model}{row.heard('{}')}, {row.setup.padding}, "
                f"seeds {seeds}, were not tested on the same recordings; keep those of one test part"
            )
    rows += _not_run(trials, configs, num_classes)
    machines = "; ".join(sorted({f"{r.machine}, torch {r.torch}" for r in trials})) or "none yet"
    written = f"{format_rows(rows)}\n\nTrials: {len(trials)}. Machine: {machines}."
    with whole_file(page) as beside:
        beside.write_text(f"{head}{begin}\n{written}\n{end}{tail}", encoding="utf-8")
    draw_frontier([row.point for row in rows if row.results], picture)


def group_rows(results: Sequence[Result]) -> list[Row]:
    """Trials that differ by their seed alone in a row, the rows in the order in which they began."""
    grouped = defaultdict(list)
    for result in results:
        grouped[result.trial[:-1]].append(result)
    return [Row(setup=Setup.of(same[0]), cost=same[0].cost, results=tuple(same)) for same in grouped.values()]


def _tested(result: Result) -> frozenset[tuple[str, int]]:
    """Who was heard in the test, and how often."""
    return frozenset((speaker, total) for speaker, (_right, total) in result.test_speakers.items())


def _not_run(results: Sequence[Result], configs: Sequence[TrainConfig], num_classes: int) -> list[Row]:
    """Rows of nets without a trial, the cheapest first."""
    done = {Setup.of(result) for result in results}
    rows = []
    for setup, config in {Setup.of(run): run for run in configs}.items():
        if setup in done:
            continue
        cost = None
        try:
            cost = cost_of_run(config, num_classes=num_classes)
        except ParameterError as error:
            logger.warning("%s, %s: %s", setup.model, setup.padding, error)
        rows.append(Row(setup=setup, cost=cost))
    return sorted(rows, key=lambda row: (row.cost is None, row.cost.macs if row.cost else 0))


def format_rows(rows: Sequence[Row]) -> str:
    """A Markdown table, the best net first, those of the frontier in bold; last what was not run."""
    tried = sorted((row for row in rows if row.results), key=lambda row: (-row.test_accuracy, row.point.macs))
    best = set(frontier([row.point for row in tried]))
    lines = [_HEAD]
    for row in tried:
        test = mean_and_deviation([result.test_accuracy for result in row.results])
        interval = interval_by_speaker(row.results)
        ratio = min(result.clip_ms / result.reference_clip_ms for result in row.results)
        cells = [
            *_name(row),
            f"**{test}**" if row.point in best else test,
            f"{100 * interval.low:.2f} to {100 * interval.high:.2f} %" if interval else "",
            mean_and_deviation([result.validation_accuracy for result in row.results]),
            *_cost(row.cost),
            f"{min(result.clip_ms for result in row.results):.2f} ({ratio:.1f})",
            f"{statistics.mean(result.epochs for result in row.results):.0f}",
            f"{statistics.mean(result.processor_minutes for result in row.results):.1f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    for row in rows:
        if not row.results:
            lines.append(
                f"| {' | '.join([*_name(row), 'not yet run', '', '', *_cost(row.cost), '', '', ''])} |"
            )
    return "\n".join(lines)


def interval_by_speaker(results: Sequence[Result]) -> Interval | None:
    """The 95 % interval of the mean accuracy, drawn by speaker: `audiocnn.metrics.bootstrap_intervals`.

    A speaker is drawn with the answers of all seeds to what he or she said.

    Args:
        results: of the seeds.

    Returns:
        None where all speakers are understood alike.
    """
    predicted, groups = [], []
    for number, speaker in enumerate(results[0].test_speakers):
        for result in results:
            right, total = result.test_speakers[speaker]
            predicted += [1] * right + [0] * (total - right)
            groups += [number] * total
    answers = torch.tensor(predicted)
    return bootstrap_intervals(answers, torch.ones_like(answers), torch.tensor(groups), 2).accuracy


def _name(row: Row) -> tuple[str, str]:
    return f"`{row.setup.model}`{row.heard('`{}`')}", row.setup.padding


def _cost(cost: Cost | None) -> list[str]:
    if cost is None:
        return [""] * 4
    return [
        f"{cost.parameters:,}",
        f"{cost.macs:,}",
        f"{cost.receptive_field_ms:g}",
        f"{cost.delay_ms:g}",
    ]

"""The table, of trials made up so that every number can be told by hand."""

from dataclasses import replace
from pathlib import Path

import pytest
from trials import RESULT

from audiocnn.comparison.results import append_result
from audiocnn.comparison.table import (
    BEGIN,
    END,
    format_rows,
    group_rows,
    interval_by_speaker,
    write_comparison,
)
from audiocnn.config import TrainConfig
from audiocnn.errors import ParameterError

HEAD = (
    "| net | padding | test | 95 % interval | validation | parameters | MACs | sees, ms | delay, ms "
    "| ms per clip (x `tc_resnet_8`) | epochs | minutes |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
).splitlines()


def test_two_speakers_give_the_interval_between_them():
    """Two are drawn of two: the worse twice in a quarter of the draws, the better twice in another."""
    speakers = {"ada": (8, 10), "bob": (2, 10)}
    interval = interval_by_speaker([replace(RESULT, test_speakers=speakers)])
    assert interval == pytest.approx((0.2, 0.8))


def test_a_speaker_is_drawn_with_the_answers_to_all_seeds():
    seeds = [{"ada": (10, 10), "bob": (4, 10)}, {"ada": (8, 10), "bob": (0, 10)}]
    interval = interval_by_speaker([replace(RESULT, test_speakers=speakers) for speakers in seeds])
    assert interval == pytest.approx((0.2, 0.9))


def test_speakers_who_are_understood_alike_give_no_interval():
    assert interval_by_speaker([replace(RESULT, test_speakers={"ada": (5, 10), "bob": (5, 10)})]) is None


def test_seeds_share_a_row_and_the_best_net_is_first():
    rows = group_rows(
        [
            replace(RESULT, model="cheap", test_accuracy=0.5, macs=10),
            RESULT,
            replace(RESULT, model="costly", test_accuracy=0.6, macs=5000, front_end="pcen", clip_ms=0.35),
            replace(RESULT, seed=1, test_accuracy=0.85, epochs=49, processor_minutes=4.1, clip_ms=0.3),
        ]
    )
    several = "**80.00 ± 7.07 %** | 50.00 to 100.00 % | 50.00 ± 0.00 %"
    one = "50.00 to 100.00 % | 50.00 %"
    assert format_rows(rows).splitlines() == [
        *HEAD,
        f"| `tc_resnet_8` | valid | {several} | 100 | 1,000 | 890 | 225 | 0.20 (2.0) | 48 | 4.0 |",
        f"| `costly` on `pcen` | valid | 60.00 % | {one} | 100 | 5,000 | 890 | 225 | 0.35 (3.5) | 47 | 3.9 |",
        f"| `cheap` | valid | **50.00 %** | {one} | 100 | 10 | 890 | 225 | 0.20 (2.0) | 47 | 3.9 |",
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"minutes": 8.0},
        {"padding": "same"},
        {"front_end": "pcen"},
        {"window": 49},
        {"max_offset_seconds": 0.1},
    ],
)
def test_what_differs_by_more_than_its_seed_has_a_row_of_its_own(change):
    assert len(group_rows([RESULT, replace(RESULT, seed=1), replace(RESULT, **change)])) == 2


def test_a_net_is_named_by_what_it_is_given():
    all_three = {"front_end": "pcen", "window": 49, "max_offset_seconds": 0.1}
    given = [{}, *({name: value} for name, value in all_three.items()), all_three]
    rows = group_rows([replace(RESULT, **one) for one in given])
    offset = ", off by 0.1 s at most"
    behind = ["", " on pcen", ", 49 frames", offset, f" on pcen, 49 frames{offset}"]
    assert [row.point.name for row in rows] == [f"tc_resnet_8{end}" for end in behind]
    names = {line.split(" | ")[0] for line in format_rows(rows).splitlines()[2:]}
    assert names == {"| `tc_resnet_8`" + end.replace("pcen", "`pcen`") for end in behind}


def test_a_net_tried_otherwise_is_not_yet_run_as_usual(tmp_path):
    page, results = tmp_path / "README.md", tmp_path / "results.csv"
    page.write_text(f"{BEGIN}\n{END}\n")
    append_result(results, replace(RESULT, front_end="mfcc"))
    append_result(results, replace(RESULT, window=160))
    usual = TrainConfig(data=Path("data"), out=Path("runs"))
    configs = [usual, replace(usual, front_end="mfcc"), replace(usual, window=160)]
    write_comparison(results, configs, num_classes=40, page=page, picture=tmp_path / "a.png")
    lines = [line for line in page.read_text().splitlines() if "not yet run" in line]
    assert lines == [
        "| `tc_resnet_8` | valid | not yet run |  |  | 69,641 | 1,817,223 | 890 | 225 |  |  |  |"
    ]


@pytest.mark.parametrize("others", [{"ada": (2, 2), "cy": (1, 2)}, {"ada": (2, 3), "bob, the 2nd": (1, 2)}])
def test_seeds_have_the_same_test_part(tmp_path, others):
    page, results = tmp_path / "README.md", tmp_path / "results.csv"
    page.write_text(f"{BEGIN}\n{END}\n")
    append_result(results, replace(RESULT, front_end="mfcc"))
    append_result(results, replace(RESULT, front_end="mfcc", seed=3, test_speakers=others))
    with pytest.raises(ParameterError) as error:
        write_comparison(results, [], num_classes=40, page=page, picture=tmp_path / "a.png")
    assert str(error.value) == (
        f"results={results}: the trials of tc_resnet_8 on mfcc, valid, seeds 0, 3, were not tested on the "
        "same recordings; keep those of one test part"
    )


def test_the_page_has_the_table_between_its_comments(tmp_path):
    page, picture = tmp_path / "README.md", tmp_path / "frontier.png"
    page.write_text(f"before\n{BEGIN}\nan old table\n{END}\nafter\n")
    config = TrainConfig(data=Path("data"), out=Path("runs"))
    configs = [
        replace(config, model=name, padding=padding)
        for name, padding in (
            ("bc_resnet_1", "same"),
            ("tc_resnet_14_0_4", "valid"),
            ("tc_resnet_8", "valid"),
        )
    ]
    results = tmp_path / "results.csv"
    append_result(results, RESULT)
    for _ in range(2):  # the second time over the first
        write_comparison(results, configs, num_classes=40, page=page, picture=picture)
    rest = "50.00 to 100.00 % | 50.00 % | 100 | 1,000 | 890 | 225 | 0.20 (2.0) | 47 | 3.9"
    assert page.read_text().splitlines() == [
        "before",
        BEGIN,
        *HEAD,
        f"| `tc_resnet_8` | valid | **75.00 %** | {rest} |",
        "| `tc_resnet_14_0_4` | valid | not yet run |  |  | 24,889 | 655,144 | 1030 | 215 |  |  |  |",
        "| `bc_resnet_1` | same | not yet run |  |  | 10,156 | 2,409,336 | 1190 | 0 |  |  |  |",
        "",
        "Trials: 1. Machine: abacus, 2 cores, torch 2.14.1.",
        END,
        "after",
    ]
    assert picture.stat().st_size > 10_000


def test_a_page_without_the_comments_is_left_alone(tmp_path):
    page, results = tmp_path / "README.md", tmp_path / "results.csv"
    page.write_text(f"{BEGIN}\nno end")
    with pytest.raises(ParameterError) as error:
        write_comparison(results, [], num_classes=40, page=page, picture=tmp_path / "a.png")
    assert str(error.value) == (
        f"page={page} must have the lines <!-- comparison begins --> and <!-- comparison ends -->, "
        "between which the table goes"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]

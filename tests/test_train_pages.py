"""Training to detect, localise and segment: by the mechanism of all trainings, and kept in one file."""

import csv
from dataclasses import replace

import pytest
import torch
from bars import write_set

import audiocnn
from audiocnn import vision
from audiocnn.data.page_batches import PageBatches, PatchBatches
from audiocnn.data.pages import PageConfig
from audiocnn.errors import ModelFileError, ParameterError
from audiocnn.page_config import PageTrainConfig
from audiocnn.page_task import PageTask, read_pages
from audiocnn.picture import PictureConfig
from audiocnn.train import fit

SMALL = PictureConfig(rows=14, columns=14, channels=1)
ONE = PageConfig(rows=32, columns=32, objects=1)
FOUR = PageConfig(rows=48, columns=52, objects=4)
PAGES = {
    "detect": {"page": FOUR, "most_judged": 3, "nothing_share": 0.5},
    "localise": {"page": ONE},
    "segment": {"page": ONE, "judged_page": FOUR, "most_pages": 40, "most_judged": 3, "batch_size": 4},
}


@pytest.fixture(scope="module")
def idx(tmp_path_factory):
    """A folder in MNIST's form."""
    return write_set(tmp_path_factory.mktemp("digits"))


def config(idx, out, task, **changes):
    settings = {"picture": SMALL, "epochs": 2, "batch_size": 20, "task": task, "weight_decay": 0.01}
    return PageTrainConfig(data=idx, out=out, **settings | PAGES.get(task, {}) | changes)


def metrics_of(out):
    with (out / "metrics.csv").open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def judged(net, run):
    """What the run was judged by, of the net that it gave."""
    pages = read_pages(run, "validation")
    if run.task == "detect":
        return max(one.f1 for one in vision.counts_by_threshold(net.localizer, pages).values())
    if run.task == "localise":
        return vision.judge_localizer(net.localizer, PatchBatches(pages, batch_size=50)).mean_overlap
    return vision.judge_segmenter(net.fcn, PageBatches(pages, batch_size=1)).mean_overlap


@pytest.mark.parametrize("task", PAGES)
def test_the_best_epoch_is_kept_in_one_file_that_can_be_read(idx, tmp_path, task):
    run = config(idx, tmp_path / "run", task, epochs=3)
    net = fit(run)
    rows = metrics_of(run.out)
    figure = f"validation_{run.judged_by}"
    assert {"epoch", "validation_loss", figure, "loss", "learning_rate"} <= rows[0].keys() and len(rows) == 3
    assert judged(net, run) == pytest.approx(max(row[figure] for row in rows), abs=1e-5)
    read = vision.load(run.out / "model.safetensors")
    assert read.config == net.config and not read.training
    page = torch.rand(1, 1, 60, 60)
    with torch.inference_mode():
        assert torch.equal(read(page), net(page))
    names = {"localise": ("0", "1"), "detect": ("0", "1", "nothing"), "segment": ("0", "1", "nothing")}
    labels = tuple(label for label in net.labels if label in ("0", "1", "nothing"))
    assert labels == names[task]


def test_a_run_that_is_gone_on_with_ends_at_the_same_bits(idx, tmp_path):
    whole = fit(config(idx, tmp_path / "whole", "detect", epochs=3))
    stopped = config(idx, tmp_path / "stopped", "detect", epochs=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("audiocnn.train._is_over", lambda history, config: len(history) >= 1)
        fit(stopped)
    resumed = fit(stopped, resume=True)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], tensor), name
    assert metrics_of(tmp_path / "whole") == metrics_of(tmp_path / "stopped")


def test_what_is_learned_holds_for_validation(idx, tmp_path):
    fit(config(idx, tmp_path / "run", "localise", epochs=8, learning_rate=0.005))
    losses = [row["validation_loss"] for row in metrics_of(tmp_path / "run")]
    assert min(losses) < 0.5 * losses[0]


def test_patience_ends_a_run_by_what_it_is_judged_by(idx, tmp_path):
    out = tmp_path / "run"
    still = {"optimizer": "sgd", "learning_rate": 1e-12, "momentum": 0.0, "patience": 2, "epochs": 9}
    fit(config(idx, out, "segment", most_pages=4, **still))
    assert len(metrics_of(out)) == 3


def test_pages_of_each_part_hold_pictures_of_that_part_alone(idx, tmp_path):
    run = config(idx, tmp_path, "segment", page=ONE, judged_page=ONE, most_pages=None, most_judged=None)
    parts = {split: read_pages(run, split) for split in ("train", "validation", "test")}
    assert [len(pages) for pages in parts.values()] == [180, 20, 40]
    seen = {}
    for split, pages in parts.items():
        cut = [
            page[:, a:c, b:d]
            for page, (a, b, c, d) in zip(pages.pictures, pages.frames[:, 0].tolist(), strict=True)
        ]
        seen[split] = {one.numpy().tobytes() for one in cut}
    assert not seen["train"] & seen["test"] and not seen["validation"] & (seen["train"] | seen["test"])
    few = replace(run, most_pages=7, most_judged=3)
    assert [len(read_pages(few, split)) for split in parts] == [7, 3, 3]
    assert not torch.equal(read_pages(replace(run, seed=1), "test").pictures, parts["test"].pictures)


def test_the_finest_map_is_that_of_the_config(idx, tmp_path):
    coarse = PageTask(config(idx, tmp_path, "segment", finest=4)).classifier
    assert coarse.fcn.strides == [4] and coarse.config.finest == 4
    coarse.save(tmp_path / "coarse.safetensors")
    assert vision.load(tmp_path / "coarse.safetensors").fcn.strides == [4]


def test_a_net_for_pages_is_described(idx, tmp_path):
    for task, parts in (("localise", ("outputs.0", "outputs.1")), ("segment", ("scores.0", "ups.0"))):
        net = PageTask(config(idx, tmp_path, task)).classifier
        described, of_net = audiocnn.describe(net), audiocnn.describe(net.net)
        assert described.labels == net.labels and described.table() == of_net.table()
        for part in parts:
            assert f"\n{part} " in described.table()


def test_files_of_other_kinds_are_refused(idx, tmp_path):
    pages, words = tmp_path / "pages.safetensors", tmp_path / "words.safetensors"
    PageTask(config(idx, tmp_path, "localise")).classifier.save(pages)
    audiocnn.load("demo").save(words)
    with pytest.raises(ModelFileError) as error:
        audiocnn.load(pages)
    assert str(error.value) == (
        f"{pages} is a classifier of things on pages, not of sounds or pictures; audiocnn.vision.load reads "
        "it"
    )
    with pytest.raises(ModelFileError) as error:
        vision.load(words)
    assert str(error.value) == (
        f"{words} is a classifier of sounds, not of things on pages; audiocnn.load reads it"
    )


def test_a_damaged_file_is_told(idx, tmp_path):
    path = tmp_path / "pages.safetensors"
    PageTask(config(idx, tmp_path, "segment")).classifier.save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(ModelFileError) as error:
        vision.load(path)
    assert str(error.value) == (
        f"{path} is damaged: its config or its weights are not those that were saved; copy it again"
    )
    net = PageTask(config(idx, tmp_path, "localise")).classifier
    header = net.header() | {"task": "find"}
    audiocnn.model_file.write(path, config=header, tensors=net.state_dict())
    with pytest.raises(ModelFileError) as error:
        vision.load(path)
    assert str(error.value) == (
        f"{path}: the config in its header and its weights do not make a classifier (task='find' must be "
        "'detect', 'localise' or 'segment'); save it again with the audiocnn that made it"
    )


@pytest.mark.parametrize(
    ("task", "changes", "message"),
    [
        ("detect", {"task": "find"}, "task='find' must be 'detect', 'localise' or 'segment'"),
        ("detect", {"most_pages": 0}, "most_pages=0 must be an integer of at least 1"),
        ("detect", {"most_judged": 0}, "most_judged=0 must be an integer of at least 1"),
        ("segment", {"finest": 0}, "finest=0 must be an integer of at least 1"),
        (
            "localise",
            {"judged_page": FOUR},
            "judged_page must be like page to localise, as the net reads whole pages; leave it out",
        ),
        (
            "localise",
            {"page": FOUR},
            "page.objects=4 must be 1 to localise; task='detect' finds several",
        ),
    ],
)
def test_impossible_configs(idx, tmp_path, task, changes, message):
    with pytest.raises(ParameterError) as error:
        config(idx, tmp_path, **{"task": task} | changes)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("task", "changes", "message"),
    [
        (
            "detect",
            {"finest": 4},
            "finest=4 is of task='segment', and a net that is to detect has no such map; leave it out",
        ),
        ("segment", {"finest": 3}, "finest=3 is the stride of no map of the net; there are [1, 2, 4] pixels"),
        (
            "detect",
            {"model": "lenet5_1998"},
            "net has logits that are a RadialBasis; give one whose logits are a Conv2d, such as lenet5",
        ),
        ("detect", {"nothing_share": 1.0}, "nothing_share=1.0 must be 0 or more and less than 1"),
    ],
)
def test_what_cannot_be_trained_leaves_no_folder(idx, tmp_path, task, changes, message):
    with pytest.raises(ParameterError) as error:
        fit(config(idx, tmp_path / "run", task, **changes))
    assert str(error.value) == message
    assert not (tmp_path / "run").exists()


def test_a_net_for_sound_finds_nothing(idx, tmp_path):
    with pytest.raises(ParameterError) as error:
        PageTask(config(idx, tmp_path, "detect", model="tc_resnet_8"))
    assert str(error.value).startswith("name='tc_resnet_8' is no model for pictures; there are ")

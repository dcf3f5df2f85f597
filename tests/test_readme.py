"""What the README shows is what there is; its Python session runs as a doctest."""

import inspect
import re
from pathlib import Path

import pytest
import torch

from audiocnn import layers
from audiocnn.describe import describe
from audiocnn.frontends import FRONT_ENDS
from audiocnn.models import AUDIO_MODELS, IMAGE_MODELS, create

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    ROOT / "README.md",
    *sorted(ROOT.glob("recipes/*/README.md")),
    *sorted(ROOT.glob("tests/*/README.md")),
]


def row(name):
    """A row of the table of networks."""
    valid, same = (describe(name, padding=padding) for padding in ("valid", "same"))
    return (
        f"| `{name}` | {valid.input[-2]} | {valid.parameters:,} | {valid.macs:,} | {valid.span_ms:g} "
        f"| {valid.stride_ms:g} | {valid.receptive_field_ms:g} | {same.parameters:,} | {same.macs:,} "
        f"| {same.span_ms:g} | {same.receptive_field_ms:g} |"
    )


def picture_row(name):
    """A row of the table of nets for pictures: those of ImageNet's size for its 1000 classes."""
    with torch.device("meta"):
        is_large = create(name, num_classes=2).rows > 200
        described = describe(create(name, num_classes=1000 if is_large else 10))
    rows, columns = described.receptive_field_rows, described.receptive_field
    size = "x".join(map(str, described.input))
    return (
        f"| `{name}` | {size} | {1000 if is_large else 10} | {described.parameters:,} "
        f"| {described.macs:,} | {rows.size}x{columns.size} |"
    )


def table_under(heading):
    return re.findall(
        r"^\| `\w+` \|.*$", re.split(r"^## ", README.split(heading)[1], flags=re.MULTILINE)[0], re.MULTILINE
    )


def test_the_table_of_networks_is_what_describe_prints():
    assert table_under("## Networks") == [row(name) for name in AUDIO_MODELS]


def test_the_table_of_nets_for_pictures_is_what_describe_says():
    assert table_under("## Nets for pictures") == [picture_row(name) for name in IMAGE_MODELS]


def test_the_table_of_layers_names_them_all():
    table = README[README.index("## Layers") : README.index("`describe` says what any net")]
    named = set(re.findall(r"`(\w+)`", table))
    assert named <= set(layers.__all__)
    scans = {name for name in layers.__all__ if inspect.isclass(getattr(layers, name))}
    assert {name for name in scans if issubclass(getattr(layers, name), layers.Scan)} - named == {"Scan"}


def test_the_table_of_front_ends_names_them_all():
    table = README[README.index("| name | features |") : README.index(">>> from audiocnn.frontends import")]
    named = [
        name
        for line in table.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    ]
    assert sorted(named) == sorted(FRONT_ENDS)


def test_accuracies_are_those_of_the_recipe():
    """Each accuracy of the README is the mean that the recipe's page gives with its seeds."""
    recipe = (ROOT / "recipes/arabic_speech_commands/README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[`(\w+)`\].*\| ([\d.]+ ± [\d.]+ %) \|$", README, re.MULTILINE)
    assert len(rows) >= 2
    for name, accuracy in rows:
        page = recipe[recipe.index(f"`{name}`") :]
        assert re.search(r"mean ± standard deviation \| [^|]* \| ([^|]*) \|", page)[1] == accuracy


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)]+)\)|href=\"([^\"]+)\"", text)
    local = [first or second for first, second in targets if "://" not in (first or second)]
    assert [target for target in local if not (page.parent / target).exists()] == []


def test_the_line_that_ci_runs_is_there():
    assert README.splitlines().count('python -m pip install -e ".[dev]" && pytest') == 1

"""The house rules that a reader of the source can check, checked."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import audiocnn

PACKAGE = Path(audiocnn.__file__).parent
ROOT = PACKAGE.parent
SOURCES = sorted(PACKAGE.rglob("*.py"))

# In the order the data flows: a file imports from what stands before it, or from its own folder.
ORDER = [
    "errors",
    "files",
    "figures",
    "geometry",
    "layers",
    "accounting",
    "receptive_field",
    "resampling",
    "waveform",
    "audio",
    "picture",
    "averaging",
    "placement",
    "frontends",
    "augment",
    "models",
    "smoothing",
    "events",
    "model_file",
    "classifier_config",
    "labelled",
    "classifier",
    "image_classifier",
    "loading",
    "pcm",
    "microphone",
    "event_table",
    "score_track",
    "operating_point",
    "falling_threshold",
    "threshold_sweep",
    "trade_off",
    "point_table",
    "det_curve",
    "stream",
    "description",
    "describe",
    "data",
    "recordings",
    "tuning",
    "metrics",
    "vision",
    "config",
    "schedule",
    "distillation",
    "transfer",
    "loss",
    "task",
    "audio_task",
    "image_config",
    "image_presets",
    "image_task",
    "page_config",
    "page_task",
    "run_folder",
    "train",
    "predict",
    "mining",
    "table_files",
    "prediction_table",
    "evaluate",
    "explain",
    "recipe",
    "comparison",
    "demo",
    "cli",
]
LOADED_ONLY_WHEN_NEEDED = {
    "PIL",
    "espeakng_loader",
    "lightning",
    "librosa",
    "matplotlib",
    "onnx",
    "pyarrow",
    "ray",
    "sklearn",
    "sounddevice",
    "torchaudio",
    "torchmetrics",
    "torchvision",
}


def row(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """The modules a file imports, as dotted names."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written out in full"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def rows_imported(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imports(path) if name.startswith("audiocnn.")}


def test_the_order_names_every_file():
    assert {row(path) for path in SOURCES} == {*ORDER, "__init__"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_from_rows_above(path):
    if path == PACKAGE / "__init__.py":
        return
    above = {*ORDER[: ORDER.index(row(path))], row(path)}
    assert rows_imported(path) <= above


@pytest.mark.parametrize("path", [p for p in SOURCES if row(p) in ("layers", "models")], ids=lambda p: p.name)
def test_layers_and_models_know_nothing_of_audio(path):
    assert rows_imported(path) <= {"errors", "geometry", "layers", "models"}


def test_lightning_is_imported_in_train_alone():
    users = {row(path) for path in SOURCES if any(name.startswith("lightning") for name in imports(path))}
    assert users == {"train"}


def test_importing_audiocnn_loads_nothing_heavy():
    code = "import json, sys, audiocnn; print(json.dumps([name.split('.')[0] for name in sys.modules]))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert not LOADED_ONLY_WHEN_NEEDED & set(loaded)


def test_only_the_command_line_prints():
    printing = {
        row(path)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert printing <= {"cli"}


def test_the_top_level_holds_only_what_it_should():
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("not a git checkout")
    top = {name.split("/")[0] for name in listing.stdout.splitlines()}
    plain = {name for name in top if not name.startswith(".")}
    assert plain == {"audiocnn", "recipes", "tests", "pyproject.toml", "README.md", "LICENSE"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_says_what_it_exports(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    public = {
        node.name
        for node in tree.body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
    }
    assigned = {target.id for node in tree.body if isinstance(node, ast.Assign) for target in node.targets}
    assert not public or "__all__" in assigned

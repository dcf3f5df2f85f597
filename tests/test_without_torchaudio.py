"""Scoring works where torchaudio does not import, as beside a torch built for the CPU alone."""

import subprocess
import sys

SCRIPT = """
import sys
sys.modules["torchaudio"] = None  # import torchaudio now raises ImportError
import numpy as np, soundfile, audiocnn
from audiocnn.cli import main
from audiocnn.frontends import LogMelConfig
from audiocnn.models import NetConfig

soundfile.write("tone.wav", np.sin(np.arange(22050) * 0.3), 22050)
net = NetConfig(name="tc_resnet_8", num_classes=2)
config = audiocnn.ClassifierConfig(labels=("no", "yes"), front_end=LogMelConfig(), net=net)
audiocnn.Classifier(config).save("model.safetensors")
sys.exit(main(["predict", "model.safetensors", "tone.wav"]))
"""


def test_predicting_needs_no_torchaudio(tmp_path):
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("file_name,label,score,error\ntone.wav,")

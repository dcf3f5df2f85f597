"""What importing audiocnn and predicting one file cost beside importing torch alone.

    python tests/benchmarks/import_time.py [--rounds 7]

Every round runs each command once, in turn, in a process of its own; the least of all rounds counts.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

import audiocnn
from audiocnn.frontends import LogMelConfig
from audiocnn.models import NetConfig


def main() -> None:
    """Print the least times and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        wav, model = Path(folder, "one.wav"), Path(folder, "model.safetensors")
        soundfile.write(wav, 0.1 * np.sin(np.arange(16000) * 0.2), 16000)
        labels = tuple(str(i) for i in range(40))
        net = NetConfig(name="tc_resnet_8", num_classes=40)
        config = audiocnn.ClassifierConfig(labels=labels, front_end=LogMelConfig(), net=net)
        audiocnn.Classifier(config).save(model)
        command = "import sys; from audiocnn.cli import main; sys.exit(main())"
        commands = {
            "import torch": ["import torch"],
            "import audiocnn": ["import audiocnn"],
            "audiocnn predict MODEL one.wav": [command, "predict", str(model), str(wav)],
        }
        best = dict.fromkeys(commands, float("inf"))
        for _ in range(rounds):
            for name, arguments in commands.items():
                start = time.perf_counter()
                subprocess.run([sys.executable, "-c", *arguments], check=True, stdout=subprocess.DEVNULL)
                best[name] = min(best[name], time.perf_counter() - start)
    torch_s, audiocnn_s, predict_s = best.values()
    for name, seconds in best.items():
        print(f"{name:<32}{seconds:6.2f} s, {seconds / torch_s:.3f} x import torch")
    print(f"import audiocnn: {audiocnn_s / torch_s:.3f} x import torch, to be at most 1.15 x")
    print(
        f"predict: {predict_s:.2f} s, to be at most 1.3 x import torch + 0.5 s = {1.3 * torch_s + 0.5:.2f} s"
    )


if __name__ == "__main__":
    main()

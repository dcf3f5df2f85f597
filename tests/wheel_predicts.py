"""Make a classifier and a recording in the current folder, and predict; `.ci/run` calls it for the wheel."""

from pathlib import Path

import numpy as np
import soundfile

import audiocnn
from audiocnn.frontends import LogMelConfig
from audiocnn.models import NetConfig

if __name__ == "__main__":
    assert "site-packages" in audiocnn.__file__, audiocnn.__file__
    assert (Path(audiocnn.__file__).parent / "py.typed").is_file()
    assert "yes" in audiocnn.load("demo").labels
    soundfile.write("tone.wav", np.sin(np.arange(16000) * 0.3), 16000)
    net = NetConfig(name="tc_resnet_8", num_classes=2)
    config = audiocnn.ClassifierConfig(labels=("no", "yes"), front_end=LogMelConfig(), net=net)
    audiocnn.Classifier(config).save("classifier.safetensors")
    print(audiocnn.load("classifier.safetensors").predict("tone.wav"))

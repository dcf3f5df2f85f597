"""SpeechBrain's nets with random weights and statistics, and what they make of random features.

    python tests/models/speechbrain_nets.py OUT

writes it to a file. By itself, because SpeechBrain changes settings of torch when it is imported, and leaves
modules behind that import others when they are looked at.
"""

import sys
from pathlib import Path

import torch
from torch import nn

CLASSES = 7
# channels and the kind of net, with features of so many rows and frames
NARROW = (("x_vector", 24, 60), ("ecapa_tdnn_512", 80, 70), ("ecapa_tdnn_1024", 80, 70))
WIDTH = 1 / 8


def build(name: str, rows: int) -> tuple[nn.Module, nn.Module]:
    """The embedding net with an eighth of its channels, and a classifier."""
    from speechbrain.lobes.models import ECAPA_TDNN, Xvector

    if name == "x_vector":
        embedding = Xvector.Xvector(in_channels=rows, tdnn_channels=[64, 64, 64, 64, 188], lin_neurons=64)
        return embedding, Xvector.Classifier([None, None, 64], lin_neurons=64, out_neurons=CLASSES)
    channels = int(name.removeprefix("ecapa_tdnn_")) // 8
    embedding = ECAPA_TDNN.ECAPA_TDNN(
        rows,
        lin_neurons=24,
        channels=[channels] * 4 + [192],
        attention_channels=16,
        se_channels=16,
    )
    return embedding, ECAPA_TDNN.Classifier(24, out_neurons=CLASSES)


def scores_before_softmax(name: str, classifier: nn.Module, embedding: torch.Tensor) -> torch.Tensor:
    """Logits of the x-vector's classifier, cosines of ECAPA-TDNN's."""
    if name != "x_vector":
        return classifier(embedding)
    hidden = classifier.DNN(classifier.norm(classifier.act(embedding)))
    return classifier.out(hidden)


def published_counts() -> dict[str, int]:
    """Parameters of the nets as they are."""
    from speechbrain.lobes.models import ECAPA_TDNN, Xvector

    def count(net: nn.Module) -> int:
        return sum(parameter.numel() for parameter in net.parameters())

    with torch.device("meta"):
        return {
            "x_vector": count(Xvector.Xvector(in_channels=24)),
            "classifier": count(Xvector.Classifier([None, None, 512], out_neurons=CLASSES)),
            "ecapa_tdnn_512": count(ECAPA_TDNN.ECAPA_TDNN(80)),
            "ecapa_tdnn_1024": count(ECAPA_TDNN.ECAPA_TDNN(80, channels=[1024] * 4 + [1536])),
            "ecapa_tdnn_1024_3072": count(ECAPA_TDNN.ECAPA_TDNN(80, channels=[1024] * 4 + [3072])),
        }


def main(out: Path) -> None:
    """Write them all."""
    from speechbrain.nnet.pooling import StatisticsPooling

    # what it adds to the means, also in evaluation, is noise
    StatisticsPooling._get_gauss_noise = lambda _self, size, device: torch.zeros(size, device=device)
    torch.manual_seed(0)
    results: dict[str, object] = {"counts": published_counts()}
    for name, rows, frames in NARROW:
        nets = [net.eval() for net in build(name, rows)]
        for net in nets:
            for part in net.modules():
                if isinstance(part, nn.BatchNorm1d):
                    nn.init.normal_(part.running_mean)
                    nn.init.uniform_(part.running_var, 0.5, 2.0)
                    nn.init.uniform_(part.weight, 0.5, 1.5)
                    nn.init.normal_(part.bias, std=0.3)
        features = torch.randn(3, frames, rows)
        with torch.no_grad():
            embedding = nets[0](features)
            scores = scores_before_softmax(name, nets[1], embedding)
        results[name] = {
            "embedding_state": nets[0].state_dict(),
            "classifier_state": nets[1].state_dict(),
            "features": features.mT[:, None],  # (batch, 1, rows, time)
            "embedding": embedding.mT,
            "scores": scores.mT,
        }
    torch.save(results, out)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

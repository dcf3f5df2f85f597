"""What a linear classifier reads out of features: a measure of how much they tell, and how plainly."""

from collections.abc import Sequence

from torch import Tensor

from audiocnn.errors import ParameterError

__all__ = ["linear_probe"]


def linear_probe(
    features: Sequence[Tensor],
    labels: Sequence[Tensor],
    *,
    penalties: Sequence[float] = (0.01, 0.1, 1.0, 10.0),
) -> tuple[float, float]:
    """How well a logistic regression on features tells labels.

    One is fitted to the training part for every penalty on the squares of its weights; the one that does
    best on the validation part is judged on the test part. Alain & Bengio 2016, "Understanding
    intermediate layers using linear classifier probes", arXiv 1610.01644.

    Args:
        features: of the training, the validation and the test part, `(examples, ...)` each. They are centred
            feature by feature and divided by one number for all, those of the training part.
        labels: integers, `(examples,)` each.
        penalties: weights of the penalty.

    Returns:
        The accuracies on the validation and the test part, from 0 to 1.

    Raises:
        ParameterError: if there are not three parts of each.

    >>> import torch
    >>> ring = torch.linspace(0.0, 6.28, 100)
    >>> x, y = torch.stack((ring.cos(), ring.sin()), dim=1), (ring < 3.14).long()
    >>> linear_probe([x] * 3, [y] * 3, penalties=[0.01])
    (1.0, 1.0)
    """
    if not len(features) == len(labels) == 3:
        raise ParameterError(
            f"features and labels have {len(features)} and {len(labels)} parts; give three of each: "
            "training, validation and test"
        )
    from sklearn.linear_model import LogisticRegression

    flat = [part.detach().flatten(1) for part in features]
    mean = flat[0].mean(dim=0)
    deviation = (flat[0] - mean).square().mean().sqrt()
    scaled = [((part - mean) / deviation).numpy() for part in flat]
    targets = [part.numpy() for part in labels]
    accuracies = []
    for penalty in penalties:
        fit = LogisticRegression(C=1 / penalty, max_iter=5000).fit(scaled[0], targets[0])
        accuracies.append((fit.score(scaled[1], targets[1]), fit.score(scaled[2], targets[2])))
    return max(accuracies, key=lambda accuracy: accuracy[0])

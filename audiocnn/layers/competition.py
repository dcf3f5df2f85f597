"""How a neocognitron learns without labels: cells compete, the strongest learn, planes share.

Fukushima 1980 (see `audiocnn.layers.neocognitron`). For each input,

1. in every *column*, a small area through all planes, the strongest S-cell is a candidate;
2. of the candidates in one plane the strongest alone is its *seed*: a plane learns one thing at a time;
3. each seed learns what it sees, and all cells of its plane with it (`SLayer.reinforce`).

    planes  k  [. . 3 . . .]        columns of 2 steps: candidates are the 3 and the 2 of plane k
            l  [1 . . . 4 2]        and the 1 and the 4 of plane l; seeds are the 3 and the 4

A plane that has learnt something answers by 0 to what is unlike it, and so leaves other things to the
planes that have not: how unlike is the selectivity. What is common is learnt by one plane; what no plane
answers, when all have learnt, is learnt by none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.layers.neocognitron import SLayer, require_selectivity
from audiocnn.layers.sequential import Sequential

__all__ = ["Competition", "imprint", "learn_by_competition", "learn_layer_by_layer"]


@dataclass(frozen=True, kw_only=True)
class Competition:
    """How one S-layer learns.

    Attributes:
        selectivity: while it learns; the higher, the finer the differences that planes are spent on.
            Afterwards the layer has its own again, which may be lower (Fukushima & Tanigawa 1996).
        rate: `q`, by which a seed reinforces. A large one, such as 100, makes a plane what it first saw;
            with a small one it wins by little at first, and others may share in what it learns.
        column: rows and steps of a column, in cells of the layer.
        epochs: how often every input is shown.

    Raises:
        ParameterError: for what is not positive.
    """

    selectivity: float
    rate: float = 100.0
    column: int = 3
    epochs: int = 1

    def __post_init__(self) -> None:
        require_selectivity(self.selectivity)
        if not self.rate > 0:
            raise ParameterError(f"rate={self.rate} must be positive")
        for name, value in (("column", self.column), ("epochs", self.epochs)):
            if value < 1:
                raise ParameterError(f"{name}={value} must be a positive integer")


def seeds(y: Tensor, *, column: int) -> list[tuple[int, int, int]]:
    """The cells that learn: the strongest of each column, and of these the strongest of each plane.

    Args:
        y: what a layer answers to one input, `(planes, rows, time)`. Columns stand at every place, as far
            as they fit; rows or steps fewer than `column` are one column.
        column: rows and steps of a column.

    Returns:
        `(plane, row, step)` of each seed. Among equals, the first place and the first plane win.

    >>> y = torch.tensor([[[0.0, 0.0, 3.0, 0.0, 0.0, 0.0]], [[1.0, 0.0, 0.0, 0.0, 4.0, 2.0]]])
    >>> seeds(y, column=2)
    [(1, 0, 4), (0, 0, 2)]
    """
    strongest, planes = y.max(dim=0)  # (rows, time)
    rows, steps = strongest.shape
    size = (min(column, rows), min(column, steps))
    _, places = F.max_pool2d(strongest[None], size, stride=1, return_indices=True)
    strength, plane_of = strongest.flatten().tolist(), planes.flatten().tolist()
    candidates = [place for place in set(places.flatten().tolist()) if strength[place] > 0]
    found: dict[int, tuple[int, int, int]] = {}
    for place in sorted(candidates, key=lambda place: (-strength[place], place)):
        plane = plane_of[place]
        found.setdefault(plane, (plane, place // steps, place % steps))
    return list(found.values())


@torch.no_grad()
def learn_by_competition(
    layer: SLayer, x: Tensor, competition: Competition, *, generator: torch.Generator | None = None
) -> Tensor:
    """Teach an S-layer, without labels, what its inputs are made of.

    Inputs are shown one by one, in a new random order each time round: each changes the weights that the
    next one meets.

    Args:
        layer: learns in place.
        x: inputs, `(batch, in_channels, rows, time)`, none negative.
        competition: how.
        generator: draws the order; torch's global one by default.

    Returns:
        How often each plane had the seed, `(planes,)`. A plane that never had one is as it was.

    Raises:
        ParameterError: for negative inputs.

    >>> _ = torch.manual_seed(0)
    >>> layer = SLayer(1, 4, kernel_size=3)
    >>> bars = torch.zeros(2, 1, 3, 3)
    >>> bars[0, 0, 1], bars[1, 0, :, 1] = 1.0, 1.0  # a horizontal and a vertical one
    >>> learn_by_competition(layer, bars, Competition(selectivity=2.0, epochs=5)).count_nonzero()
    tensor(2)
    >>> layer(bars).flatten(1).argmax(dim=1).unique().numel()  # each bar has its plane
    2
    """
    if (x < 0).any():
        raise ParameterError(f"x has values down to {x.min().item():g}; S-cells take activities of 0 or more")
    wins = torch.zeros(len(layer.b), dtype=torch.long)
    own_selectivity, layer.selectivity = layer.selectivity, competition.selectivity
    try:
        for _ in range(competition.epochs):
            for i in torch.randperm(len(x), generator=generator).tolist():
                for plane, row, step in seeds(layer(x[i : i + 1])[0], column=competition.column):
                    layer.reinforce(x[i], plane=plane, row=row, step=step, rate=competition.rate)
                    wins[plane] += 1
    finally:
        layer.selectivity = own_selectivity
    return wins


@torch.no_grad()
def learn_layer_by_layer(
    net: Sequential,
    x: Tensor,
    competitions: Sequence[Competition],
    *,
    generator: torch.Generator | None = None,
) -> list[Tensor]:
    """Teach the S-layers of a net, the first one first: each learns from what those before it have learnt.

    Args:
        net: its S-layers learn in place.
        x: inputs of the net, none negative.
        competitions: one for each S-layer, in order.
        generator: as for `learn_by_competition`.

    Returns:
        For each S-layer, how often each plane had the seed.

    Raises:
        ParameterError: if there are not as many competitions as S-layers, and as `learn_by_competition`.

    >>> from audiocnn.layers import CLayer
    >>> _ = torch.manual_seed(0)
    >>> net = Sequential(SLayer(1, 4, 3), CLayer(3), SLayer(4, 8, 3), CLayer(2))
    >>> rules = [Competition(selectivity=4.0), Competition(selectivity=2.0)]
    >>> [len(wins) for wins in learn_layer_by_layer(net, torch.rand(5, 1, 10, 10), rules)]
    [4, 8]
    """
    layers = [layer for layer in net.scans() if isinstance(layer, SLayer)]
    if len(layers) != len(competitions):
        raise ParameterError(
            f"{len(competitions)} competitions for {len(layers)} S-layers; give one for each, in order"
        )
    wins = []
    rules = iter(competitions)
    for layer in net.scans():
        if isinstance(layer, SLayer):
            wins.append(learn_by_competition(layer, x, next(rules), generator=generator))
            if len(wins) == len(layers):
                break
        x = layer(x)
    return wins


@torch.no_grad()
def imprint(
    net: Sequential, x: Tensor, *, rate: float = 100.0, generator: torch.Generator | None = None
) -> None:
    """Teach the S-layers of a net without competition: each plane what is at one place drawn at random.

    This is what competition is to be measured against: planes that know parts of the inputs, but
    were not kept from knowing the same ones. Drawn are places where the layer's V-cell answers at least
    0.3 times its largest answer, so that no plane learns the empty background.

    Args:
        net: its S-layers learn in place, the first one first.
        x: inputs of the net, none negative.
        rate: `q`.
        generator: draws the places; torch's global one by default.

    >>> from audiocnn.layers import CLayer
    >>> net = Sequential(SLayer(1, 4, 3), CLayer(3), SLayer(4, 8, 3))
    >>> imprint(net, torch.rand(5, 1, 10, 10))
    >>> all(bool((layer.b > 0).all()) for layer in net if isinstance(layer, SLayer))
    True
    """
    for layer in net.scans():
        if isinstance(layer, SLayer):
            power = layer.mean_power(x)[:, 0]
            places = (power >= 0.3 * power.max()).nonzero()
            drawn = places[torch.randint(len(places), (len(layer.b),), generator=generator)]
            for plane, (i, row, step) in enumerate(drawn.tolist()):
                layer.reinforce(x[i], plane=plane, row=row, step=step, rate=rate)
        x = layer(x)

"""A state dict under other names: what every conversion of weights comes down to."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from audiocnn.errors import ParameterError

__all__ = ["rename_layers", "rename_state", "turn_kernels"]

_COUNTER = "num_batches_tracked"


def rename_state(
    state: Mapping[str, Tensor], names: Mapping[str, str], *, net: nn.Module, ignored: Iterable[str] = ()
) -> dict[str, Tensor]:
    """Give the tensors of a state dict the names that `net` has for them.

    Every tensor of `net` must be named and found, and every tensor of `state` be used: weights that
    are left over would mean another network. (The counters of batch norm, `num_batches_tracked`, have no
    effect on scores: they are left as they are.) A tensor may come in another shape if only axes of
    size 1 differ: a dense layer's `(out, in)` is our `(out, in, 1)`.

    Args:
        state: of the reference implementation.
        names: for each name in `net.state_dict()` but those of counters, that in `state`.
        net: what the weights are for.
        ignored: beginnings of names in `state` that have no place in `net`, such as a front-end's.

    Returns:
        What `net.load_state_dict` takes.

    Raises:
        ParameterError: for a tensor that is missing, left over, or of another shape.

    >>> net = nn.Conv1d(4, 2, 1)
    >>> theirs = nn.Linear(4, 2).state_dict()
    >>> ours = rename_state(theirs, {"weight": "weight", "bias": "bias"}, net=net)
    >>> ours["weight"].shape
    torch.Size([2, 4, 1])
    """
    ours = net.state_dict()
    counters = {name: tensor for name, tensor in ours.items() if name.endswith(_COUNTER)}
    assert set(names) == set(ours) - set(counters)  # a map that is not that of the net is our own bug
    missing = sorted(set(names.values()) - set(state))
    if missing:
        raise ParameterError(f"state lacks {_listed(missing)}; give the state dict of the same variant")
    unused = {key for key in set(state) - set(names.values()) if not key.endswith(_COUNTER)}
    extra = sorted(key for key in unused if not key.startswith(tuple(ignored)))
    if extra:
        raise ParameterError(
            f"state holds {_listed(extra)}, which the net has no place for; give the state dict of the "
            "same variant"
        )
    renamed = dict(counters)
    for name, theirs in names.items():
        wanted, given = ours[name].shape, state[theirs]
        if _without_ones(wanted) != _without_ones(given.shape):
            raise ParameterError(
                f"state[{theirs!r}] of shape {tuple(given.shape)} does not fit {name!r} of shape "
                f"{tuple(wanted)}; build the net with the same classes, rows and width"
            )
        renamed[name] = given.detach().reshape(wanted).to(ours[name].dtype)
    return renamed


def rename_layers(
    state: Mapping[str, Tensor], layers: Mapping[str, str], *, net: nn.Module, ignored: Iterable[str] = ()
) -> dict[str, Tensor]:
    """`rename_state`, given the names of layers: what is in a layer has the same name in both.

    Args:
        state: of the reference implementation.
        layers: for each layer of `net` that has tensors, its name in `state`.
        net: what the weights are for.
        ignored: beginnings of names in `state` that have no place in `net`.

    Returns:
        What `net.load_state_dict` takes.

    Raises:
        ParameterError: as `rename_state`.
    """
    parts = (name.rsplit(".", 1) for name in net.state_dict() if not name.endswith(_COUNTER))
    names = {f"{layer}.{part}": f"{layers[layer]}.{part}" for layer, part in parts}
    return rename_state(state, names, net=net, ignored=ignored)


def turn_kernels(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """2-D kernels of a net that reads `(time, rows)`, for ours, which reads `(rows, time)`.

    >>> turn_kernels({"weight": torch.zeros(8, 1, 3, 5), "bias": torch.zeros(8)})["weight"].shape
    torch.Size([8, 1, 5, 3])
    """
    return {name: tensor.mT if tensor.dim() == 4 else tensor for name, tensor in state.items()}


def _without_ones(shape: torch.Size) -> list[int]:
    return [size for size in shape if size != 1]


def _listed(keys: list[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
    return ", ".join(map(repr, keys[:3])) + more

"""Any module as a scan: run on each window of its input by itself."""

import torch
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.geometry import Axis
from audiocnn.layers.conv import require_positive
from audiocnn.layers.scan import Scan, require_scan

__all__ = ["Windows"]


class Windows(Scan):
    """Any module, run on every window of its input by itself: a scan by construction.

    This is how a network that pads each layer, or looks at the whole clip, is
    scanned over a long recording or a stream with exactly its scores on clips.
    It costs what the windows cost: `window / stride` times a true scan.

    Args:
        module: gives one output step for an input of `window` steps.
        window: steps in a window.
        stride: steps from one window to the next.
        batch_size: windows that are run at once, which bounds memory.

    Raises:
        ParameterError: for a size that is not positive, a module that is no layer, a window that does not
            give one output, and on input shorter than the window.

    >>> from audiocnn.layers import Conv1d, Sequential, WindowMean
    >>> net = Sequential(Conv1d(8, 4, 3, padding="same"), WindowMean(20))
    >>> print(net.geometry, Windows(net, window=20, stride=5).geometry)
    None Geometry(span=20, stride=5)
    """

    row_axis = None

    def __init__(self, module: Scan, *, window: int, stride: int, batch_size: int = 256) -> None:
        super().__init__()
        require_scan("module", module)
        for name, value in (("window", window), ("stride", stride), ("batch_size", batch_size)):
            require_positive(name, value)
        self.module = module
        self.batch_size = batch_size
        self.window, self.stride = window, stride
        self.time_axis = Axis.scan(window, stride)
        takes = module.time_axis.takes
        if takes is not None:
            self._require_one_output(takes.output_length(window))

    def _require_one_output(self, outputs: int) -> None:
        if outputs != 1:
            raise ParameterError(
                f"window={self.window} gives {outputs} outputs of "
                f"{type(self.module).__name__}; choose a window that gives one"
            )

    def forward(self, x: Tensor) -> Tensor:
        """`(batch, ..., time)` -> `(batch, channel, windows)`."""
        self.require_span(x)
        windows = x.unfold(-1, self.window, self.stride).movedim(-2, 1)  # (batch, windows, ..., span), a view
        at_once = max(1, self.batch_size // max(1, len(x)))
        outputs = []
        for part in torch.split(windows, at_once, dim=1):
            output = self.module(part.flatten(0, 1))  # (batch * some windows, channel, 1)
            self._require_one_output(output.shape[-1])
            outputs.append(output.flatten(1).unflatten(0, part.shape[:2]))
        return torch.cat(outputs, dim=1).movedim(1, 2)  # (batch, channel, windows)

    def extra_repr(self) -> str:
        """Window and stride."""
        return f"window={self.window}, stride={self.stride}"

"""Weights and features for the MLPerf Tiny DS-CNN, drawn from a seed, in the layout and order of Keras.

NumPy alone: the reference runs where there is no torch.
"""

import numpy as np

CHANNELS, CLASSES = 64, 12
FRAMES, COEFFICIENTS = 49, 10


def mlperf_tiny_weights():
    """The 56 arrays of `model.get_weights()`; norms have statistics, so that nothing cancels."""
    random = np.random.RandomState(6)  # its numbers are the same in every version of NumPy
    arrays = []

    def layer(*shape, inputs, outputs=CHANNELS):
        arrays.append(random.normal(size=shape) * np.sqrt(2 / inputs))
        arrays.append(random.normal(size=outputs) * 0.1)

    def norm():
        arrays.append(random.uniform(0.5, 1.5, CHANNELS))  # gamma
        arrays.append(random.normal(size=CHANNELS) * 0.3)  # beta
        arrays.append(random.normal(size=CHANNELS))  # moving mean
        arrays.append(random.uniform(0.5, 2.0, CHANNELS))  # moving variance

    layer(10, 4, 1, CHANNELS, inputs=40)
    norm()
    for _ in range(4):
        layer(3, 3, CHANNELS, 1, inputs=9)
        norm()
        layer(1, 1, CHANNELS, CHANNELS, inputs=CHANNELS)
        norm()
    layer(CHANNELS, CLASSES, inputs=CHANNELS, outputs=CLASSES)
    return [array.astype(np.float32) for array in arrays]


def mlperf_tiny_features():
    """Three inputs as Keras takes them: `(batch, time, frequency, 1)`."""
    random = np.random.RandomState(7)
    return (10 * random.normal(size=(3, FRAMES, COEFFICIENTS, 1))).astype(np.float32)


def folded(arrays):
    """The 20 arrays that TFLite makes of these: kernels in its own layout, with norms in them, and biases."""
    found = []
    for i in range(0, len(arrays) - 2, 6):
        kernel, bias, gamma, beta, mean, variance = arrays[i : i + 6]
        scale = gamma / np.sqrt(variance + 1e-3)
        is_depthwise = kernel.shape[-1] == 1
        if is_depthwise:
            kernel = (kernel[..., 0] * scale)[None]  # (1, time, frequency, channels)
        else:
            kernel = (kernel * scale).transpose(3, 0, 1, 2)  # (out, time, frequency, in)
        found += [kernel, (bias - mean) * scale + beta]
    return [*found, arrays[-2].T, arrays[-1]]

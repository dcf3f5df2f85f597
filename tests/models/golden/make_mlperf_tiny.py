"""What Keras and TFLite make of the MLPerf Tiny DS-CNN with the weights of `tests/keras_weights.py`.

`python tests/models/golden/make_mlperf_tiny.py` writes `mlperf_tiny.json`: the parameters that Keras counts,
and the logits of the model of `benchmark/training/keyword_spotting/keras_model.py` (mlcommons/tiny). It stops
if TFLite, which folds norms into convolutions, holds other arrays than `folded` gives. It ran with
tensorflow-cpu 2.21.0, NumPy 2.4.6, Python 3.11.
"""

import json
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.keras import Model, layers

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from keras_weights import (  # noqa: E402
    CHANNELS,
    CLASSES,
    COEFFICIENTS,
    FRAMES,
    folded,
    mlperf_tiny_features,
    mlperf_tiny_weights,
)


def keras_model():
    """The reference's layers; it ends in a softmax, which is left out."""
    inputs = layers.Input((FRAMES, COEFFICIENTS, 1))
    x = layers.Conv2D(CHANNELS, (10, 4), strides=2, padding="same")(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Dropout(0.2)(x)
    for _ in range(4):
        x = layers.DepthwiseConv2D(3, padding="same")(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2D(CHANNELS, 1, padding="same")(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Dropout(0.4)(x)
    x = layers.AveragePooling2D((FRAMES // 2, COEFFICIENTS // 2))(x)
    return Model(inputs, layers.Dense(CLASSES)(layers.Flatten()(x)))


def tflite_arrays(model):
    """Kernel and bias of every convolution, and of the dense layer, in the order they run."""
    interpreter = tf.lite.Interpreter(model_content=tf.lite.TFLiteConverter.from_keras_model(model).convert())
    interpreter.allocate_tensors()
    kinds = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
    operations = [op for op in interpreter._get_ops_details() if op["op_name"] in kinds]
    return [interpreter.get_tensor(i) for op in operations for i in op["inputs"][1:]]


if __name__ == "__main__":
    model = keras_model()
    model.set_weights(mlperf_tiny_weights())
    for array, expected in zip(tflite_arrays(model), folded(mlperf_tiny_weights()), strict=True):
        np.testing.assert_allclose(array, expected, rtol=1e-5, atol=1e-6)
    golden = {
        "parameters": model.count_params(),
        "logits": model.predict(mlperf_tiny_features(), verbose=0).tolist(),
    }
    (HERE / "mlperf_tiny.json").write_text(json.dumps(golden, indent=1) + "\n")

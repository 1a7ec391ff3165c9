"""digits_cnn: handwritten digits of 8x8 pixels, the smallest network with every kind of convolution.

Task: 10 classes, 1797 images (scikit-learn's copy of the UCI "Optical recognition of handwritten digits" test set).
Input: (8, 8, 1), pixels 0..16 scaled to 0..1. Output: softmax of 10.
Layers: convolution, depthwise and pointwise convolution, each with batch norm; average pooling; dense. 10,730 parameters.
Metric: accuracy; about 98 % after 10 seconds of training.

    python -m models.digits_cnn --out build/digits
    edgecompress build build/digits/model.h5

The samples also serve a recipe directly: source = "models.digits_cnn:samples".
"""

from typing import Any

import numpy as np

from models.example import Example, run

EXAMPLE = Example(module="models.digits_cnn", data_file="digits.npz", epochs=20, learning_rate=0.006)


def build() -> Any:
    """The untrained network."""
    from edgecompress.load.runtime import keras2

    layers = keras2().layers
    return keras2().Sequential(
        [
            layers.Input((8, 8, 1), name="pixels"),
            layers.Conv2D(16, 3, padding="same", use_bias=False, name="stem"),
            layers.BatchNormalization(name="stem_norm"),
            layers.ReLU(name="stem_relu"),
            layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise"),
            layers.BatchNormalization(name="depthwise_norm"),
            layers.ReLU(name="depthwise_relu"),
            layers.Conv2D(32, 1, use_bias=False, name="pointwise"),
            layers.BatchNormalization(name="pointwise_norm"),
            layers.ReLU(name="pointwise_relu"),
            layers.MaxPooling2D(2, name="shrink"),
            layers.Conv2D(32, 3, padding="same", use_bias=False, name="deep"),
            layers.BatchNormalization(name="deep_norm"),
            layers.ReLU(name="deep_relu"),
            layers.AveragePooling2D(4, name="pool"),
            layers.Flatten(name="flat"),
            layers.Dense(10, activation="softmax", name="digit"),
        ],
        name="digits_cnn",
    )


def samples() -> dict[str, np.ndarray]:
    """x (1797, 8, 8) uint8 0..16, y (1797,) uint8 0..9."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return {"x": digits.images.astype(np.uint8), "y": digits.target.astype(np.uint8)}


if __name__ == "__main__":
    run(EXAMPLE, lambda arguments: arguments.data or samples(), __doc__ or "")

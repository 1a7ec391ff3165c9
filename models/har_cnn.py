"""har_cnn: what a person does, from one second of a phone's accelerometer and gyroscope.

Task: 5 classes (seated, standing up, walking, turning, sitting down). Samples: the user's .npz with x (n, 50, 6) in
m/s² and rad/s at 50 Hz, y (n,) and subject (n,); no person is in two splits.
Input: (50, 1, 6). The windows are images one pixel wide, since TF-MOT's quantization-aware training knows Conv2D only.
Output: softmax of 5. Layers: three convolutions along time with batch norm, pooling, dense. 8,645 parameters.
Metric: accuracy; about 94 % on four new people of the GeoTecINIT data (Matey-Sanz et al., 2023, CC BY 4.0).

    python -m models.har_cnn --data har.npz --out build/har
    edgecompress build build/har/model.h5
"""

from argparse import Namespace
from pathlib import Path
from typing import Any

from edgecompress.errors import UsageError
from models.example import Example, run

EXAMPLE = Example(module="models.har_cnn", data_file="har.npz", epochs=12, learning_rate=0.003)


def build() -> Any:
    """The untrained network."""
    from edgecompress.load.runtime import keras2

    layers = keras2().layers
    blocks: list[Any] = []
    for number, (filters, width) in enumerate(((16, 5), (32, 5), (32, 5)), 1):
        blocks += [
            layers.Conv2D(filters, (width, 1), padding="same", use_bias=False, name=f"conv{number}"),
            layers.BatchNormalization(name=f"norm{number}"),
            layers.ReLU(name=f"relu{number}"),
        ]
        if number < 3:
            blocks.append(layers.MaxPooling2D((2, 1), name=f"pool{number}"))
    tail = [
        layers.AveragePooling2D((12, 1), name="average"),
        layers.Flatten(name="flat"),
        layers.Dropout(0.2, name="dropout"),
        layers.Dense(5, activation="softmax", name="activity"),
    ]
    return keras2().Sequential([layers.Input((50, 1, 6), name="window"), *blocks, *tail], name="har_cnn")


def _samples(arguments: Namespace) -> Path:
    if arguments.data is None:
        raise UsageError("har_cnn brings no data.", hint="--data FILE.npz with x (n, 50, 6), y (n,) and subject (n,)")
    return arguments.data


if __name__ == "__main__":
    run(EXAMPLE, _samples, __doc__ or "")

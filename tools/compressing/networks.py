"""Float networks that a row starts from: built and trained from scratch in a worker, as a user would with plain Keras."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgecompress import worker
from edgecompress.load.runtime import keras2

WEIGHT_DECAY = 1e-4
"""Of the LeNets: without it, what looks at pixels that are always 0 keeps its initial values for ever."""


def lenet_300_100() -> Any:
    """LeCun's fully connected network of 266,610 parameters, (784,) -> (10,)."""
    layers, decay = keras2().layers, keras2().regularizers.L2(WEIGHT_DECAY)
    return keras2().Sequential(
        [
            layers.Input((784,)),
            layers.Dense(300, activation="relu", kernel_regularizer=decay, name="fc1"),
            layers.Dense(100, activation="relu", kernel_regularizer=decay, name="fc2"),
            layers.Dense(10, activation="softmax", kernel_regularizer=decay, name="fc3"),
        ]
    )


def lenet_5() -> Any:
    """Caffe's form of LeNet-5, 431,080 parameters, (28, 28, 1) -> (10,)."""
    layers, decay = keras2().layers, keras2().regularizers.L2(WEIGHT_DECAY)
    return keras2().Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(20, 5, kernel_regularizer=decay, name="conv1"),
            layers.MaxPooling2D(2, name="pool1"),
            layers.Conv2D(50, 5, kernel_regularizer=decay, name="conv2"),
            layers.MaxPooling2D(2, name="pool2"),
            layers.Flatten(name="flat"),
            layers.Dense(500, activation="relu", kernel_regularizer=decay, name="ip1"),
            layers.Dense(10, activation="softmax", kernel_regularizer=decay, name="ip2"),
        ]
    )


def vgg() -> Any:
    """3x3 convolutions in pairs after Simonyan and Zisserman 2015 with batch norms, 5.6 M MACs, (28, 28, 1) -> (10,)."""
    layers = keras2().layers
    model = keras2().Sequential([layers.Input((28, 28, 1))])
    for filters in (16, 32, 64):
        for _ in range(2):
            model.add(layers.Conv2D(filters, 3, padding="same", use_bias=False))
            model.add(layers.BatchNormalization())
            model.add(layers.ReLU())
        model.add(layers.MaxPooling2D(2))
        model.add(layers.Dropout(0.25))
    model.add(layers.Flatten())
    model.add(layers.Dense(128, activation="relu"))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(10, activation="softmax"))
    return model


def har() -> Any:
    """A small convolutional network for activities, (50, 1, 6) -> (5,)."""
    layers = keras2().layers
    model = keras2().Sequential([layers.Input((50, 1, 6))])
    for number, (filters, stride) in enumerate(((32, 1), (48, 2), (64, 2)), 1):
        model.add(layers.Conv2D(filters, (5, 1), (stride, 1), padding="same", use_bias=False, name=f"conv{number}"))
        model.add(layers.BatchNormalization(name=f"norm{number}"))
        model.add(layers.ReLU(name=f"relu{number}"))
    model.add(layers.GlobalAveragePooling2D(name="pool"))
    model.add(layers.Dropout(0.3, name="dropout"))
    model.add(layers.Dense(5, activation="softmax", name="classes"))
    return model


NETWORKS = {"lenet-300-100": lenet_300_100, "lenet-5": lenet_5, "vgg": vgg, "har": har}


def train(job: Mapping[str, Any]) -> dict[str, Any]:
    """Train a network of `NETWORKS` with Adam, its rate falling along a cosine; for `edgecompress.worker.call`.

    Args:
        job: "network", "data" (.npz with x_train and y_train; bytes are divided by 255), "out" (.h5), "epochs",
            "batch", "learning_rate", "seed".

    Returns:
        "parameters", and "accuracy" on the training samples.
    """
    keras = keras2()
    keras.utils.set_random_seed(job["seed"])
    with np.load(job["data"], allow_pickle=False) as arrays:
        x, y = arrays["x_train"], arrays["y_train"]
    model = NETWORKS[job["network"]]()
    x = x.reshape(len(x), *model.input_shape[1:]).astype(np.float32) / (255 if x.dtype == np.uint8 else 1)
    steps = job["epochs"] * -(-len(x) // job["batch"])
    rate = keras.optimizers.schedules.CosineDecay(job["learning_rate"], steps, alpha=0.01)
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])

    def told(epoch: int, logs: Any) -> None:
        worker.progress(f"training {job['network']}", epoch + 1, job["epochs"], metric=float(logs["accuracy"]))

    teller = keras.callbacks.LambdaCallback(on_epoch_end=told)
    fitted = model.fit(x, y, job["batch"], job["epochs"], verbose=0, callbacks=[teller])
    Path(job["out"]).parent.mkdir(parents=True, exist_ok=True)
    model.save(job["out"], save_format="h5")
    return {"parameters": model.count_params(), "accuracy": float(fitted.history["accuracy"][-1])}


def flattened(job: Mapping[str, Any]) -> None:
    """A network that takes the same samples flat; for `edgecompress.worker.call`.

    Args:
        job: "network", "out": .h5 files.
    """
    keras = keras2()
    network = keras.models.load_model(job["network"], compile=False)
    shape = network.input_shape[1:]
    first = [keras.layers.Input((int(np.prod(shape)),)), keras.layers.Reshape(shape, name="unflatten")]
    keras.Sequential([*first, *network.layers]).save(job["out"], save_format="h5")

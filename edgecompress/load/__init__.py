"""From a model file to a Keras 2 model, without running anything that the file brings along.

Everything here needs TensorFlow and therefore runs inside the worker process; importing this package does not.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tf_keras


def load(path: str | Path, *, trust_model_code: bool = False) -> "tf_keras.Model":
    """Load a trained model: legacy `.h5`, `.keras` of Keras 2 or 3, `.h5` of Keras 3, or a Keras SavedModel folder.

    Args:
        path: the file or folder.
        trust_model_code: also run the Python code that Lambda and custom layers hold.

    Returns:
        An uncompiled Functional or Sequential tf_keras model in float32 with a fixed input size (batch open).

    Raises:
        ModelFileError: truncated, foreign, inconsistent or hostile file; NaN or infinity in a weight.
        UnsupportedError: code in a layer, unknown layers, an open dimension, a subclassed model.
    """
    from edgecompress.load.opening import open_model

    return open_model(Path(path), trust_model_code=trust_model_code)


def load_stage(path: str | Path, *, quantized: bool = False, trust_model_code: bool = False) -> "tf_keras.Model":
    """Load a model that an earlier stage of edgecompress wrote.

    Args:
        path: an .h5 file of ours, checked like any other file.
        quantized: it has TF-MOT's quantize wrappers.
        trust_model_code: as for `load`; the user's Lambda layers are still in there.

    Raises:
        ModelFileError, UnsupportedError: as `load`.
    """
    from edgecompress.load.opening import open_stage

    return open_stage(Path(path), quantized=quantized, trust_model_code=trust_model_code)


def describe(path: str | Path, *, trust_model_code: bool = False) -> dict[str, Any]:
    """Layers, shapes, parameters, MACs and bytes of a model file, JSON-able; see `edgecompress.load.summary`."""
    from edgecompress.load.summary import describe_model

    return describe_model(load(path, trust_model_code=trust_model_code))


def clone(model: "tf_keras.Model") -> "tf_keras.Model":
    """An independent copy with layers and weights of its own (TF-MOT changes the layers it is given)."""
    from edgecompress.load.runtime import keras2

    copy = keras2().models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy

"""The one place that imports Keras, so that its settings are in force before TensorFlow is."""

import os
import sys
from types import ModuleType

from edgecompress.errors import MissingToolError

_HINT = "pip install edgecompress installs TensorFlow and tf_keras; .tflite files need neither"


def keras2() -> ModuleType:
    """tf_keras, that is Keras 2, with the defaults that the user's ~/.keras/keras.json may have changed.

    Raises:
        MissingToolError: it is not installed.
    """
    _settle()
    try:
        import tf_keras
    except ImportError as error:
        raise MissingToolError("tf_keras is not installed", found=str(error), hint=_HINT) from error
    tf_keras.backend.set_floatx("float32")
    tf_keras.backend.set_image_data_format("channels_last")
    return tf_keras


def keras3() -> ModuleType:
    """Keras 3 on TensorFlow, which reads its own files and serves to prove that a bridged model is right.

    Raises:
        MissingToolError: it is not installed.
    """
    _settle()
    try:
        import keras
    except ImportError as error:
        hint = "pip install keras, which reads .keras files of Keras 3"
        raise MissingToolError("Keras 3 is not installed", found=str(error), hint=hint) from error
    if not keras.__version__.startswith("3."):
        raise MissingToolError("Keras 3 is not installed", found=f"keras {keras.__version__}", hint="pip install keras")
    keras.backend.set_floatx("float32")
    return keras


def _settle() -> None:
    if "tensorflow" not in sys.modules:
        os.environ["TF_USE_LEGACY_KERAS"] = "1"
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")

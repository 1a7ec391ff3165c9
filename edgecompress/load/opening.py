"""The way from a path to a checked model: identify, read, refuse code, rebuild, fill, check."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgecompress import worker
from edgecompress.errors import EdgecompressError, ModelFileError
from edgecompress.load import config as description
from edgecompress.load import limits
from edgecompress.load.bridge import bridge
from edgecompress.load.check import check_input_size, check_model, in_float32
from edgecompress.load.containers import Contents, read_h5, read_keras
from edgecompress.load.identify import Format, identify
from edgecompress.load.runtime import keras2
from edgecompress.load.savedmodel import read_saved_model, restore_weights
from edgecompress.load.wiring import check_wiring

_READERS: dict[Format, Callable[[Path], Contents]] = {
    Format.H5: read_h5,
    Format.KERAS: read_keras,
    Format.SAVED_MODEL: read_saved_model,
}


def open_model(path: Path, *, trust_model_code: bool) -> Any:
    """Load a user's file; see `edgecompress.load.load`."""
    unreadable = f"{path.name} is damaged so that reading it fails"
    with worker.suspect(unreadable, limits.READING_SECONDS):
        form = identify(path)
        contents = _READERS[form](path)
    description.check(contents.config, path.name, trust_model_code=trust_model_code)
    try:
        with worker.suspect(unreadable, limits.BUILDING_SECONDS), limits.time(path.name):
            model = _build(path, form, contents, trust_model_code)
    except EdgecompressError:
        raise
    except Exception as error:  # Keras raises whatever its layers raise
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelFileError(
            f"{path.name}: Keras cannot rebuild the model", found=f"{type(error).__name__}: {first}"[:400]
        ) from error
    model = in_float32(model)
    check_model(model, path.name)
    _rename(model)
    return model


def _rename(model: Any) -> None:
    """TensorFlow refuses to convert a model, and to train it, by a name that it checks nowhere before."""
    model._name = re.sub(r"[^\w.-]", "_", model.name, flags=re.ASCII).lstrip("_-")[: limits.LONGEST_NAME] or "model"


def _build(path: Path, form: Format, contents: Contents, trust: bool) -> Any:
    if contents.is_keras3 and form is not Format.SAVED_MODEL:
        return bridge(path, contents, trust_model_code=trust)
    check_wiring(contents.config, path.name)
    check_input_size(contents.config, path.name)
    keras = keras2()
    with limits.weights(keras.layers.Layer, contents.values, path.name):
        if form is Format.KERAS:
            return keras.models.load_model(path, compile=False, safe_mode=not trust)
        if form is Format.H5:
            return keras.models.load_model(path, compile=False)
        model = keras.layers.deserialize(contents.config, use_legacy_format="module" not in contents.config)
    restore_weights(model, path)
    return model


def open_stage(path: Path, *, quantized: bool, trust_model_code: bool) -> Any:
    """Load a file of our own; see `edgecompress.load.load_stage`."""
    if not quantized:
        return open_model(path, trust_model_code=trust_model_code)
    keras = keras2()
    identify(path)
    contents = read_h5(path)
    description.check(contents.config, path.name, trust_model_code=trust_model_code, quantized=True)
    check_wiring(contents.config, path.name)
    import tensorflow_model_optimization as tfmot

    try:
        with tfmot.quantization.keras.quantize_scope():
            model = keras.models.load_model(path, compile=False)
    except Exception as error:  # Keras raises whatever its layers raise
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelFileError(f"{path.name}: the quantized model cannot be read", found=first[:400]) from error
    check_model(model, path.name)
    return model

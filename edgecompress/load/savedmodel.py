"""Keras models in SavedModel folders, rebuilt from their description; the graph in the folder is never loaded or run."""

from pathlib import Path
from typing import Any

from edgecompress.errors import ModelFileError, UnsupportedError
from edgecompress.load.containers import Contents, parse_json
from edgecompress.load.limits import MOST_GRAPH

_HINT = "save the model as one file: model.save('model.h5') or model.save('model.keras')"


def read_saved_model(path: Path) -> Contents:
    """Read the Keras description out of a SavedModel folder, from keras_metadata.pb or (before TF 2.5) the graph file.

    Raises:
        ModelFileError: damaged files.
        UnsupportedError: no Keras description (an export for serving), or a subclassed model.
    """
    text = _root_metadata(path)
    if text is None:
        raise UnsupportedError(
            f"{path.name} is a SavedModel without Keras's description of its layers",
            found="a graph of TensorFlow operations only (model.export, tf.saved_model.save)",
            hint=_HINT,
        )
    root = parse_json(text, path.name, "the Keras metadata")
    config = root.get("model_config") or {"class_name": root.get("class_name"), "config": root.get("config")}
    if not isinstance(config, dict) or not config.get("config"):
        kind = root.get("class_name", "a model")
        raise UnsupportedError(
            f"{path.name} holds a subclassed model, which is described by Python code only", found=str(kind), hint=_HINT
        )
    values = sum(file.stat().st_size for file in (path / "variables").glob("variables.data-*") if file.is_file())
    return Contents(_without_tuples(config), str(root.get("keras_version", "")), values)


def _without_tuples(value: Any) -> Any:
    """SavedModel metadata marks tuples, which Keras's layers take as lists just as well."""
    if isinstance(value, list):
        return [_without_tuples(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "__tuple__":
        return _without_tuples(value.get("items"))
    return {key: _without_tuples(item) for key, item in value.items()}


def restore_weights(model: Any, path: Path) -> None:
    """Fill a model that was rebuilt from the folder's description with the folder's variables.

    Raises:
        ModelFileError: variables are missing or of another shape.
    """
    try:
        model.load_weights(str(path / "variables" / "variables")).assert_existing_objects_matched()
    except Exception as error:  # TensorFlow raises a different class for every way a checkpoint can be wrong
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelFileError(f"{path.name}: variables/ does not suit the model", found=first[:300]) from error


def _root_metadata(path: Path) -> str | None:
    from google.protobuf.message import DecodeError

    try:
        return _from_metadata_file(path) if (path / "keras_metadata.pb").exists() else _from_graph(path)
    except (DecodeError, OSError) as error:
        raise ModelFileError(f"{path.name} is a damaged SavedModel", found=str(error)[:300]) from error


def _content(file: Path) -> bytes:
    if not file.is_file() or file.stat().st_size > MOST_GRAPH:
        raise ModelFileError(f"{file.parent.name}: {file.name} is no file, or larger than any model's")
    return file.read_bytes()


def _from_metadata_file(path: Path) -> str | None:
    from tf_keras.protobuf import saved_metadata_pb2

    metadata = saved_metadata_pb2.SavedMetadata()
    metadata.ParseFromString(_content(path / "keras_metadata.pb"))
    return next((node.metadata for node in metadata.nodes if node.node_path == "root"), None)


def _from_graph(path: Path) -> str | None:
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString(_content(path / "saved_model.pb"))
    if not saved.meta_graphs or not saved.meta_graphs[0].object_graph_def.nodes:
        return None
    root = saved.meta_graphs[0].object_graph_def.nodes[0]
    return root.user_object.metadata or None

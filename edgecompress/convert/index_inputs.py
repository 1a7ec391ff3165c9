"""Inputs that hold indices, though Keras declares them as float32, as it does wherever nobody says otherwise."""

from typing import Any

from edgecompress.load.runtime import keras2


def with_index_inputs(model: Any) -> Any:
    """The model with int32 inputs where nothing but Embedding reads them, the same one where that is nowhere so.

    Embedding casts what it gets to int32; quantized to int8, indices would lose their low digits on the way.
    """
    keras = keras2()
    indices = [tensor.dtype.is_floating and _is_looked_up(tensor, keras) for tensor in model.inputs]
    if not any(indices):
        return model
    inputs = [
        keras.Input(tensor.shape[1:], dtype="int32" if index else tensor.dtype, name=tensor._keras_history.layer.name)
        for tensor, index in zip(model.inputs, indices, strict=True)
    ]
    copy = keras.models.clone_model(model, input_tensors=inputs)
    copy.set_weights(model.get_weights())
    return copy


def _is_looked_up(tensor: Any, keras: Any) -> bool:
    readers = [node.layer for node in tensor._keras_history.layer._outbound_nodes]
    return bool(readers) and all(isinstance(layer, keras.layers.Embedding) for layer in readers)

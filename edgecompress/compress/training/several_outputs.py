"""Models of several outputs, as training and judging take them: their outputs as one vector, one behind the other."""

from typing import Any

from edgecompress.load.runtime import keras2


def as_vector(outputs: Any) -> Any:
    """What a model gives: the one tensor as it is, several as (n, all their values), in the order of `model.outputs`."""
    import tensorflow as tf

    tensors = tf.nest.flatten(outputs)
    if len(tensors) == 1:
        return tensors[0]
    return tf.concat([tf.reshape(one, [tf.shape(one)[0], one.shape[1:].num_elements()]) for one in tensors], axis=1)


def with_one_output(model: Any) -> Any:
    """The model, or one of the same layers whose output is the vector of all."""
    if len(model.outputs) == 1:
        return model
    keras = keras2()
    flat = [keras.layers.Flatten(name=f"flat_output_{i}")(one) for i, one in enumerate(model.outputs)]
    return keras.Model(model.inputs, keras.layers.Concatenate(name="all_outputs")(flat))

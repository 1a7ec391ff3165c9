"""From a Keras model to a full-integer .tflite file that is proven to be one, and what that cost in accuracy.

`stage`, `keras_outputs` and `lite` need TensorFlow and run in the worker process; `proof`, `codes`, `agreement`,
`evaluate` and `layer_errors` do not.
"""

"""Executors that run a .tflite file and show every operator's output: what our code's bytes are compared with.

Three of them share the interface `executor.Executor`: `tflm.Tflm` (TensorFlow Lite Micro itself: the contract),
`litert.Litert` (a second opinion, known to round FULLY_CONNECTED otherwise) and `integer.Integer` (our NumPy operators).
`inputs` makes what they are run on, `compare` says how their outputs differ.
"""

from edgecompress.reference.executor import Executor


def contract() -> Executor:
    """The executor whose bytes are the contract: TensorFlow Lite Micro's, or our NumPy equal where it is not installed."""
    from edgecompress.reference.integer import Integer
    from edgecompress.reference.tflm import Tflm

    tflm = Tflm()
    return tflm if tflm.available() is None else Integer()

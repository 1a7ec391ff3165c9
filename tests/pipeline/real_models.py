"""The full-integer models of the shared data, and why the others cannot be built."""

from pathlib import Path

import numpy as np

KWS = "mlperf_tiny/keyword_spotting/kws_ref_model"
MLPERF = (
    "mlperf_tiny/anomaly_detection/ad01_int8",
    "mlperf_tiny/image_classification/pretrainedResnet_quant",
    KWS,
    "mlperf_tiny/visual_wake_words/vww_96_int8",
)
STREAMING = ("mww/v2_hey_jarvis", "mww/v2_vad", "tflm/keyword_scrambled")
"""They keep a state."""
LEGACY = ("coral/mobilenet_v1_0.25_128_quant",)
"""They compute in uint8."""
OTHERS = (
    *LEGACY,
    "mlonmcu/qnn_model",
    "mltk/anomaly_detection",
    "mltk/audio_example1",
    "mltk/autoencoder_example",
    "mltk/image_example1",
    "mltk/keyword_spotting_on_off",
    "mltk/tflite_micro_magic_wand",
    "mltk/tflite_micro_speech",
    *STREAMING,
    "tflm/hello_world_int8",
    "tflm/micro_speech_quantized",
    "tflm/person_detect",
    "tflm/simple_add_model",
    "tinyengine/vww",
    "tinymaix/cifar10_q",
    "tinymaix/mnist_dw_q",
    "tinymaix/mnist_resnet_q",
    "tinymaix/mnist_valid_q",
)
MODELS = MLPERF + OTHERS

REFUSED = {
    "mlperf_tiny/anomaly_detection/ad01_fp32": "float",
    "mlperf_tiny/image_classification/pretrainedResnet": "float",
    "mlperf_tiny/keyword_spotting/kws_ref_model_float32": "float",
    "mlperf_tiny/visual_wake_words/vww_96_float": "float",
    "mltk/autoencoder_example.float32": "float",
    "mltk/image_example1.float32": "float",
    "tflm/hello_world_float": "float",
    "tflm/person_detect_vela": "ethos-u",
    "tflm/trained_lstm": "float",
    "tinyengine/ptq_mnist_lenet-300-100": "LOG_SOFTMAX",
    "tinymaix/cifar10_f": "float",
    "tinymaix/mnist_dw_f": "float",
    "tinymaix/mnist_resnet_f": "float",
    "tinymaix/mnist_valid_f": "float",
}
"""Not full-integer, or with an operator that there is no kernel for: a word of the refusal."""

CORES = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33")


def real_samples(data: Path, name: str) -> np.ndarray | None:
    """Eight samples of the data that a model was made for; None where there are none."""
    if name == KWS:
        return np.load(data / "eval" / "kws01_mfcc.npz")["x"][:8]
    if name.startswith("tinymaix/mnist") or name == "mlonmcu/qnn_model":
        return np.load(data / "datasets" / "mnist.npz")["x_test"][:8].astype(np.float32) / 255
    if name not in ("tinymaix/cifar10_q", "mlperf_tiny/image_classification/pretrainedResnet_quant"):
        return None
    images = np.load(data / "eval" / "ic01_cifar10_raw.npz")["x"][:8].astype(np.float32)
    return images / 255 if name == "tinymaix/cifar10_q" else images

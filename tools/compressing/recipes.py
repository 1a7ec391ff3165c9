"""How each trained row is trained: start, samples, passes. Settings were chosen on validation samples."""

from pathlib import Path

from compressing import material, sounds
from compressing.trained import Training

SEEDS = (0, 1, 2)
LENETS = {"lenet-300-100": [784], "lenet-5": [28, 28, 1]}
"""The networks on MNIST and the shape of an image for them."""
LEARNING_RATES = {"lenet-300-100": 2e-3, "lenet-5": 1e-3}
FLOAT_EPOCHS = {"lenet-300-100": 15, "lenet-5": 4, "vgg": 12}
PASSES = {
    "lenet-300-100": "prune{sparsity=0.937,threshold=global,epochs=16,end=0.5},codes{values=16,epochs=2,learning_rate=0.0001}",
    "lenet-5": "prune{sparsity=0.88,threshold=global,epochs=8,end=0.5},codes{values=16,epochs=2,learning_rate=0.0001}",
}
PARAMETERS = {"lenet-300-100": 266_610, "lenet-5": 431_080}
FEW_VALUES = {
    "ternary": "codes{values=3,epochs=6,learning_rate=0.001}",
    "binary": "codes{codebook=linear,values=2,epochs=6,learning_rate=0.001}",
}
"""Of LeNet-300-100, in every tensor."""
LOW_RANK = "low_rank{parameters=0.33,epochs=6,learning_rate=0.0005}"
"""Of LeNet-300-100: three times fewer weights."""
MIXTURES = {"distillation": 1.0, "temperature": 2.0, "mixup": True}
"""The network as it was loaded answers mixtures of samples."""
HINTS = {"distillation": 1.0, "temperature": 2.0, "hints": "features", "hint_weight": 1.0}
"""The network as it was loaded tells of its layers inside, too."""
TEACHER = {"distillation": 0.7, "temperature": 2.0, "teacher": "baseline"}
"""The same network trained as long without compression."""


def resnet8(models: Path, data: Path, cache: Path) -> Training:
    """MLPerf Tiny's ResNet8 on JPEG images; the teacher is the same network trained as long without compression."""
    source = material.cifar(data, cache)
    recipe = {
        "data": {"split": {"validation": 2_000, "calibration": 300, "train": 20_000}},
        "training": {
            "batch_size": 32,
            "learning_rate": 1e-3,
            **TEACHER,
            "distillation": 0.8,
        },
    }
    passes = "prune{sparsity=0.71,threshold=global,epochs=4,end=0.6},codes{values=16,epochs=1,learning_rate=0.0005}"
    return Training("resnet8", material.find(models, "pretrainedResnet.h5"), source, recipe, passes)


def kws(models: Path, data: Path, cache: Path, half: int) -> Training:
    """MLPerf Tiny's DS-CNN on half of the clips, without their labels: it learns what it answered before.

    Chosen by a quarter of the voices of half 0, kept from training: how far answers are from the loaded model's.
    """
    source = material.clips(data, cache, half)
    recipe = {
        "data": {
            "scale": sounds.SCALE,
            "offset": -sounds.ZERO_POINT * sounds.SCALE,
            "split": {"validation": 0, "calibration": 300},
        },
        "training": {
            "batch_size": 32,
            "learning_rate": 2e-3,
            **HINTS,
        },
    }
    passes = "prune{sparsity=0.705,threshold=global,epochs=22,end=0.5},codes{values=16,epochs=6,learning_rate=0.001}"
    return Training(f"kws-{half}", material.find(models, "kws_ref_model"), source, recipe, passes)


def har(data: Path, cache: Path) -> Training:
    """A small convolutional network for activities by subject."""
    source = material.activities(data, cache)
    job = {"data": str(source), "epochs": 15, "batch": 64, "learning_rate": 2e-3, "seed": 0}
    recipe = {
        "data": {"reshape": [50, 1, 6], "split": {"calibration": 300}},
        "training": {"batch_size": 64, "learning_rate": 1e-3, **TEACHER},
    }
    passes = "prune{sparsity=0.71,threshold=global,epochs=10,end=0.6},codes{values=16,epochs=4,learning_rate=0.0005}"
    return Training("har", material.network("har", job, cache), source, recipe, passes)


def lenet(name: str, passes: str, seed: int, data: Path, cache: Path, folder: str) -> Training:
    """A LeNet on MNIST; its float form is trained here, with the same seed.

    LeNet-300-100 learns from LeNet-5 how mixtures of images are answered, LeNet-5 from a deeper network.
    """
    source = material.digits(data, cache)
    if name == "lenet-300-100":
        teacher = material.flat(_float("lenet-5", seed, source, cache), cache)
    else:
        teacher = _float("vgg", 0, source, cache)
    recipe = {
        "data": {"scale": 1 / 255, "reshape": LENETS[name], "split": {"calibration": 300}},
        "training": {"batch_size": 128, "learning_rate": LEARNING_RATES[name], **MIXTURES},
    }
    start = _float(name, seed, source, cache)
    return Training(f"{folder}-{seed}", start, source, recipe, passes, seed, (teacher,))


def _float(name: str, seed: int, source: Path, cache: Path) -> Path:
    job = {"data": str(source), "batch": 128, "learning_rate": 2e-3, "epochs": FLOAT_EPOCHS[name], "seed": seed}
    return material.network(name, job, cache)

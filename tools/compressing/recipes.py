"""How each trained row is trained: start, samples, passes. Settings were chosen on validation samples."""

from pathlib import Path
from typing import Any

from compressing import material
from compressing.trained import Training

SEEDS = (0, 1, 2)
LENETS = {"lenet-300-100": [784], "lenet-5": [28, 28, 1]}


def resnet8(models: Path, data: Path, cache: Path) -> Training:
    """MLPerf Tiny's ResNet8 on JPEG images; the teacher is the same network trained as long without compression."""
    source = material.cifar(data, cache)
    recipe = {
        "data": {"source": str(source), "split": {"validation": 2_000, "calibration": 300, "train": 40_000}},
        "training": {
            **{"batch_size": 32, "learning_rate": 1e-3},
            **{"distillation": 0.8, "temperature": 2.0, "teacher": "baseline"},
        },
    }
    passes = "prune{sparsity=0.71,threshold=global,epochs=4,end=0.6},codes{values=16,epochs=1,learning_rate=0.0005}"
    return Training("resnet8", material.find(models, "pretrainedResnet.h5"), recipe, passes)

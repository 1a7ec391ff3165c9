"""Two reports: a build of a ResNet-8 about which all is known, and a bench of which most is unknown."""

from types import MappingProxyType

import pytest

from edgecompress.memory.plan import Block
from edgecompress.report.records import (
    Accuracy,
    Agreement,
    BitExact,
    Board,
    Cycles,
    Flash,
    Interval,
    Layer,
    LitertDifference,
    MemoryMap,
    Milliseconds,
    ModelFile,
    PassRecord,
    PromiseRecord,
    Ram,
    Report,
    Stage,
    TensorRecord,
)
from edgecompress.report.shrink_records import OriginalOutputs, Shrinking, ShrinkItem, ShrunkLayer

# op, name, MACs, weight bytes, instructions, output shape
RESNET = (
    ("CONV_2D", "conv2d", 442_368, 318, 3_964_112, (1, 32, 32, 16)),
    ("CONV_2D", "conv2d_1", 2_359_296, 1_331, 14_155_776, (1, 32, 32, 16)),
    ("CONV_2D", "conv2d_2", 2_359_296, 1_290, 14_155_776, (1, 32, 32, 16)),
    ("ADD", "add", 0, 0, 409_600, (1, 32, 32, 16)),
    ("CONV_2D", "conv2d_3", 1_179_648, 2_604, 7_077_888, (1, 16, 16, 32)),
    ("CONV_2D", "conv2d_4", 2_359_296, 5_120, 13_172_736, (1, 16, 16, 32)),
    ("CONV_2D", "conv2d_5", 131_072, 310, 1_310_720, (1, 16, 16, 32)),
    ("ADD", "add_1", 0, 0, 204_800, (1, 16, 16, 32)),
    ("CONV_2D", "conv2d_6", 1_179_648, 10_034, 6_717_440, (1, 8, 8, 64)),
    ("CONV_2D", "conv2d_7", 2_359_296, 19_882, 12_582_912, (1, 8, 8, 64)),
    ("CONV_2D", "conv2d_8", 131_072, 1_180, 1_048_576, (1, 8, 8, 64)),
    ("ADD", "add_2", 0, 0, 102_400, (1, 8, 8, 64)),
    ("AVERAGE_POOL_2D", "average_pooling2d", 0, 0, 41_984, (1, 1, 1, 64)),
    ("RESHAPE", "flatten", 0, 0, 0, (1, 64)),
    ("FULLY_CONNECTED", "dense", 640, 402, 5_312, (1, 10)),
    ("SOFTMAX", "Identity", 0, 0, 4_211, (1, 10)),
)
SPANS = (
    ("input", 3072, 0, 0), ("conv2d", 16384, 0, 3), ("conv2d_1", 16384, 1, 2), ("conv2d_2", 16384, 2, 3),
    ("add", 16384, 3, 6), ("conv2d_3", 8192, 4, 5), ("conv2d_4", 8192, 5, 7), ("conv2d_5", 8192, 6, 7),
    ("add_1", 8192, 7, 10), ("conv2d_6", 4096, 8, 9), ("conv2d_7", 4096, 9, 11), ("conv2d_8", 4096, 10, 11),
    ("add_2", 4096, 11, 12), ("average_pooling2d", 64, 12, 14), ("dense", 10, 14, 15), ("Identity", 10, 15, 15),
)  # fmt: skip
OFFSETS = (32768, 16384, 0, 32768, 0, 16384, 24576, 32768, 0, 8192, 12288, 16384, 0, 4096, 0, 12)


def _layers():
    return tuple(
        Layer(
            index=i,
            op=op,
            name=f"model/{name}/Relu;model/{name}/BiasAdd/ReadVariableOp",
            macs=macs,
            weight_bytes=weight_bytes,
            instructions=instructions,
            cycles=instructions * 117 // 100,
            cycles_min=instructions * 113 // 100,
            cycles_max=instructions * 121 // 100,
            output_shape=shape,
            codec="16 values, 4 bits" if weight_bytes > 1000 else None,
        )
        for i, (op, name, macs, weight_bytes, instructions, shape) in enumerate(RESNET)
    )


def _passes():
    zeros = PromiseRecord("at least 0.6 of the weights are zero", "zeros", (0.6,), ("conv2d_1", "conv2d_2"))
    values = PromiseRecord("at most 16 distinct values per tensor", "distinct_values", (16.0,))
    return (
        PassRecord(
            "prune{sparsity=0.6,epochs=4}", zeros, 0.6002, 41.7, 0.8729, 0.8691, 0.6047, "kept",
            ("conv2d left alone: the first layer has 432 weights only",),
        ),
        PassRecord("cluster{clusters=16}", values, 16.0, 38.2, 0.8691, 0.8648, 16.0, "kept"),
        PassRecord("qat{epochs=3}", None, None, 64.9, 0.8648, 0.8702, None, None),
    )  # fmt: skip


def _shrinking():
    return Shrinking(
        operators_before=16, operators=16, macs_before=12_501_632, macs=11_911_808, weights_before=77_360, weights=71_600,
        file="shrunk.tflite", sha256="c4" * 32, bytes=91_200,
        layers=(ShrunkLayer(9, "CONV_2D", "conv2d_7", 64, 60, 2_359_296, 2_211_840, 36_864, 34_560),),
        done=(ShrinkItem("constant channels", 9, "CONV_2D", "conv2d_7", 4, "of 64 channels"),),
        left=(ShrinkItem("constant channels", 8, "CONV_2D", "conv2d_6", 1, "kernels take 4 channels at a time"),),
        proof_inputs=9, proof_executor="our NumPy reference", outputs=OriginalOutputs(28, 1, 0, "tflite-micro"), seconds=1.2,
    )  # fmt: skip


def _blocks():
    return tuple(
        Block(i, name, offset, size, first, last)
        for i, ((name, size, first, last), offset) in enumerate(zip(SPANS, OFFSETS, strict=True))
    )


@pytest.fixture(scope="session")
def full_report() -> Report:
    layers = _layers()
    instructions = sum(layer.instructions for layer in layers)
    typical = sum(layer.cycles for layer in layers)
    low, high = sum(layer.cycles_min for layer in layers), sum(layer.cycles_max for layer in layers)
    clock = 120_000_000
    return Report(
        kind="build",
        model=ModelFile("models/pretrainedResnet.h5", "3f" * 32, 366_184, "keras"),
        target="nucleo-l4r5zi",
        board=Board("cortex-m4", "ST NUCLEO-L4R5ZI", 2_097_152, 655_360, clock, "unicorn 2.1.4"),
        macs=12_501_632,
        parameters=78_666,
        accuracy=Accuracy(
            "accuracy", 10_000, 0.8694, 0.8681, 0.8681, Interval(0.8626, 0.8758), Interval(0.8613, 0.8746),
            Interval(0.8340, 0.8920), 500, 0.8719, Interval(0.8652, 0.8783), 0.8734, Interval(0.8667, 0.8798),
            0.0053, Interval(0.0021, 0.0086), 0.01, "fraction", True,
        ),
        agreement=Agreement(10_000, 0.0412, 0.9937),
        bit_exact=BitExact(28, 16, 0, "tflite-micro 0.dev20250701"),
        flash=Flash(14_212, 3_480, 42_471, 60_163),
        ram=Ram(49_152, 49_152, 49_152, 312, 1_024, 50_488),
        instructions=instructions,
        cycles=Cycles("modelled", low, typical, high, "within 3 % of published silicon"),
        milliseconds=Milliseconds(low / clock * 1e3, typical / clock * 1e3, high / clock * 1e3, clock),
        layers=layers,
        passes=_passes(),
        inputs=(TensorRecord("serving_default_input_1:0", (1, 32, 32, 3), "int8", 1.0, -128),),
        outputs=(TensorRecord("StatefulPartitionedCall:0", (1, 10), "int8", 0.00390625, -128),),
        stages=(
            Stage("load", "model.h5", 366_184, 318_551, 1.9, "366184 bytes of float32 with the optimizer's state"),
            Stage("compress", "compressed.keras", 331_402, 92_114, 144.8, "prune, cluster, qat", 1_288_490_188),
            Stage("convert", "model.tflite", 98_344, 41_207, 7.4, "full integer"),
            Stage("generate", "model.c", 45_951, None, 0.1, "weights and constants"),
            Stage("compile", "firmware.elf", 60_163, None, 1.3, "bytes of flash"),
        ),
        memory=MemoryMap("greedy by size", _blocks()),
        shrinking=_shrinking(),
        litert=(LitertDifference(14, "FULLY_CONNECTED", "model/dense/BiasAdd", 3, 1),),
        warnings=("the calibration data hold only 9 of the 10 classes",),
        notes=("loss inferred: categorical cross-entropy on probabilities (last layer: softmax, labels: one-hot)",),
        command="edgecompress build models/pretrainedResnet.h5 --data cifar10.npz --target nucleo-l4r5zi --seed 7",
        seed=7,
        seconds=171.4,
        compiler_flags=("-O2", "-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard"),
        versions=MappingProxyType({"edgecompress": "0.1.0", "tensorflow": "2.21.0", "ziglang": "0.15.2"}),
        hashes=MappingProxyType({"model.tflite": "a1" * 32, "firmware.elf": "b2" * 32, "model.c": "c3" * 32}),
    )  # fmt: skip


@pytest.fixture(scope="session")
def bare_report() -> Report:
    """All that a failed or partial bench may know."""
    return Report(
        kind="bench",
        model=ModelFile("kws_ref_model.tflite", "5a" * 32, 53_936, "tflite"),
        target="cortex-m4",
        layers=(Layer(0, "CONV_2D", "conv"), Layer(1, "SOFTMAX", "")),
    )

"""The last look: the test samples, touched once, and every model's answers on them, left as arrays in a folder.

`judge` runs in the worker, since Keras models need TensorFlow; `write_test_set` alone serves where there are none.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from edgecompress import data
from edgecompress.codegen.ops.base import printable
from edgecompress.compress.stage import task_of
from edgecompress.compress.training.task import Output
from edgecompress.data.dataset import Split
from edgecompress.errors import DataError
from edgecompress.files import make_folder
from edgecompress.recipe import TrainingRecipe
from edgecompress.reference.inputs import as_input
from edgecompress.tflite import reader
from edgecompress.tflite.graph import Graph, Tensor

BATCH = 64
NOTHING_TRAINED: Mapping[str, Any] = MappingProxyType({"data.split.validation": 0, "data.split.test": 0.9})
"""The splits of a .tflite without a recipe: no sample has to be kept for training; a few tell what the labels mean."""


def convert_and_judge(job: Mapping[str, Any]) -> dict[str, Any]:
    """`edgecompress.convert.stage:convert`, then `judge` in the same process: TensorFlow is started once.

    Args:
        job: as `convert` takes it, and "judge": what `judge` takes beyond it, or None.

    Returns:
        What `convert` returns, and "judged": what `judge` returns, or None.
    """
    from edgecompress.convert.stage import convert

    result = convert(job)
    judged = judge({**job, **job["judge"], "tflite": job["output"]}) if job.get("judge") else None
    return {**result, "judged": judged}


def quantize_and_judge(job: Mapping[str, Any]) -> dict[str, Any]:
    """Converts to the format of [quantization], then the user's model on the test samples, in the same process.

    Args:
        job: as `edgecompress.convert.stage:convert` and `judge` take it.

    Returns:
        What `convert` or `convert_as` returns, and "judged": what `judge` returns, None with random samples.
    """
    from edgecompress.convert.formats import convert_as
    from edgecompress.convert.post_training import settings_of
    from edgecompress.convert.stage import convert

    result = convert(job) if settings_of(job).format == "int8" else convert_as(job)
    judged = None if job.get("random") else judge({**job, "original": job["model"], "models": {}})
    return {**result, "judged": judged}


def write_and_judge(job: Mapping[str, Any]) -> dict[str, Any]:
    """Writes the compressed model for plain Keras, then `judge`, where no integer model is made.

    Args:
        job: as `judge` takes it, and "file": the path to write.

    Returns:
        {"difference": see `write_keras`, "described": {"original", "compressed"}: see `load.summary.describe_model`,
        "judged": what `judge` returns}
    """
    from edgecompress import load
    from edgecompress.compress.models.keras_file import write_keras
    from edgecompress.load.summary import describe_model

    trust = bool(job.get("trust_model_code"))
    compressed = load.load_stage(job["models"]["compressed"]["path"], trust_model_code=trust)
    original = load.load(job["original"], trust_model_code=trust)
    described = {"original": describe_model(original), "compressed": describe_model(compressed)}
    difference = write_keras(compressed, Path(job["file"]))
    return {"difference": difference, "described": described, "judged": judge(job, original)}


def judge_tflite(dataset: data.Dataset, model: Path, training: TrainingRecipe, out: Path) -> dict[str, Any]:
    """Like `judge` where there is no Keras model: the task is told from the integer graph. No TensorFlow."""
    graph = reader.read(model)
    tensor = graph.tensors[graph.outputs[0]]
    last = next(
        (o.opcode for o in reversed(graph.operations) if o.opcode not in ("DEQUANTIZE", "RESHAPE", "QUANTIZE")), ""
    )
    activation = {"SOFTMAX": "softmax", "LOGISTIC": "sigmoid"}.get(last, "linear")
    output = Output(
        activation, tensor.shape[1:], graph.tensors[graph.inputs[0]].shape[1:], f'the output "{printable(tensor.name)}"'
    )
    task = task_of(output, dataset, training)
    split = test_split(dataset)
    write_test_set(split, graph, out, with_floats=task.target == "input", as_stored=True)
    labels = dataset.labels.how
    if is_quantized(split, graph.tensors[graph.inputs[0]]):
        labels += "; the samples are taken as already quantized, as they are stored"
    return {"task": task.as_dict(), "samples": len(split), "labels": labels}


def judge(job: Mapping[str, Any], original: Any = None) -> dict[str, Any]:
    """Every Keras model's outputs on the test split; runs in the worker process.

    Args:
        job: "original" (path of the user's model), "models" (name -> {"path", "quantized"}: those of earlier stages),
            "tflite" (path, or None where no integer model is judged beside them), "data" (source),
            "recipe" (path or None), "overrides", "out" (folder), "trust_model_code".
        original: the user's model, where it is loaded already.

    Returns:
        {"task": see `compress.training.task.Task`, "samples": how many, "labels": how they were understood}; the arrays are in
        the folder: see `write_test_set`, and outputs_<name>.npy (samples, …) float32 for "original" and every model.
    """
    from edgecompress import load, recipe, worker
    from edgecompress.compress.training.fine_tuning import describe_output

    trust = bool(job.get("trust_model_code"))
    settings = recipe.load(job.get("recipe"), dict(job.get("overrides") or {}))
    dataset = data.open(job["data"], settings.data, settings.build.seed)
    if original is None:
        original = load.load(job["original"], trust_model_code=trust)
    task = task_of(describe_output(original), dataset, settings.training)
    split = test_split(dataset)
    out = Path(job["out"])
    graph = reader.read(job["tflite"]) if job.get("tflite") else None
    write_test_set(split, graph, out, with_floats=task.target == "input")
    np.save(out / "outputs_original.npy", _keras_outputs(original, split, "the original model"), allow_pickle=False)
    for name, entry in sorted(job["models"].items()):
        model = load.load_stage(entry["path"], quantized=entry["quantized"], trust_model_code=trust)
        np.save(out / f"outputs_{name}.npy", _keras_outputs(model, split, f"the {name} model"), allow_pickle=False)
    worker.progress("judging", 1, 1)
    return {"task": task.as_dict(), "samples": len(split), "labels": dataset.labels.how}


def is_quantized(split: Split, tensor: Tensor) -> bool:
    """Whether samples are stored as the integers that an input takes: its type, neither scaled nor shifted."""
    plain = all(np.all(t.scale == 1) and np.all(t.offset == 0) for t in split.transforms)
    return tensor.dtype.kind in "iu" and plain and all(dtype == tensor.dtype for dtype in split.part.reader.dtypes)


def test_split(dataset: data.Dataset) -> Split:
    """The test split, handed out once."""
    split = dataset.test()
    if not len(split):
        raise DataError("the test split is empty", hint="[data.split] test in the recipe, or arrays x_test and y_test")
    return split


def write_test_set(
    split: Split, graph: Graph | None, out: Path, *, with_floats: bool = False, as_stored: bool = False
) -> None:
    """Streams the test split into labels.npy and input_<n>.npy, quantized as the integer model takes them.

    Args:
        graph: of the integer model; every one of its inputs has a column in the split, in the same order. None: no inputs are written.
        out: the folder; input_<n>.npy is (samples, …) in the input tensor's dtype.
        as_stored: samples that are stored in the input's very integer type, unscaled, are already quantized.
        with_floats: also targets.npy, the first input before quantization: what an autoencoder should give back.
    """
    make_folder(out)
    files = _input_files(split, graph, out) if graph else []
    targets = None
    if with_floats:
        shape = (len(split), *split.shapes[0])
        targets = np.lib.format.open_memmap(out / "targets.npy", "w+", np.float32, shape)
    done, labels = 0, []
    for batch in split.batches(BATCH):
        count = len(batch.inputs[0])
        if targets is not None:
            targets[done : done + count] = batch.inputs[0]
        for (tensor, file), values in zip(files, batch.inputs, strict=False):
            shaped = values.reshape(count, *tensor.shape[1:])
            if as_stored and is_quantized(split, tensor):
                shaped = shaped.astype(tensor.dtype)
            file[done : done + count] = as_input(tensor, shaped)
        labels += [] if batch.labels is None else [batch.labels]
        done += count
    for file in (*(file for _, file in files), *([targets] if targets is not None else [])):
        file.flush()
    if labels:
        np.save(out / "labels.npy", np.concatenate(labels), allow_pickle=False)


def _input_files(split: Split, graph: Graph, out: Path) -> list[tuple[Tensor, np.memmap]]:
    """Every input with its file, for all samples."""
    tensors = [graph.tensors[i] for i in graph.inputs]
    if len(tensors) != len(split.shapes):
        raise DataError(
            f"the model has {len(tensors)} inputs, the samples {len(split.shapes)} columns",
            hint="name them in [data] x",
        )
    files = []
    for number, tensor in enumerate(tensors):
        if int(np.prod(split.shapes[number])) * tensor.shape[0] != tensor.elements:
            raise DataError(
                f'samples do not have the shape of the input "{printable(tensor.name)}", {list(tensor.shape[1:])}',
                found=f"{list(split.shapes[number])}",
                hint="reshape in [data] of the recipe",
            )
        shape = (len(split), *tensor.shape[1:])
        files.append((tensor, np.lib.format.open_memmap(out / f"input_{number}.npy", "w+", tensor.dtype, shape)))
    return files


def _keras_outputs(model: Any, split: Split, name: str) -> np.ndarray:
    """(samples, …) float32 of a model's output, (samples, values) of several."""
    from edgecompress import worker
    from edgecompress.compress.training.fine_tuning import outputs_of

    infer = outputs_of(model)
    outputs, done = [], 0
    for batch in split.batches(BATCH):
        outputs.append(np.asarray(infer(batch.x), np.float32))
        done += len(batch.inputs[0])
        worker.progress(f"judging {name}", done, len(split))
    return np.concatenate(outputs)

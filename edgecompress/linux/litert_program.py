"""LiteRT on a Linux computer: times its default kernels, and shows what every operator gives with its reference kernels.

This file is sent to the computer and run there with `python3 -I`: it imports nothing of edgecompress and holds to old
Python. `litert_program.py probe` prints what there is; `litert_program.py run FOLDER` reads job.json, model.tflite and
inputs.npz (arrays named by tensor index, first axis the sample) in FOLDER and writes answer.json, outputs.npz (the model's
outputs, default kernels) and operators.npz (every operator's outputs, reference kernels).
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import signal
import sys
import time
from typing import Any

PACKAGES = (("ai_edge_litert", "ai-edge-litert"), ("tflite_runtime", "tflite-runtime"))

STATEFUL = ("VAR_HANDLE", "SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM")
"""Operators that remember."""


def probe() -> dict[str, Any]:
    """What is installed here."""
    found = {"python": platform.python_version(), "machine": platform.machine(), "package": None, "problem": ""}
    for module, distribution in PACKAGES:
        try:
            importlib.import_module(module + ".interpreter")
        except ImportError as error:
            found["problem"] = found["problem"] or str(error)
            continue
        found.update(package=distribution, module=module, version=version_of(distribution), problem="")
        break
    return found


def version_of(distribution: str) -> str | None:
    try:
        from importlib import metadata

        return metadata.version(distribution)
    except Exception:
        return None


def peak_bytes() -> int | None:
    """The most memory that was resident; None where the system does not say."""
    try:
        with open("/proc/self/status") as status:  # noqa: PTH123
            for line in status:
                if line.startswith("VmHWM:"):
                    return 1024 * int(line.split()[1])
    except (OSError, ValueError):
        pass
    return None


def time_runs(interpreter: Any, samples: dict[int, Any], warm_up: int, runs: int) -> list[int]:
    """Nanoseconds of each timed inference; inputs are set outside of it."""
    times = []
    for number in range(warm_up + runs):
        for index, values in samples.items():
            interpreter.set_tensor(index, values[number % len(values)])
        start = time.perf_counter_ns()
        interpreter.invoke()
        end = time.perf_counter_ns()
        if number >= warm_up:
            times.append(end - start)
    return times


def mark_runs(interpreter: Any, samples: dict[int, Any], runs: int) -> None:
    """Inferences for somebody who counts instructions between calls of getppid: pairs without, then with an inference."""
    for number in range(2 * runs):
        for index, values in samples.items():
            interpreter.set_tensor(index, values[0])
        call = interpreter.invoke if number >= runs else nothing
        os.getppid()
        call()
        os.getppid()


def nothing() -> None:
    """Costs what calling anything costs."""


def run_samples(opened: Any, samples: dict[int, Any], wanted: list[int], keeps_state: bool) -> dict[str, Any]:
    """tensor index -> its values, first axis the sample; each from a fresh state, which takes a new interpreter."""
    import numpy

    interpreter = opened()
    collected: dict[str, list[Any]] = {str(index): [] for index in wanted}
    for number in range(len(next(iter(samples.values())))):
        if keeps_state and number:
            interpreter = opened()
        for index, values in samples.items():
            interpreter.set_tensor(index, values[number])
        interpreter.invoke()
        for index in wanted:
            collected[str(index)].append(numpy.array(interpreter.get_tensor(index)))
    return {name: numpy.stack(values) for name, values in collected.items()}


def kernels_of(interpreter: Any) -> str:
    """Whose kernels run: XNNPACK is the only delegate that is there unasked."""
    names = [str(operator["op_name"]) for operator in interpreter._get_ops_details()]
    return "XNNPACK" if any("delegate" in name.lower() for name in names) else "built-in"


def operator_outputs(interpreter: Any) -> list[int]:
    import numpy

    return sorted(
        set(
            int(index)
            for operator in interpreter._get_ops_details()
            for index, kind in zip((i for i in operator["outputs"] if i >= 0), operator["result_types"])  # noqa: B905
            if numpy.dtype(kind).kind in "biuf"
        )
    )


def open_default(module: Any, model: str, threads: int) -> Any:
    interpreter = module.Interpreter(model_path=model, num_threads=threads)
    interpreter.allocate_tensors()
    return interpreter


def open_reference(module: Any, model: str) -> Any:
    """With the reference kernels, every tensor to be read."""
    interpreter = module.Interpreter(
        model_path=model,
        num_threads=1,
        experimental_op_resolver_type=module.OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    return interpreter


def run(folder: str) -> None:
    """Does the job in the folder."""
    import numpy

    with open(os.path.join(folder, "job.json")) as text:  # noqa: PTH118, PTH123
        job = json.load(text)
    signal.alarm(int(job["limit"]))  # whoever started this may be gone by then
    found = probe()
    module = importlib.import_module(found["module"] + ".interpreter")
    with numpy.load(os.path.join(folder, "inputs.npz"), allow_pickle=False) as stored:  # noqa: PTH118
        samples = {int(name): stored[name] for name in stored.files}
    model = os.path.join(folder, "model.tflite")  # noqa: PTH118
    interpreter = open_default(module, model, job["threads"])
    answer = dict(found, kernels=kernels_of(interpreter), problem="")
    mark_runs(interpreter, samples, job.get("marks", 0))
    answer["times"] = time_runs(interpreter, samples, job["warm_up"], job["runs"])
    answer["peak_bytes"] = peak_bytes()
    outputs = [int(detail["index"]) for detail in interpreter.get_output_details()]
    reference = open_reference(module, model)
    stateful = any(str(operator["op_name"]) in STATEFUL for operator in reference._get_ops_details())
    default = (lambda: open_default(module, model, job["threads"])) if stateful else (lambda: interpreter)
    save(folder, "outputs.npz", run_samples(default, samples, outputs, stateful))
    if job["operators"]:
        wanted = operator_outputs(reference)
        shown = run_samples(lambda: open_reference(module, model), samples, wanted, stateful)
        save(folder, "operators.npz", shown)
    with open(os.path.join(folder, "answer.json"), "w") as text:  # noqa: PTH118, PTH123
        json.dump(answer, text)


def save(folder: str, name: str, arrays: dict[str, Any]) -> None:
    import numpy

    numpy.savez(os.path.join(folder, name), **arrays)  # noqa: PTH118


if __name__ == "__main__":
    if sys.argv[1:] == ["probe"]:
        sys.stdout.write(json.dumps(probe()) + "\n")
    else:
        run(sys.argv[2])

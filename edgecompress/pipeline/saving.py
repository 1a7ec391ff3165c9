"""What `bench --save` leaves: enough to recompute exactness, flash, RAM and cycles without trusting the report."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from edgecompress.codegen.program import Program
from edgecompress.files import make_folder, write_bytes, write_text, write_with
from edgecompress.pipeline.firmware import Firmware
from edgecompress.report.records import Report
from edgecompress.report.schema import to_json
from edgecompress.targets.image import Image

Tensors = Mapping[int, np.ndarray]


@contextmanager
def work_folder(save: Path | None) -> Iterator[Path]:
    """The folder to build in: the one to save into, or a temporary one."""
    if save is not None:
        make_folder(save)
        yield save
        return
    with tempfile.TemporaryDirectory(prefix="edgecompress-") as name:
        yield Path(name)


def save(
    folder: Path,
    model: Path,
    report: Report,
    program: Program,
    built: Firmware,
    inputs: Sequence[Tensors],
    outputs: Sequence[Tensors],
) -> None:
    """Writes inputs.npz, outputs.npz, layers.npz, the model, its C, the memory map and report.json beside the ELF files."""
    save_arrays(
        folder / "inputs.npz", {f"input_{n}": [s[i] for s in inputs] for n, i in enumerate(program.graph.inputs)}
    )
    save_arrays(
        folder / "outputs.npz", {f"output_{n}": [s[i] for s in outputs] for n, i in enumerate(program.graph.outputs)}
    )
    save_arrays(
        folder / "layers.npz",
        {f"operator_{o.index}_tensor_{i}": outputs[0][i] for o in program.graph.operations for i in o.outputs},
    )
    if model.resolve() != (folder / "model.tflite").resolve():
        write_bytes(folder / "model.tflite", model.read_bytes())
    for image in (built.mailbox, built.standalone, built.serial):
        if image is not None and image.path.parent.resolve() != folder.resolve():
            write_bytes(folder / image.path.name, image.path.read_bytes())
    for name, text in built.sources.items():
        write_text(folder / "c" / name, text)
    write_text(folder / "firmware.map", memory_map(built.mailbox))
    write_text(folder / "standalone.map", memory_map(built.standalone))
    write_text(folder / "report.json", to_json(report))


def memory_map(image: Image) -> str:
    """Every symbol with its address, size and section, by address."""
    lines = [f"{'address':>10} {'bytes':>8} section          symbol"]
    for symbol in sorted(image.symbols.values(), key=lambda s: (s.address, s.name)):
        lines.append(f"{symbol.address:#010x} {symbol.size:8d} {symbol.section:16} {symbol.name}")
    return "\n".join(lines) + "\n"


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray | list[np.ndarray]]) -> None:
    """Writes a compressed .npz, whole or not at all."""

    def write(aside: Path) -> None:
        with aside.open("wb") as stream:
            np.savez_compressed(stream, **{name: np.asarray(values) for name, values in arrays.items()})  # type: ignore[arg-type]

    write_with(path, write)

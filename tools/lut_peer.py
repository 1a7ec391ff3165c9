#!/usr/bin/env python3
"""The same clustered model through TensorFlow Lite Micro's own compression tool and through edgecompress, side by side.

    python tools/lut_peer.py kws_ref_model.tflite pretrainedResnet_quant.tflite [--values 16] [--baseline tflm.json]

Every weight tensor is clustered to a few integers (k-means of its int8 codes), so both get the same standard .tflite. TFLM's tool
(in the PyPI package tflite-micro) puts indices and tables of values into the file and a DECODE operator before every layer, which
writes the whole tensor into the arena. Per layer it gets the smaller of its two kinds of tables (one, or one per channel) that its
own interpreter decodes rightly, and none where both are larger than the weights.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarking import others
from benchmarking.figures import Figures
from benchmarking.measure import MODELS
from peers import tflm_lut
from peers.clusters import clustered

from edgecompress.errors import EdgecompressError
from edgecompress.memory.choice import Wish
from edgecompress.pipeline.bench import Benchmark, bench
from edgecompress.reference.inputs import hostile_inputs, random_inputs
from edgecompress.tflite import reader, writer

MOST_VALUES = 128
"""What TFLM's tables hold."""


def ours(path: Path, target: str, inputs: int) -> list[Benchmark]:
    """In `balanced` and `size`: built, run and equal to tflite-micro byte by byte; the same multiplications as the peer's."""
    made = [bench(path, target=target, inputs=inputs, wish=Wish(mode), shrink=False) for mode in ("balanced", "size")]
    for result in made:
        result.require_exact()
    return made


def decoding_bytes(result: Benchmark) -> int:
    """The most RAM that a layer takes for decoding: tables and a block of weights."""
    calls = [layer.call for layer in result.program.layers]
    return max((call.scratch_bytes - call.code.tables for call in calls if call.code), default=0)


def line(what: str, *cells: int | str | None) -> None:
    """Prints a row; what is not known is a dash."""
    texts = ("-" if cell is None else cell if isinstance(cell, str) else f"{cell:,}" for cell in cells)
    print(f"  {what:40}" + "".join(f"{text:>15}" for text in texts))


def show(peer: tflm_lut.Compressed, made: list[Benchmark], known: Figures | None) -> None:
    """The table of one model."""
    reports = [result.report for result in made]
    plain, coded = peer.plain, peer.coded
    line("", "TFLM int8", "TFLM LUT", "ours balanced", "ours size")
    line("weights with their tables, bytes", peer.int8_bytes, peer.weight_bytes, *(r.flash.weights for r in reports))
    if peer.one_table_bytes < peer.weight_bytes:
        line("  if its one table a tensor were read", None, peer.one_table_bytes)
    share = (size / peer.int8_bytes for size in (peer.weight_bytes, *(r.flash.weights or 0 for r in reports)))
    line("  of int8", "1.000", *(f"{one:.3f}" for one in share))
    line("model in flash, bytes (ours: constants)", plain.file_bytes, coded.file_bytes, *map(constant_bytes, made))
    line("code in flash, bytes", known.code if known else None, None, *(r.flash.code for r in reports))
    line("arena, bytes (TFLM: on this computer)", plain.arena, coded.arena, *(r.ram.arena for r in reports))
    line("  of it tensors and scratch", plain.tensors, coded.tensors, *(r.ram.arena for r in reports))
    line("  of it decoded weights at once", 0, peer.most_decoded, *map(decoding_bytes, made))
    line("instructions, counted", known.instructions if known else None, None, *(r.instructions for r in reports))
    line("cycles, modelled", known.cycles if known else None, None, *(r.cycles.typical for r in reports))
    line("outputs equal the int8 file's in TFLM", "-", "yes" if peer.equal else "NO", "yes", "yes")


def constant_bytes(result: Benchmark) -> int:
    """Weights, and all else that is not code."""
    flash = result.report.flash
    return (flash.weights or 0) + (flash.constants or 0)


def show_layers(peer: tflm_lut.Compressed, made: Benchmark) -> None:
    """What became of each layer's weights, and why."""
    mine = {f"{layer.index} {layer.op}": layer for layer in made.report.layers}
    print(f"  {'':24}{'int8':>8}{'one table':>11}{'per channel':>13}{'taken':>13}{'ours size':>11}")
    for layer in peer.layers:
        cells = [
            f"{layer.bytes[k]:,}{'' if k in layer.right else ' !'}" if k in layer.bytes else "-" for k in tflm_lut.KINDS
        ]
        own = mine[layer.label]
        taken = (layer.kind or "int8").replace("_", " ")
        print(
            f"  {layer.label:24}{layer.int8_bytes:8,}{cells[0]:>11}{cells[1]:>13}{taken:>13}{own.weight_bytes or 0:11,} {own.codec}"
        )
        for kind, reason in layer.reasons.items():
            print(f"      refused {kind.replace('_', ' ')}: {reason}")
    if any(set(layer.bytes) - layer.right for layer in peer.layers):
        print("  !: its own interpreter decodes this to other weights")


def compare(path: Path, arguments: argparse.Namespace, folder: Path) -> None:
    """One model, through both."""
    file = folder / f"{path.stem}.tflite"
    file.write_bytes(writer.write(clustered(reader.read(path), arguments.values)))
    graph = reader.read(file)
    peer = tflm_lut.compress(file, folder, [*random_inputs(graph, arguments.inputs), *hostile_inputs(graph)])
    made = ours(file, arguments.target, arguments.inputs)
    names = {known: name for name, known in MODELS.items()}
    theirs = others.baseline(others.read(arguments.baseline), "cmsis-nn", "default") if arguments.baseline else {}
    print(f"{path.name}, at most {arguments.values} values a tensor, on {arguments.target}")
    show(peer, made, theirs.get((arguments.target, names.get(path.name, ""))))
    show_layers(peer, made[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path, help="full-integer .tflite files")
    parser.add_argument("--values", type=int, default=16, help="distinct integers in a weight tensor, at most 128")
    parser.add_argument("--target", default="cortex-m4")
    parser.add_argument("--inputs", type=int, default=4, help="random ones, beside four hostile ones")
    parser.add_argument("--baseline", type=Path, help="JSON: TFLM with int8 weights, emulated on the same cores")
    arguments = parser.parse_args()
    if not 2 <= arguments.values <= MOST_VALUES:
        parser.error(f"--values {arguments.values}: TFLM's tables hold 2 to {MOST_VALUES}")
    try:
        for path in arguments.models:
            with tempfile.TemporaryDirectory(prefix="edgecompress-") as folder:
                compare(path, arguments, Path(folder))
    except EdgecompressError as error:
        raise SystemExit(str(error)) from error
    print(
        "-: not known: the package holds TFLM for this computer only; its DECODE runs in every inference, before every layer."
    )


if __name__ == "__main__":
    main()

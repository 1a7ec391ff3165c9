"""What is installed, what is missing and what that costs; and which targets can be run here."""

import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version

from edgecompress import targets
from edgecompress.report.listing import TargetRow, ToolCheck

PACKAGES = (
    # name, what does not work without it, how to get it, whether nothing works without it
    ("numpy", "everything", "pip install numpy", True),
    ("ziglang", "compiling the C (unless arm-none-eabi-gcc is there)", "pip install ziglang", True),
    ("unicorn", "running on an emulated Cortex-M", "pip install unicorn", True),
    ("capstone", "modelled cycles", "pip install capstone", True),
    ("ai-edge-litert", "reading .tflite files, and the comparison with LiteRT", "pip install ai-edge-litert", True),
    ("tensorflow", "Keras models: training and conversion", "pip install tensorflow", False),
    ("tf_keras", "Keras models: training and conversion", "pip install tf_keras", False),
    (
        "tensorflow-model-optimization",
        "the passes prune, cluster and qat",
        "pip install tensorflow-model-optimization",
        False,
    ),
    (
        "tflite-micro",
        "the independent reference; our NumPy reference serves without it",
        "pip install --pre tflite-micro (Linux)",
        False,
    ),
    ("pyocd", "flash and bench over a debug probe", "pip install pyocd", False),
    ("pyserial", "bench over a serial line", "pip install pyserial", False),
    ("asyncssh", "bench over SSH", "pip install asyncssh", False),
)
PROGRAMS = (
    ("arm-none-eabi-gcc", "--compiler gcc", "apt-get install gcc-arm-none-eabi"),
    ("qemu-system-arm", "the target cortex-m55", "apt-get install qemu-system-arm"),
    ("openocd", "flash --via openocd", "apt-get install openocd"),
)


def check() -> tuple[ToolCheck, ...]:
    """Every package and program that edgecompress uses, in the order of their weight."""
    packages = [ToolCheck(name, _package(name), cost, hint, required) for name, cost, hint, required in PACKAGES]
    programs = [ToolCheck(name, _program(name), cost, hint) for name, cost, hint in PROGRAMS]
    return (*packages, *programs)


def list_targets() -> tuple[TargetRow, ...]:
    """Every target with its memory, and why it cannot be run here, if so."""
    rows = []
    for name in targets.names():
        target = targets.find(name)
        runner = target.cpu.runner
        missing = runner == "qemu" and shutil.which("qemu-system-arm") is None
        rows.append(
            TargetRow(
                name=name,
                cpu=target.cpu.name,
                flash_bytes=target.flash.bytes,
                ram_bytes=sum(region.bytes for region in target.ram),
                clock_hz=target.clock_hz,
                description=target.description,
                runner=runner,
                problem="qemu-system-arm is not installed" if missing else None,
                flashed_by=_ways(target),
            )
        )
    return tuple(rows)


def _ways(target: targets.Target) -> tuple[str, ...]:
    """The ways to flash a board, with what pyOCD calls its chip, and whether that needs a CMSIS pack."""
    flashing = target.flashing
    chip = f"pyocd {flashing.pyocd}{' (pack)' if flashing.pyocd_pack else ''}"
    return tuple(chip if way == "pyocd" else way for way in flashing.ways)


def _package(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _program(name: str) -> str | None:
    path = shutil.which(name)
    if path is None:
        return None
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = answer.stdout.splitlines()
    return f"{path} ({lines[0].strip()})" if lines else path

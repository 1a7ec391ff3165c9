"""The command line: one module per command, imported only when it is called, so that `--help` is immediate."""

import errno
import os
import sys
from importlib import import_module
from importlib.metadata import version

import click

from edgecompress.cli.output import report_error
from edgecompress.errors import INTERNAL_ERROR, INTERRUPTED, EdgecompressError, OutputError

COMMANDS = {
    "build": "Compress, convert, generate C, compile, run on the emulated target, report.",
    "bench": "Run an int8 .tflite on its target, emulated or real: exactness, cycles, memory.",
    "flash": "Bring a firmware onto a board: check the chip, write, verify, reset, self-test.",
    "probes": "What is connected: debug probes, and boards that show a drive.",
    "calibrate": "Measure on a real board how far the cycle model is off, and keep it.",
    "compress": "Compress a Keras model and write it as a Keras file: passes, promises, accuracy.",
    "quantize": "Convert a Keras model to a .tflite, int8 or for LiteRT on a computer, and judge it.",
    "compare": "Pipelines of passes on one model, or finished runs, in one table.",
    "shrink": "Take out of an int8 .tflite what its outputs do not need; write a .tflite.",
    "inspect": "What a model holds and needs, before anything is built.",
    "export": "A build's C for your own firmware: plain C, CMake, Arduino.",
    "targets": "The CPUs and boards there are.",
    "doctor": "What is installed, what is missing, and what that costs.",
}
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
EPILOG = """\b
Examples:
  edgecompress build model.h5 --data data.npz --target nucleo-l4r5zi
  edgecompress bench model.tflite --target cortex-m4
  edgecompress flash build/model
  edgecompress inspect model.h5

\b
Exit codes: 0 done, 2 usage, 3 model file, 4 data, 5 recipe, 6 unsupported, 7 broken promise, 8 accuracy,
9 does not fit, 10 missing tool, 11 tool failed, 12 not bit-exact, 13 output, 14 device, 70 a defect of ours, 130 interrupted.
"""


class LazyGroup(click.Group):
    """A group whose commands live in `edgecompress.cli.<name>` and are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return getattr(import_module(f"edgecompress.cli.{cmd_name}"), cmd_name)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:  # click would end with status 1
            discard_output()  # the reader of our output has gone (`| head`): not an error of ours
            raise click.exceptions.Exit(0) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(version("edgecompress"), "-V", "--version", message="%(prog)s %(version)s")
def cli() -> None:
    """From a trained Keras model to a measured, bit-exact inference on a microcontroller."""


def main() -> None:
    """Runs the command line and exits with the code of the error, if any."""
    try:
        code = cli.main(standalone_mode=False)
        sys.stdout.flush()
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo(
            "interrupted: finished stages are kept, nothing is half-written; `--resume` goes on from there", err=True
        )
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        discard_output()
        sys.exit(0)
    except Exception as error:
        if os.environ.get("EDGECOMPRESS_DEBUG"):
            raise
        expected = as_expected(error)
        report_error(expected)
        sys.exit(INTERNAL_ERROR if type(expected) is EdgecompressError else expected.exit_code)


def as_expected(error: Exception) -> EdgecompressError:
    """The error as the user shall see it; what is none of ours is a defect, unless the disk under our output is full."""
    if isinstance(error, EdgecompressError):
        return error
    if isinstance(error, OSError) and error.errno in FULL:
        discard_output()
        return OutputError("the output cannot be written", found=error.strerror or str(error), hint="free some space")
    return EdgecompressError(
        "a defect of edgecompress",
        found=f"{type(error).__name__}: {error}",
        hint="run again with EDGECOMPRESS_DEBUG=1 and report the traceback",
    )


def discard_output() -> None:
    """Lets what is still buffered go nowhere, so that the end of the program does not fail over it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

"""The command line: one module per command, imported only when it is called, so that `--help` is immediate."""

import os
import sys
from importlib import import_module
from importlib.metadata import version

import click

from edgecompress.cli.output import report_error
from edgecompress.errors import INTERNAL_ERROR, INTERRUPTED, EdgecompressError

COMMANDS = {
    "build": "Compress, convert, generate C, compile, run on the emulated target, report.",
    "bench": "Run an int8 .tflite on its target, emulated or real: exactness, cycles, memory.",
    "calibrate": "Measure on a real board how far the cycle model is off, and keep it.",
    "inspect": "What a model holds and needs, before anything is built.",
    "export": "A build's C for your own firmware: plain C, CMake, Arduino.",
    "targets": "The CPUs and boards there are.",
    "doctor": "What is installed, what is missing, and what that costs.",
}
EPILOG = """\b
Examples:
  edgecompress build model.h5 --data data.npz --target nucleo-l4r5zi
  edgecompress bench model.tflite --target cortex-m4
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
    debug = bool(os.environ.get("EDGECOMPRESS_DEBUG"))
    try:
        code = cli.main(standalone_mode=False)
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
        # the reader of our output has gone (`| head`): not an error of ours
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except EdgecompressError as error:
        if debug:
            raise
        report_error(error)
        sys.exit(error.exit_code)
    except Exception as error:
        if debug:
            raise
        report_error(
            EdgecompressError(
                "a defect of edgecompress",
                found=f"{type(error).__name__}: {error}",
                hint="run again with EDGECOMPRESS_DEBUG=1 and report the traceback",
            )
        )
        sys.exit(INTERNAL_ERROR)

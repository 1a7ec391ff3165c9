"""Register writes of a board, through a port: what turns a chip at reset into one with the wait states of its full clock."""

from collections.abc import Sequence

from edgecompress.device.port import Port
from edgecompress.errors import DeviceError
from edgecompress.targets.target import RegisterWrite


def apply_writes(port: Port, writes: Sequence[RegisterWrite]) -> None:
    """Does all writes in their order; a register whose bits are not all written is read first.

    Raises:
        DeviceError: the device refused one: which, with its comment.
    """
    for write in writes:
        try:
            old = 0 if write.is_whole else int.from_bytes(port.read_memory(write.address, write.width), "little")
            value = write.merged(old) & ((1 << 8 * write.width) - 1)
            port.write_memory(write.address, value.to_bytes(write.width, "little"))
        except DeviceError as error:
            comment = f" ({write.comment})" if write.comment else ""
            raise DeviceError(
                f"setting the board's register {write.address:#010x}{comment} failed: {error.what}",
                found=error.found,
                hint="is this the right target? the board's TOML file lists these writes",
            ) from error

"""The host's side of the mailbox: run a model on a device behind any port, and read what every layer wrote.

The layout is that of `codegen/runtime/mailbox.h`. Cycles read here were measured by the processor's own counter; they
are None where the device, an emulator say, has none.
"""

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from edgecompress.device.port import NO_ENDLESS_LOOP, Limit, Port, Stop
from edgecompress.device.stack import stack_bytes
from edgecompress.errors import DeviceError
from edgecompress.targets.image import Image

MAGIC, ABI = 0x424D4345, 2
READY = 1
INVOKE, RUN_LAYERS, RESET = 1, 2, 3
COUNTERS = ("none", "dwt", "systick")
_LAYOUT = struct.Struct("<7I i 13I 2I")
_COMMAND = struct.Struct("<3I")
_ARGUMENTS = struct.Struct("<2I")
_COMMAND_OFFSET, _ARGUMENTS_OFFSET = 16, 20
_PRESENT = 0x4F484345  # "ECHO", an argument that start-up would have zeroed
_WORDS_OF_FAULT = struct.Struct("<7I")
MOST_SLOTS = 64


@dataclass(frozen=True)
class Slot:
    """Bytes of the arena."""

    offset: int
    bytes: int


@dataclass(frozen=True)
class Box:
    """The mailbox as the firmware left it; field by field as in `mailbox.h`."""

    magic: int
    abi: int
    bytes: int
    state: int
    command: int
    first: int
    count: int
    status: int
    arena: int
    arena_bytes: int
    layers: int
    inputs: int
    input_slots: int
    outputs: int
    output_slots: int
    stack_low: int
    stack_high: int
    counter: int
    runs: int
    layer_cycles: int
    timed_layers: int
    cycles_low: int
    cycles_high: int


class Mailbox:
    """A model on a device. Made once the firmware has been loaded and reset; it runs up to its first stop here.

    Args:
        limit: of each run; an endless loop becomes a DeviceError.

    Raises:
        DeviceError: the firmware faults, does not stop, or is no firmware of this ABI.
    """

    def __init__(self, port: Port, image: Image, *, limit: Limit = NO_ENDLESS_LOOP) -> None:
        self._port = port
        self._image = image
        self._limit = limit
        self._address = image.symbol("ec_mailbox").address
        self._continue("starting the firmware")
        with _step("reading the mailbox"):
            box = self._read_box()
        if box.magic != MAGIC or box.abi != ABI or box.bytes != _LAYOUT.size:
            raise DeviceError(
                "the firmware's mailbox is not one that this version understands",
                found=f"magic {box.magic:#010x}, ABI {box.abi}, {box.bytes} bytes",
                hint="generate and compile the firmware again",
            )
        self.arena_bytes = box.arena_bytes
        self.layers = box.layers
        self.inputs = self._slots(box.input_slots, box.inputs)
        self.outputs = self._slots(box.output_slots, box.outputs)
        self.counter = COUNTERS[box.counter] if port.counts_cycles and box.counter < len(COUNTERS) else "none"
        self._arena = box.arena
        self._layer_cycles = box.layer_cycles
        self._at_once = max(1, box.timed_layers)
        self._before: tuple[int, ...] = ()
        self._last = 0
        with _step("writing the mailbox"):
            self._port.write_memory(self._address + _ARGUMENTS_OFFSET, _ARGUMENTS.pack(_PRESENT, 0))

    def run(self, inputs: Sequence[bytes]) -> tuple[bytes, ...]:
        """One inference from a fresh state: input tensors in, output tensors back, as raw little-endian bytes."""
        self.write_inputs(inputs)
        self._before, self._last = (), 0
        self._obey(INVOKE, 1, 0, "running the model")
        return self.read_outputs()

    def reset(self) -> None:
        """The state is that before the first inference; only models that keep one know this command."""
        self._obey(RESET, 1, 0, "resetting the model")

    def write_inputs(self, inputs: Sequence[bytes]) -> None:
        """Put all input tensors into the arena; they are gone once layers that reuse their bytes have run."""
        if len(inputs) != len(self.inputs):
            raise DeviceError(f"the model has {len(self.inputs)} inputs", found=f"{len(inputs)} were given")
        for index, (slot, data) in enumerate(zip(self.inputs, inputs, strict=True)):
            if len(data) != slot.bytes:
                raise DeviceError(f"input {index} takes {slot.bytes} bytes", found=f"{len(data)} were given")
            with _step(f"writing input {index}"):
                self._port.write_memory(self._arena + slot.offset, bytes(data))

    def read_outputs(self) -> tuple[bytes, ...]:
        """The output tensors; they are whole after the last layer."""
        return tuple(self.read_arena(slot.offset, slot.bytes) for slot in self.outputs)

    def run_layers(self, first: int, count: int = 1) -> None:
        """Run some layers on what the arena holds: after `write_inputs`, from layer 0 on, without gaps."""
        if first < 0 or count < 0 or first + count > self.layers:
            raise DeviceError(f"the model has {self.layers} layers", found=f"{count} from layer {first} on were asked")
        self._before, self._last = (), count
        while self._last > self._at_once:
            self._run_some(first, self._at_once)
            self._before += self._cycles_of(self._at_once)
            first, self._last = first + self._at_once, self._last - self._at_once
        self._run_some(first, self._last)

    def _run_some(self, first: int, count: int) -> None:
        until = f" to {first + count - 1}" if count > 1 else ""
        self._obey(RUN_LAYERS, first, count, f"running layer {first}{until}")

    def read_arena(self, offset: int, size: int) -> bytes:
        """Bytes of the arena: any tensor, by its planned offset, as long as no later layer has overwritten it."""
        if offset < 0 or size < 0 or offset + size > self.arena_bytes:
            raise DeviceError(f"the arena has {self.arena_bytes} bytes", found=f"{size} bytes at offset {offset}")
        with _step("reading the arena"):
            return self._port.read_memory(self._arena + offset, size) if size else b""

    def cycles(self) -> int | None:
        """Measured cycles of the last `run` or `run_layers`; None without a counter."""
        if self.counter == "none":
            return None
        with _step("reading the cycles"):
            box = self._read_box()
        return sum(self._before) + (box.cycles_high << 32 | box.cycles_low)

    def layer_cycles(self) -> tuple[int, ...] | None:
        """Measured cycles of each layer that the last `run_layers` ran; None without a counter."""
        return None if self.counter == "none" else self._before + self._cycles_of(self._last)

    def _cycles_of(self, count: int) -> tuple[int, ...]:
        """Of the layers that the last command ran."""
        if self.counter == "none":
            return ()
        with _step("reading the cycles"):
            return struct.unpack(f"<{count}I", self._port.read_memory(self._layer_cycles, 4 * count)) if count else ()

    def stack_bytes(self) -> int | None:
        """The most that was used of the stack since reset."""
        return stack_bytes(self._port, self._image)

    def _obey(self, command: int, first: int, count: int, doing: str) -> None:
        if count == first == 0:
            return
        with _step(doing):
            self._check_not_reset()
            self._port.write_memory(self._address + _COMMAND_OFFSET, _COMMAND.pack(command, first, count))
        self._continue(doing)
        with _step(doing):
            self._check_not_reset()
            box = self._read_box()
        if box.state != READY or box.command != 0:
            raise DeviceError(f"{doing}: the firmware stopped before it was done", found=f"state {box.state}")
        if box.status != 0:
            raise DeviceError(f"{doing}: the model returned an error", found=f"status {box.status}")

    def _check_not_reset(self) -> None:
        """The firmware leaves the last arguments alone, start-up zeroes them: a reset would look like a finished run."""
        data = self._port.read_memory(self._address + _ARGUMENTS_OFFSET, _ARGUMENTS.size)
        if not any(data):
            raise DeviceError(
                "the device has been reset in the meantime",
                found="its mailbox is that of a fresh start",
                hint="a weak power supply, a watchdog, or somebody at the reset button? run it again",
            )

    def _continue(self, doing: str) -> None:
        with _step(doing):
            stop = self._port.run(self._limit)
        if stop.reason == "breakpoint" and stop.pc == self._image.symbol("ec_mailbox_stop").address:
            return
        raise self._trouble(stop, doing)

    def _trouble(self, stop: Stop, doing: str) -> DeviceError:
        pc, detail = stop.pc, stop.detail
        fault = self._recorded_fault()
        if fault is not None:
            pc, detail = fault
        hint = "a stack that is too small, a buffer that is too short, or an arena planned wrongly look like this"
        what = "faulted"
        if stop.reason == "limit":
            what, hint = "did not come to an end", "an endless loop? if the model is really that large, raise the limit"
        elif fault is None and stop.reason != "fault":
            what = f"stopped unexpectedly ({stop.reason})"
        return DeviceError(
            f"{doing}: the firmware {what} in {self._image.symbol_at(pc)}, at {pc:#010x}", found=detail, hint=hint
        )

    def _recorded_fault(self) -> tuple[int, str] | None:
        """Address and description of the fault that the firmware's own handler caught."""
        if "ec_fault" not in self._image.symbols:
            return None
        try:
            data = self._port.read_memory(self._image.symbol("ec_fault").address, _WORDS_OF_FAULT.size)
        except DeviceError:
            return None  # the device is gone: what the port said is all there is to tell
        taken, exception, sp, lr, pc, cfsr, address = _WORDS_OF_FAULT.unpack(data)
        if taken != 1:
            return None
        low, high = (self._image.symbol(name).address for name in ("ec_stack_low", "ec_stack_high"))
        where = f", address {address:#010x}" if address else ""
        stack = "" if low <= sp <= high else f", the stack pointer {sp:#010x} had left the stack"
        return pc & ~1, f"exception {exception}, CFSR {cfsr:#010x}, LR {lr:#010x}{where}{stack}"

    def _slots(self, address: int, count: int) -> tuple[Slot, ...]:
        if count > MOST_SLOTS:
            raise DeviceError("the firmware's mailbox is damaged", found=f"{count} inputs or outputs")
        words = struct.unpack(f"<{2 * count}I", self._port.read_memory(address, 8 * count))
        return tuple(Slot(*pair) for pair in zip(words[::2], words[1::2], strict=True))

    def _read_box(self) -> Box:
        return Box(*_LAYOUT.unpack(self._port.read_memory(self._address, _LAYOUT.size)))


@contextmanager
def _step(doing: str) -> Iterator[None]:
    """A port's error says what went wrong on the line; this adds in which step."""
    try:
        yield
    except DeviceError as error:
        raise DeviceError(f"{doing}: {error.what}", found=error.found, hint=error.hint) from error

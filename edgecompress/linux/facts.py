"""What a Linux computer says about itself: processor, system, governor, memory; temperature and throttling as they are now."""

import re
from collections.abc import Mapping

from edgecompress.errors import DeviceError
from edgecompress.linux.architectures import ARCHITECTURES, Architecture
from edgecompress.linux.computer import Computer, require
from edgecompress.report.linux_records import Condition, Machine

SHELL = ("sh", "-s")
SECONDS = 30.0

# Written for any POSIX shell. What is missing on a computer leaves its line empty.
FACTS = r"""
export LC_ALL=C
echo "machine=$(uname -m)"
echo "kernel=$(uname -sr)"
echo "system=$(. /etc/os-release 2>/dev/null && echo "$PRETTY_NAME")"
echo "model=$( (tr -d '\000' </proc/device-tree/model) 2>/dev/null)"
echo "cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null)"
echo "memory=$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo 2>/dev/null)"
echo "governor=$(cat /sys/devices/system/cpu/cpu0/cpufreq/scaling_governor 2>/dev/null)"
echo "cpuinfo="
cat /proc/cpuinfo 2>/dev/null
"""
CONDITION = r"""
export LC_ALL=C
echo "vcgencmd=$(vcgencmd get_throttled 2>/dev/null)"
echo "frequency=$(cat /sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq 2>/dev/null)"
for zone in /sys/class/thermal/thermal_zone*; do
    echo "zone=$(cat "$zone/type" 2>/dev/null) $(cat "$zone/temp" 2>/dev/null)"
done
"""
THROTTLING = {
    0: "under-voltage now",
    1: "frequency capped now",
    2: "throttled now",
    3: "soft temperature limit now",
    16: "under-voltage since start",
    17: "frequency capped since start",
    18: "throttled since start",
    19: "soft temperature limit since start",
}
"""The bits of `vcgencmd get_throttled`, from the Raspberry Pi documentation."""
NOW = 0xF
CPU_ZONES = ("cpu-thermal", "cpu_thermal", "x86_pkg_temp", "soc-thermal", "k10temp")
PARTS = {
    "0xb76": "ARM1176",
    "0xc07": "Cortex-A7",
    "0xd03": "Cortex-A53",
    "0xd04": "Cortex-A35",
    "0xd05": "Cortex-A55",
    "0xd07": "Cortex-A57",
    "0xd08": "Cortex-A72",
    "0xd0b": "Cortex-A76",
}
"""Of Arm's own designs: "CPU part" of /proc/cpuinfo where "CPU implementer" is 0x41, from the cores' reference manuals."""


def read_machine(computer: Computer) -> Machine:
    """Everything that does not change during a run.

    Raises:
        DeviceError: the computer does not answer as Linux does.
    """
    found = require(computer.run(SHELL, timeout=SECONDS, stdin=FACTS.encode()), "the first question", computer)
    return parse_machine(found.output.decode("utf-8", "replace"))


def read_condition(computer: Computer) -> Condition:
    """Temperature, throttling and frequency now; None where the computer does not tell."""
    found = computer.run(SHELL, timeout=SECONDS, stdin=CONDITION.encode())
    return parse_condition(found.output.decode("utf-8", "replace"))


def parse_machine(text: str) -> Machine:
    """From what `FACTS` writes."""
    head, _, cpuinfo = text.partition("\ncpuinfo=\n")
    values = _values(head)
    if not values.get("machine") or not values.get("kernel", "").startswith("Linux"):
        raise DeviceError(
            "the computer does not answer as a Linux system does",
            found=text.strip()[:200] or "nothing",
            hint="a shell start-up file that prints something? Only Linux is supported",
        )
    memory = _number(values.get("memory", ""))
    return Machine(
        architecture=values["machine"],
        model=values.get("model") or None,
        cpu=cpu_name(cpuinfo),
        system=", ".join(v for v in (values.get("system"), values["kernel"]) if v),
        cores=_number(values.get("cores", "")),
        memory_bytes=None if memory is None else 1024 * memory,
        governor=values.get("governor") or None,
        emulator="QEMU's user mode" if _is_emulated(values["machine"], cpuinfo) else None,
    )


def parse_condition(text: str) -> Condition:
    """From what `CONDITION` writes."""
    values = _values(text)
    match = re.search(r"0x([0-9a-fA-F]+)", values.get("vcgencmd", ""))
    bits = int(match[1], 16) if match else None
    kilohertz = _number(values.get("frequency", ""))
    return Condition(
        temperature_c=_temperature(re.findall(r"^zone=(\S+) (-?\d+)$", text, re.MULTILINE)),
        throttled=None if bits is None else bool(bits & NOW),
        throttling=tuple(words for bit, words in THROTTLING.items() if bits and bits >> bit & 1),
        frequency_hz=None if kilohertz is None else 1000 * kilohertz,
    )


def cpu_name(cpuinfo: str) -> str | None:
    """ "Cortex-A72", or x86's model name; None where it cannot be told."""
    named = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    part = re.search(r"^CPU part\s*:\s*(\S+)$", cpuinfo, re.MULTILINE)
    implementer = re.search(r"^CPU implementer\s*:\s*(\S+)$", cpuinfo, re.MULTILINE)
    if part and implementer and implementer[1] == "0x41" and part[1] in PARTS:
        return PARTS[part[1]]
    return named[1].strip() if named else None


def _is_emulated(machine: str, cpuinfo: str) -> bool:
    """QEMU's user mode changes what `uname` says, but shows the real computer's /proc/cpuinfo."""
    known: Architecture | None = next((a for a in ARCHITECTURES.values() if machine in a.machines), None)
    return known is not None and not known.is_x86 and re.search(r"^vendor_id\s*:", cpuinfo, re.MULTILINE) is not None


def _temperature(zones: list[tuple[str, str]]) -> float | None:
    """Degrees Celsius of the processor; of the hottest zone where none is called so."""
    known = [int(value) / 1000 for kind, value in zones if kind in CPU_ZONES] or [int(v) / 1000 for _, v in zones]
    return max(known, default=None)


def _values(text: str) -> Mapping[str, str]:
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key: "".join(c for c in value if c.isprintable()).strip()[:200] for key, _, value in pairs}


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None

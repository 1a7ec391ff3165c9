"""CPUs and boards as data, and the compilers that build for them."""

from edgecompress.targets.catalog import find, names, user_folder
from edgecompress.targets.silicon import RegisterWrite
from edgecompress.targets.target import Cpu, MemoryMap, Region, Target

__all__ = ["Cpu", "MemoryMap", "Region", "RegisterWrite", "Target", "find", "names", "user_folder"]

"""The parts of `tools/fuzz.py`: what is fuzzed, how inputs are changed, the process that does it."""

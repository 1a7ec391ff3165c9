"""The C decoders on this computer under sanitizers: one process per decoder that decodes any number of tensors."""

import re
import struct
import subprocess
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import numpy as np

from edgecompress.codecs import Encoded
from edgecompress.codegen.ops.base import Array
from edgecompress.codegen.writer import kernel_sources
from edgecompress.targets import host

MAIN = """\
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ec_decode_{decoder}.h"

static int64_t number(void) {{
    int64_t value;
    if (fread(&value, sizeof value, 1, stdin) != 1) {{
        exit(0);
    }}
    return value;
}}

/* Exactly as long as it is: the sanitizer watches its ends. */
static void *block(int64_t size) {{
    void *data = size < 0 ? 0 : malloc((size_t)size);
    if (size > 0 && fread(data, 1, (size_t)size, stdin) != (size_t)size) {{
        exit(1);
    }}
    return data;
}}

int main(void) {{
    for (;;) {{
        const int64_t rows = number(), taps = number(), row_bytes = number(), table_bytes = number();
        ec_decode_{decoder}_params *params = calloc(1, sizeof *params);
{reads}
        ec_decode_{decoder} *decoder = malloc(sizeof *decoder);
        uint32_t *tables = malloc((size_t)table_bytes), *row = malloc((size_t)row_bytes + {behind});
        memset(decoder, 0xA5, sizeof *decoder);
        memset(tables, 0xA5, (size_t)table_bytes);
        ec_decode_{decoder}_begin(decoder, params, tables);
{decode}
        fflush(stdout);
        free(row);
        free(tables);
        free(decoder);
{frees}
        free(params);
    }}
}}
"""

ROWS = """\
        for (int64_t i = 0; i < rows; ++i) {{
            memset(row, 0xA5, (size_t)row_bytes);
            ec_decode_{decoder}_row(decoder, row);
            fwrite(row, 1, (size_t)taps, stdout);
        }}"""
LISTS = """\
        memset(row, 0xA5, (size_t)row_bytes);
        ec_decode_{decoder}_lists(decoder, (uint8_t *)row, (int32_t)rows, (int32_t)row_bytes);
        fwrite(row, 1, (size_t)row_bytes, stdout);
        (void)taps;"""


def pointers_of(decoder: str) -> frozenset[str]:
    """The fields of its parameters that point to arrays, those of the last step with `finish.` in front."""
    folder = resources.files("edgecompress.codegen.runtime") / "kernels"
    own, finish = (
        frozenset(re.findall(r"\*(\w+)[;,]", re.search(rf"typedef struct {{([^}}]*)}} {name}_params;", text)[1]))
        for name, text in (
            (f"ec_decode_{decoder}", (folder / f"ec_decode_{decoder}.h").read_text()),
            ("ec_low_bits", (folder / "ec_low_bits.h").read_text()),
        )
    )
    return own | {f"finish.{name}" for name in finish}


class Decoder:
    """A process that decodes; `close` it.

    Args:
        encoded: any tensor of the codec.
        folder: for the program.
        sanitizer: of `host.build`.
    """

    def __init__(self, encoded: Encoded, folder: Path, sanitizer: host.Sanitizer) -> None:
        self._fields = tuple(encoded.parameters)
        self._pointers = pointers_of(encoded.decoder)
        pointers = [name for name in self._fields if name in self._pointers]
        reads = [
            f"        params->{name} = {'block(number())' if name in pointers else 'number()'};"
            for name in self._fields
        ]
        main = MAIN.format(
            decoder=encoded.decoder,
            decode=(LISTS if encoded.writes == "lists" else ROWS).format(decoder=encoded.decoder),
            behind=int(encoded.writes == "lists"),
            reads="\n".join(reads),
            frees="\n".join(f"        free((void *)(uintptr_t)params->{name});" for name in pointers),
        )
        sources = {**kernel_sources([f"ec_decode_{encoded.decoder}"]), "main.c": main}
        program = host.build(
            sources, folder / f"decode_{encoded.codec}_{encoded.writes}", sanitizer=sanitizer, optimization="-O1"
        )
        self._log = (folder / f"{encoded.codec}.log").open("w+")
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log)

    def decode(self, encoded: Encoded, parameters: Mapping[str, int | Array] | None = None) -> np.ndarray:
        """The matrix, int8 [rows, taps].

        Args:
            parameters: instead of the tensor's own, for instance damaged ones.
        """
        data = self._run(encoded, parameters, encoded.row_bytes, encoded.rows * encoded.taps)
        return np.frombuffer(data, np.int8).reshape(encoded.rows, encoded.taps)

    def lists(self, encoded: Encoded, room: int, parameters: Mapping[str, int | Array] | None = None) -> np.ndarray:
        """All rows as lists, uint8 [room], where the decoder is one that writes them."""
        return np.frombuffer(self._run(encoded, parameters, room, room), np.uint8)

    def _run(
        self, encoded: Encoded, parameters: Mapping[str, int | Array] | None, row_bytes: int, expected: int
    ) -> bytes:
        assert self._process.stdin and self._process.stdout
        message = struct.pack("<4q", encoded.rows, encoded.taps, row_bytes, encoded.scratch_bytes)
        for name in self._fields:
            value = (parameters or encoded.parameters).get(name, 0)
            if isinstance(value, Array):
                data = value.values.tobytes()
                message += struct.pack("<q", len(data)) + data
            else:
                message += struct.pack("<q", -1 if name in self._pointers else value)
        self._process.stdin.write(message)
        self._process.stdin.flush()
        data = self._process.stdout.read(expected)
        if len(data) < expected:
            self._log.seek(0)
            raise AssertionError(f"{encoded.codec} ended with {self._process.wait()}: {self._log.read()[:1500]}")
        return data

    def close(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
        self._log.close()

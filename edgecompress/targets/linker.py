"""The GNU linker script of a target: which section goes where, and the symbols that start-up and hosts need."""

from edgecompress.targets.target import MemoryMap, Region

_SECTIONS = """\
ENTRY(Reset_Handler)

MEMORY
{{
{regions}
}}

SECTIONS
{{
    /* What a boot ROM looks for: at the very head, or near it. */
    .boot : {{ KEEP(*(.boot)) }} > {flash}
    .vectors : {{ KEEP(*(.vectors)) }} > {vectors}
    .boot_block : ALIGN(4) {{ KEEP(*(.boot_block)) }} > {flash}
    .text : ALIGN(4) {{ *(.text .text.*) }} > {flash}
    .rodata : ALIGN(8) {{ *(.rodata .rodata.*) }} > {flash}
    .weights : ALIGN(8) {{ *(.weights .weights.*) }} > {flash}
    .golden : ALIGN(8) {{ *(.golden .golden.*) }} > {flash}

    /* The stack is lowest: when it overflows it leaves RAM and faults instead of eating data. */
    .stack (NOLOAD) : ALIGN(8)
    {{
        ec_stack_low = .;
        . += {stack};
        ec_stack_high = .;
    }} > {ram}

    .arena (NOLOAD) : ALIGN(16)
    {{
        ec_arena_start = .;
        *(.bss.arena)
        . = ALIGN(4);
        ec_arena_end = .;
    }} > {arena}

    .data : ALIGN(8)
    {{
        ec_data_start = .;
        *(.data .data.*)
        . = ALIGN(4);
        ec_data_end = .;
    }} > {ram} AT> {flash}
    ec_data_load = LOADADDR(.data);

    .bss (NOLOAD) : ALIGN(8)
    {{
        ec_bss_start = .;
        *(.bss .bss.* COMMON)
        . = ALIGN(4);
        ec_bss_end = .;
    }} > {ram}

    /DISCARD/ : {{ *(.ARM.exidx* .ARM.extab* .comment .note.*) }}
}}
"""


def script(memory: MemoryMap, *, arena: Region, stack_bytes: int) -> str:
    """A linker script for this memory map.

    Args:
        arena: the RAM region of the activations; stack, `.data` and `.bss` go into the first one.
        stack_bytes: size of the stack, a multiple of 8.
    """
    regions = "\n".join(
        f"    {region.name.upper()} : ORIGIN = {region.origin:#010x}, LENGTH = {region.bytes:#x}"
        for region in memory.regions
    )
    return _SECTIONS.format(
        regions=regions,
        vectors=(memory.vectors or memory.flash).name.upper(),
        flash=memory.flash.name.upper(),
        ram=memory.ram[0].name.upper(),
        arena=arena.name.upper(),
        stack=stack_bytes,
    )

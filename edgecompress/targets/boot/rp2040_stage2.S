/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* What the RP2040's boot ROM copies from the first 256 bytes of the flash into SRAM and calls: it makes the flash
 * readable at 0x10000000 and starts the program behind it. It uses the slowest read command, 03h, one bit at a time,
 * which every serial NOR flash knows (RP2040 data sheet, 2.8.1 "boot sequence" and 4.10 "SSI").
 *
 * The words in `rp2040.py` are this file, assembled; a test assembles it again. */
    .syntax unified
    .thumb
    .section .text
    .global stage2
    .type stage2, %function
stage2:
    push {lr}
    ldr r3, =0x18000000         /* XIP_SSI */
    movs r1, #0
    str r1, [r3, #0x08]         /* SSIENR: off while it is set up */
    movs r1, #4
    str r1, [r3, #0x14]         /* BAUDR: system clock / 4, 33 MHz at 133 MHz; 03h is good for at least that */
    ldr r1, =0x001f0300         /* CTRLR0: one bit, 32-bit frames, EEPROM read (command, address, then data) */
    str r1, [r3]
    movs r1, #0
    str r1, [r3, #0x04]         /* CTRLR1: one data frame */
    ldr r1, =0x03000218         /* SPI_CTRLR0: command 03h of 8 bits, 24 address bits */
    movs r2, #0xf4
    str r1, [r3, r2]
    movs r1, #1
    str r1, [r3, #0x08]         /* SSIENR: on */
    pop {r0}
    cmp r0, #0                  /* the boot ROM calls with 0 in LR; other callers want to come back */
    beq start
    bx r0
start:
    ldr r0, =0x10000100         /* the vector table */
    ldr r1, =0xe000ed08         /* VTOR */
    str r0, [r1]
    ldr r1, [r0]
    msr msp, r1
    ldr r0, [r0, #4]
    bx r0
    .pool
    .size stage2, . - stage2

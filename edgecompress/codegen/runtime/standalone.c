/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* One inference from reset, then a semihosting exit: 0 when the model's self-test held, else 1. The model's golden file
 * holds one input, so the self-test calls <prefix>_invoke exactly once. */
#include "program.h"

#include EC_MODEL_HEADER

uint8_t ec_arena[EC_MACRO(ARENA_BYTES)] __attribute__((section(".bss.arena"), aligned(16)));

int main(void)
{
    return EC_FUNCTION(selftest)(ec_arena) == 0 ? 0 : 1;
}

#include <stdint.h>

const uint8_t table[64] __attribute__((section(".weights.table"))) = {5, 4, 3, 2, 1};

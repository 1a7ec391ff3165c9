#include <stdint.h>

const uint8_t golden_input[64] __attribute__((section(".golden.input"))) = {9, 8, 7};

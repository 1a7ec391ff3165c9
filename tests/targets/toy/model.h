/* A model made by hand: three layers on 64 bytes. */
#ifndef TOY_MODEL_H
#define TOY_MODEL_H

#include <stdint.h>

#define MODEL_ARENA_BYTES 192
#define MODEL_STATE_BYTES 0
#define MODEL_LAYERS 3
#define MODEL_INPUTS 1
#define MODEL_OUTPUTS 1
#define MODEL_INPUT_0_OFFSET 0
#define MODEL_INPUT_0_BYTES 64
#define MODEL_INPUT_SLOTS {MODEL_INPUT_0_OFFSET, MODEL_INPUT_0_BYTES}
#define MODEL_OUTPUT_SLOTS {MODEL_OUTPUT_0_OFFSET, MODEL_OUTPUT_0_BYTES}
#define MODEL_OUTPUT_0_OFFSET 64
#define MODEL_OUTPUT_0_BYTES 64

int model_invoke(void *arena);
int model_reset(void *arena);
int model_run_layers(void *arena, int first, int count);
int model_selftest(void *arena);

#endif

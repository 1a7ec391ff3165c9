/* Layer 0: b = a + 1. Layer 1: c = b * 3. Layer 2: d = c + a table, where c is odd. */
#include "model.h"

#define LAYER static __attribute__((noinline)) void
#define API __attribute__((noinline))

extern const uint8_t table[64]; /* in a file of its own: no compiler looks into it */
static volatile int32_t factor = 3; /* initialised data: counts as a constant and as static RAM */
static uint32_t runs;

LAYER model_layer_0(uint8_t *arena)
{
    for (int i = 0; i < 64; ++i)
        arena[64 + i] = (uint8_t)(arena[i] + 1);
}

LAYER model_layer_1(uint8_t *arena)
{
    for (int i = 0; i < 64; ++i)
        arena[128 + i] = (uint8_t)(arena[64 + i] * factor);
}

LAYER model_layer_2(uint8_t *arena)
{
#ifdef TOY_TROUBLE
    TOY_TROUBLE;
#endif
    for (int i = 0; i < 64; ++i)
        arena[64 + i] = (uint8_t)(arena[128 + i] + (arena[128 + i] & 1 ? table[i] : 0));
}

static void (*const layers[MODEL_LAYERS])(uint8_t *) = {model_layer_0, model_layer_1, model_layer_2};

API int model_run_layers(void *arena, int first, int count)
{
    for (int k = first; k < first + count; ++k)
        layers[k](arena);
    runs += 1;
    return 0;
}

API int model_reset(void *arena)
{
    return arena == 0;
}

API int model_invoke(void *arena)
{
    return model_run_layers(arena, 0, MODEL_LAYERS);
}

/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* How a filter that slides over an output puts inputs into it: the other way round of `ec_window.h`. */
#ifndef EC_REACH_H
#define EC_REACH_H

#include <stdint.h>

/* In one dimension: every `stride`th tap reaches an output, from lower and lower inputs. */
typedef struct {
    int32_t count; /* of such taps from inputs that there are; none where it is negative */
    int32_t tap;   /* the first of them */
    int32_t input; /* that it takes from */
} ec_reach;

/* What reaches the output at `place`, counted from where the first input's first tap lies. */
static inline ec_reach ec_taps_reaching(int32_t place, int32_t taps, int32_t stride, int32_t inputs) {
    const int32_t last = place / stride, skipped = last < inputs ? 0 : last - inputs + 1;
    const int32_t tap = place % stride + skipped * stride, input = last - skipped;
    const int32_t count = (taps - tap + stride - 1) / stride;
    return (ec_reach){count <= input ? count : input + 1, tap, input};
}

#endif

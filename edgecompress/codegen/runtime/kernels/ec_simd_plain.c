/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* The meaning of every vector in plain C: what the instruction sets are compared with, and what runs where there is none. */
#include "ec_simd_plain.h"

#include "ec_fixed_point.h"

#define EC_KERNELS ec_simd_plain

enum { EC_GROUPS = 1, EC_GROUPS_OF_ONE = 1 };

typedef struct {
    int32_t at[EC_LANES];
} ec_lanes;

typedef struct {
    ec_lanes multiplier;
    ec_lanes shift;
} ec_scaling;

#define EACH(i) for (int32_t i = 0; i < EC_LANES; ++i)

EC_INLINE ec_lanes ec_load(const int32_t *p) {
    ec_lanes v;
    EACH(i) v.at[i] = p[i];
    return v;
}

EC_INLINE void ec_store(int32_t *p, ec_lanes v) {
    EACH(i) p[i] = v.at[i];
}

EC_INLINE ec_lanes ec_same(int32_t x) {
    ec_lanes v;
    EACH(i) v.at[i] = x;
    return v;
}

EC_INLINE ec_lanes ec_widen(const int8_t *p) {
    ec_lanes v;
    EACH(i) v.at[i] = p[i];
    return v;
}

EC_INLINE ec_lanes ec_plus(ec_lanes a, ec_lanes b) {
    EACH(i) a.at[i] += b.at[i];
    return a;
}

EC_INLINE ec_lanes ec_shifted(const int8_t *p, int32_t offset, int32_t left) {
    ec_lanes v;
    EACH(i) v.at[i] = ec_shift_left(p[i] + offset, left);
    return v;
}

EC_INLINE ec_scaling ec_scaling_of(ec_lanes multiplier, ec_lanes shift) {
    const ec_scaling s = {multiplier, shift};
    return s;
}

EC_INLINE ec_lanes ec_scale(ec_lanes v, ec_scaling s) {
    EACH(i) v.at[i] = ec_rounding_shift_right(ec_high_multiply(v.at[i], s.multiplier.at[i]), -s.shift.at[i]);
    return v;
}

EC_INLINE void ec_narrow(const ec_lanes *v, int32_t count, ec_range range, int8_t *output) {
    for (int32_t i = 0; i < count * EC_LANES; ++i) {
        output[i] = (int8_t)ec_clamp(v[i / EC_LANES].at[i % EC_LANES] + range.offset, range.low, range.high);
    }
}

EC_INLINE ec_lanes ec_start(const ec_simd_channels *c, int32_t channel) {
    return ec_load(ec_table(c, channel, EC_BIAS));
}

EC_INLINE void ec_product(const ec_tile *tile, int32_t pixels, int32_t groups, const int8_t *weights,
                          ec_lanes *sums) {
    const int32_t step = tile->depth * EC_LANES;
    for (int32_t run = 0; run < tile->runs; ++run) {
        for (int32_t quad = 0; quad < tile->quads; ++quad, weights += EC_LANES * EC_QUAD) {
            for (int32_t sum = 0; sum < groups * pixels; ++sum) {
                const int8_t *x = tile->first[sum / groups] + tile->offsets[run] + quad * EC_QUAD;
                const int8_t *w = weights + sum % groups * step;
                EACH(i) {
                    for (int32_t k = 0; k < EC_QUAD; ++k) {
                        sums[sum].at[i] += w[i * EC_QUAD + k] * x[k];
                    }
                }
            }
        }
    }
}

EC_INLINE void ec_two_taps(const int8_t *a, const int8_t *b, const int8_t *w, int32_t width, ec_lanes *sums) {
    for (int32_t i = 0; i < width; ++i) {
        sums[i / EC_LANES].at[i % EC_LANES] += a[i] * w[i] + b[i] * w[width + i];
    }
}

#include "ec_simd_loops.h"

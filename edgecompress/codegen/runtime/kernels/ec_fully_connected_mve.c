/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* FULLY_CONNECTED, int8, for processors with a vector unit: 16 inputs times four outputs at a time.
 *
 * Row by row, and within a row 32 outputs by 32: every output reads its whole row of inputs. */
#include "ec_fully_connected_mve.h"

#include "ec_requantization_mve.h"

enum { TOGETHER = 4, OUTPUTS = 32 };

/* The inner products of a row of inputs with `TOGETHER` rows of weights, `step` apart. */
static inline void multiply(const int8_t *input, const int8_t *w0, int32_t step, int32_t count, int32_t *sums) {
    const int8_t *w1 = w0 + step, *w2 = w1 + step, *w3 = w2 + step;
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
#if EC_HAS_MVE
    __asm__("dlstp.8 lr, %[count]\n"
            "1:\n\t"
            "vldrb.8 q0, [%[x]], #16\n\t"
            "vldrb.8 q1, [%[w0]], #16\n\t"
            "vmladava.s8 %[s0], q0, q1\n\t"
            "vldrb.8 q2, [%[w1]], #16\n\t"
            "vmladava.s8 %[s1], q0, q2\n\t"
            "vldrb.8 q1, [%[w2]], #16\n\t"
            "vmladava.s8 %[s2], q0, q1\n\t"
            "vldrb.8 q2, [%[w3]], #16\n\t"
            "vmladava.s8 %[s3], q0, q2\n\t"
            "letp lr, 1b"
            : [x] "+r"(input), [w0] "+r"(w0), [w1] "+r"(w1), [w2] "+r"(w2), [w3] "+r"(w3), [s0] "+Te"(s0),
              [s1] "+Te"(s1), [s2] "+Te"(s2), [s3] "+Te"(s3)
            : [count] "r"(count)
            : "lr", "q0", "q1", "q2", "memory");
#else
    for (int32_t i = 0; i < count; ++i) {
        s0 += input[i] * w0[i];
        s1 += input[i] * w1[i];
        s2 += input[i] * w2[i];
        s3 += input[i] * w3[i];
    }
#endif
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

static void multiply_row(const ec_fully_connected_mve_params *p, const ec_requantization_mve *requantization,
                         const int8_t *input, int8_t *output) {
    int32_t sums[OUTPUTS + TOGETHER - 1];
    const int8_t *weights = p->weights;
    for (int32_t first = 0; first < p->outputs; first += OUTPUTS) {
        const int32_t left = p->outputs - first, count = left < OUTPUTS ? left : OUTPUTS, whole = count / TOGETHER * TOGETHER;
        for (int32_t i = 0; i < whole; i += TOGETHER, weights += TOGETHER * p->inputs) {
            multiply(input, weights, p->inputs, p->inputs, sums + i);
        }
        for (int32_t i = whole; i < count; ++i, weights += p->inputs) { /* its row four times */
            multiply(input, weights, 0, p->inputs, sums + i);
        }
        ec_requantize_row(requantization, first, count, sums, output + first);
    }
}

void ec_fully_connected_mve(const ec_fully_connected_mve_params *p, const int8_t *input, int8_t *output) {
    ec_requantization_mve requantization;
    ec_prepare_requantization(&p->requantization, p->bias, &requantization);
    for (int32_t row = 0; row < p->rows; ++row) {
        multiply_row(p, &requantization, input, output);
        input += p->inputs;
        output += p->out_pitch;
    }
}

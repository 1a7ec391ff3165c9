/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* What a unit of UNIDIRECTIONAL_SEQUENCE_LSTM makes of its gates' sums: cells are of 16 bits, whatever the activations are of. */
#ifndef EC_LSTM_CELLS_H
#define EC_LSTM_CELLS_H

#include "ec_curves_16.h"
#include "ec_fixed_point.h"

enum { EC_FORGET, EC_INPUT, EC_CELL, EC_OUTPUT, EC_GATES };
enum { EC_OF_OLD_CELL, EC_OF_NEW_CELL, EC_OF_OUTPUT };

typedef struct {
    int32_t clip;        /* of the cells, 0: none */
    int32_t tanh_factor; /* from a cell to 256ths of the table's steps, with the shift to the right */
    int32_t tanh_shift;
    const int32_t *product_multipliers; /* of the products for cells [2] and outputs [1] */
    const int8_t *product_shifts;
    const int16_t *sigmoid; /* [256]: from 0 on in steps of 1/24, times 2^16, minus 2^15 */
} ec_lstm_cells;

static inline int32_t ec_to_int16(int32_t x) {
    return ec_clamp(x, INT16_MIN, INT16_MAX);
}

/* from what its input and its past come to */
static inline int32_t ec_lstm_gate(const ec_lstm_cells *c, int32_t which, int32_t now, int32_t past) {
    const int32_t sum = ec_to_int16(ec_to_int16(now) + ec_to_int16(past));
    return which == EC_CELL ? ec_tanh_16(c->sigmoid, 3 * sum) : ec_sigmoid_16(c->sigmoid, 3 * sum);
}

static inline int32_t ec_lstm_product(const ec_lstm_cells *c, int32_t x, int32_t which) {
    return ec_multiply_by_quantized_multiplier(x, c->product_multipliers[which], c->product_shifts[which]);
}

static inline int16_t ec_lstm_new_cell(const ec_lstm_cells *c, int32_t old, const int32_t *gates) {
    const int32_t kept = ec_to_int16(ec_lstm_product(c, gates[EC_FORGET] * old, EC_OF_OLD_CELL));
    const int32_t added = ec_to_int16(ec_lstm_product(c, gates[EC_INPUT] * gates[EC_CELL], EC_OF_NEW_CELL));
    const int32_t cell = ec_to_int16(kept + added);
    return (int16_t)(c->clip ? ec_clamp(cell, -c->clip, c->clip) : cell);
}

/* the output less its zero point, not yet clamped */
static inline int32_t ec_lstm_output(const ec_lstm_cells *c, int32_t cell, const int32_t *gates) {
    const int32_t half = (int32_t)((UINT32_C(1) << c->tanh_shift) >> 1);
    const int32_t shown = ec_tanh_16(c->sigmoid, (cell * c->tanh_factor + half) >> c->tanh_shift);
    return ec_lstm_product(c, shown * gates[EC_OUTPUT], EC_OF_OUTPUT);
}

#endif

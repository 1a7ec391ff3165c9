/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Rows that a later visit of a layer needs again, and patches of an image. */
#ifndef EC_ROWS_H
#define EC_ROWS_H

#include <stdint.h>

/* Moves whole words to a lower address, which they may overlap; both are aligned to words. */
void ec_move_rows(uint8_t *to, const uint8_t *from, int32_t bytes);

/* Copies the rows of a patch, which are `pitch` bytes apart; the two do not overlap. */
void ec_copy_rows(
    uint8_t *to, int32_t to_pitch, const uint8_t *from, int32_t from_pitch, int32_t rows, int32_t bytes
);

#endif

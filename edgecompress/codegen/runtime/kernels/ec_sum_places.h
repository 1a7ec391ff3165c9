/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_SUM_PLACES_H
#define EC_SUM_PLACES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { EC_PLACES_PAGE = 256 };

/* Adds the products of a page's inputs, at most 256 of four pixels each, to the sums of these pixels.
 *
 * places: the number of values, then of each: the value, the number of its places, 1 to 255, and the places, a byte each
 * page:   for every input two words: of pixels 0 and 1, and of 2 and 3, low + 65536 * high
 *
 * Returns the places behind these. */
const uint8_t *ec_sum_places(const uint8_t *places, const uint32_t *page, uint32_t sums[4]);

#ifdef __cplusplus
}
#endif

#endif

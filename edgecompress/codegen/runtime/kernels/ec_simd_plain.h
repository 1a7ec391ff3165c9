/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_SIMD_PLAIN_H
#define EC_SIMD_PLAIN_H

#include "ec_simd.h"

extern const ec_simd_kernels ec_simd_plain;

#endif

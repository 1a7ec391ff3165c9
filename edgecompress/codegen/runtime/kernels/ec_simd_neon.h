/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_SIMD_NEON_H
#define EC_SIMD_NEON_H

#include "ec_simd.h"

#if defined(__ARM_NEON) && !defined(__ARM_BIG_ENDIAN)
#define EC_HAS_NEON 1
extern const ec_simd_kernels ec_simd_neon;
#else
#define EC_HAS_NEON 0
#endif

#endif

/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_SIMD_AVX2_H
#define EC_SIMD_AVX2_H

#include "ec_simd.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define EC_HAS_AVX2 1
extern const ec_simd_kernels ec_simd_avx2;
#else
#define EC_HAS_AVX2 0
#endif

#endif

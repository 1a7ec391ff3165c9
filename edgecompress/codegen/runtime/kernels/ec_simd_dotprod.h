/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_SIMD_DOTPROD_H
#define EC_SIMD_DOTPROD_H

#include "ec_simd.h"

#if defined(__aarch64__) && !defined(__ARM_BIG_ENDIAN)
#define EC_HAS_DOTPROD 1
extern const ec_simd_kernels ec_simd_dotprod;
#else
#define EC_HAS_DOTPROD 0
#endif

#endif

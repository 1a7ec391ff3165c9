/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#ifndef EC_SIMD_VNNI_H
#define EC_SIMD_VNNI_H

#include "ec_simd.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define EC_HAS_VNNI 1
extern const ec_simd_kernels ec_simd_vnni;
#else
#define EC_HAS_VNNI 0
#endif

#endif

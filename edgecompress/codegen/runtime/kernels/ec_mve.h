/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Whether the processor has Arm's integer vector unit (M-profile Vector Extension, "Helium"): 16 bytes in a register. */
#ifndef EC_MVE_H
#define EC_MVE_H

#include <stdint.h>

#if defined(__ARM_FEATURE_MVE) && defined(__thumb__)
#define EC_HAS_MVE 1
#include <arm_mve.h>
#else
#define EC_HAS_MVE 0
#endif

/* Before a loop of few rounds: clang would prepare for many, at a price above its worth. */
#ifdef __clang__
#define EC_FEW_ROUNDS _Pragma("clang loop vectorize(disable) unroll(disable)")
#else
#define EC_FEW_ROUNDS
#endif

#endif

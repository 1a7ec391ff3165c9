/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Which vectors this processor has: known when the program is compiled, or found once when it runs. */
#include "ec_simd.h"

#include "ec_simd_avx2.h"
#include "ec_simd_dotprod.h"
#include "ec_simd_neon.h"
#include "ec_simd_plain.h"
#include "ec_simd_vnni.h"

#if defined(EC_SIMD) /* the name of a table, for tests: plain, neon and so on */
#define TABLE_OF(name) ec_simd_##name
#define TABLE(name) TABLE_OF(name)
#define FOUND TABLE(EC_SIMD)
#elif EC_HAS_AVX2 || (EC_HAS_DOTPROD && defined(__linux__) && !defined(__ARM_FEATURE_DOTPROD))
/* found when the program runs */
#elif EC_HAS_DOTPROD && defined(__ARM_FEATURE_DOTPROD)
#define FOUND ec_simd_dotprod
#elif EC_HAS_NEON
#define FOUND ec_simd_neon
#else
#define FOUND ec_simd_plain
#endif

#if defined(FOUND)

const ec_simd_kernels *ec_simd(void) {
    return &FOUND;
}

#else

#if EC_HAS_AVX2

#include <cpuid.h>

static const ec_simd_kernels *look(void) {
    unsigned a, b, c, d, saved;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1)) { /* OSXSAVE */
        return &ec_simd_plain;
    }
    __asm__("xgetbv" : "=a"(saved), "=d"(d) : "c"(0)); /* the registers that the system saves */
    if ((saved & 0x06) != 0x06 || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b >> 5 & 1)) {
        return &ec_simd_plain;
    }
    const int has_avx512 = (saved & 0xE6) == 0xE6 && (b >> 16 & 1) && (b >> 31 & 1); /* F and VL */
    return has_avx512 && (c >> 11 & 1) ? &ec_simd_vnni : &ec_simd_avx2;
}

#else

#include <sys/auxv.h>

enum { ASIMDDP = 1 << 20 }; /* HWCAP_ASIMDDP, which old systems' headers lack */

static const ec_simd_kernels *look(void) {
    return getauxval(AT_HWCAP) & ASIMDDP ? &ec_simd_dotprod : &ec_simd_neon;
}

#endif

/* Remembered: asking costs microseconds where the processor is a virtual one. */
const ec_simd_kernels *ec_simd(void) {
    static const ec_simd_kernels *_Atomic known;
    const ec_simd_kernels *kernels = known;
    if (kernels == 0) {
        kernels = known = look();
    }
    return kernels;
}

#endif

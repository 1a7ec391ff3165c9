/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* Ties linux_main.c to one model: -DEC_MODEL_HEADER="kws.h" names its header, -DEC_PREFIX=kws its functions and
 * -DEC_UPPER=KWS its macros. */
#ifndef EC_LINUX_H
#define EC_LINUX_H

#include EC_MODEL_HEADER

#define EC_JOIN_(a, b) a##_##b
#define EC_JOIN(a, b) EC_JOIN_(a, b)
#define EC_FUNCTION(name) EC_JOIN(EC_PREFIX, name) /* EC_FUNCTION(invoke) is model_invoke */
#define EC_MACRO(name) EC_JOIN(EC_UPPER, name)     /* EC_MACRO(ARENA_BYTES) is MODEL_ARENA_BYTES */

#endif

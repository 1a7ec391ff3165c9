/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* The processor's own cycle counter: DWT->CYCCNT where there is one, else SysTick with its wraps counted.
 *
 * Which one really counts is found out by looking: an emulator may have neither, and then cycles are unknown, not 0. */
#ifndef EC_CYCLES_H
#define EC_CYCLES_H

#include <stdint.h>

enum ec_counter { EC_COUNTER_NONE = 0, EC_COUNTER_DWT = 1, EC_COUNTER_SYSTICK = 2 };

enum ec_counter ec_cycles_open(void); /* starts the best counter there is and names it */
uint64_t ec_cycles_now(void);         /* cycles since then; between two looks at DWT no more than 2^32 may go by */
void ec_systick_overflow(void);       /* the SysTick handler: one wrap of 2^24 */

#endif

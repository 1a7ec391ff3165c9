/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* What every firmware program shares: the names of the model's API, the arena, the stack and how a program ends.
 *
 * The program is built for one model. -DEC_MODEL_HEADER="kws.h" names its header, -DEC_PREFIX=kws its functions and
 * -DEC_UPPER=KWS its macros; all three default to the prefix "model". */
#ifndef EC_PROGRAM_H
#define EC_PROGRAM_H

#include <stdint.h>

#ifndef EC_MODEL_HEADER
#define EC_MODEL_HEADER "model.h"
#endif
#ifndef EC_PREFIX
#define EC_PREFIX model
#endif
#ifndef EC_UPPER
#define EC_UPPER MODEL
#endif

#define EC_JOIN_(a, b) a##_##b
#define EC_JOIN(a, b) EC_JOIN_(a, b)
#define EC_FUNCTION(name) EC_JOIN(EC_PREFIX, name) /* EC_FUNCTION(invoke) is model_invoke */
#define EC_MACRO(name) EC_JOIN(EC_UPPER, name)     /* EC_MACRO(ARENA_BYTES) is MODEL_ARENA_BYTES */

extern uint32_t ec_stack_low[];  /* lowest word of the stack, from the linker script */
extern uint32_t ec_stack_high[]; /* one past its highest word */

#define EC_STACK_PAINT 0xEC57AC4Bu /* start-up fills the stack with this; the host looks for the deepest word that changed */

int main(void);
void ec_exit(int status) __attribute__((noreturn)); /* semihosting exit; a breakpoint when nobody listens */

/* What the processor knew when it faulted; `taken` is 1 once a fault was caught. */
struct ec_fault {
    uint32_t taken;
    uint32_t exception; /* IPSR: 3 HardFault, 4 MemManage, 5 BusFault, 6 UsageFault */
    uint32_t sp;
    uint32_t lr;
    uint32_t pc;
    uint32_t cfsr; /* the configurable fault status of ARMv7-M and later; 0 on ARMv6-M */
    uint32_t address; /* BFAR or MMFAR where CFSR says it is valid, else 0 */
};
extern volatile struct ec_fault ec_fault;

#endif

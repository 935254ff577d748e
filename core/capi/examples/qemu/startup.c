// From reset to main on a Cortex-M, and an end of the emulation for every fault.
#include <stdint.h>
#include <stdlib.h>

extern uint32_t stack_top, data_start, data_end, data_in_flash, bss_start, bss_end;
extern void initialise_monitor_handles(void);
extern int main(void);

void reset(void);

static void fault(void) {
    _Exit(100);
}

static const struct {
    uint32_t *stack;
    void (*handlers[15])(void);
} vectors __attribute__((section(".vectors"), used)) = {&stack_top, {reset, fault, fault, fault, fault, fault, fault}};

void reset(void) {
#ifdef __ARM_FP
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20; // CPACR: coprocessors 10 and 11
    __asm volatile("dsb\n isb");
#endif
    const uint32_t *from = &data_in_flash;
    for (uint32_t *to = &data_start; to < &data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = &bss_start; to < &bss_end;) {
        *to++ = 0;
    }
    initialise_monitor_handles();
    exit(main());
}

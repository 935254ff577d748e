// What the example sketch uses of Arduino, without a function: `cargo xtask capi` compiles and links the sketch with it.
#pragma once
#include <stddef.h>
#include <stdint.h>

static struct {
    void begin(unsigned long) {}
    void print(const char *) {}
    void print(double) {}
    void println(const char *) {}
} Serial;

inline void delay(unsigned long) {}

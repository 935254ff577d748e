// What the example sketch uses of Arduino's PDM library, without a function.
#pragma once

static struct {
    void (*received)();
    void onReceive(void (*function)()) { received = function; }
    int begin(int, int) { return 1; }
    int available() { return 0; }
    int read(void *, size_t) { return 0; }
} PDM;

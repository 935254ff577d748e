// How deep the stack goes in each function: paints what lies below, calls it, and looks how far down the paint is gone. Prints `function bytes` lines.
#include <stdio.h>
#include <stdlib.h>

#include "edge.h"
#include "ser.h"

#define DEPTH 16384
#define PAINT 0x5Au

static uint64_t memory[SER_LISTENER_WORDS(EDGE_STATE_BYTES)];
static int16_t samples[160];
static ser_model_info_t info;
static ser_recognizer_t *recognizer;
static ser_listener_t *listener;
static ser_prediction_t prediction;
static uint8_t snapshot[EDGE_LISTENER_SNAPSHOT_BYTES];

static void on_event(const ser_event_t *event, void *user) {
    (void)event;
    (void)user;
}

static ser_status_t model_info(void) { return ser_model_info(edge_model, sizeof edge_model, &info); }
static ser_status_t recognizer_create(void) { return ser_recognizer_create(edge_model, sizeof edge_model, memory, sizeof memory, &recognizer); }
static ser_status_t recognizer_push(void) { return ser_recognizer_push(recognizer, samples, 160); }
static ser_status_t recognizer_prediction(void) { return ser_recognizer_prediction(recognizer, &prediction); }
static ser_status_t recognizer_snapshot(void) { return ser_recognizer_snapshot(recognizer, snapshot, EDGE_RECOGNIZER_SNAPSHOT_BYTES); }
static ser_status_t recognizer_restore(void) { return ser_recognizer_restore(recognizer, snapshot, EDGE_RECOGNIZER_SNAPSHOT_BYTES); }
static ser_status_t listener_create(void) { return ser_listener_create(edge_model, sizeof edge_model, NULL, memory, sizeof memory, &listener); }
static ser_status_t listener_push(void) { return ser_listener_push(listener, samples, 160, on_event, NULL); }

// The stack below the frame of this function, which calls nothing but `function`.
__attribute__((noinline)) static unsigned used_by(ser_status_t (*function)(void)) {
    volatile uint8_t *top = (uint8_t *)__builtin_frame_address(0) - 64;
    for (unsigned depth = 0; depth < DEPTH; depth++) {
        top[-(int)depth] = PAINT;
    }
    if (function() != SER_OK) {
        exit(2);
    }
    unsigned depth = DEPTH;
    while (depth > 0 && top[-(int)depth + 1] == PAINT) {
        depth--;
    }
    return depth + 64;
}

// The largest of many calls, with sounds between.
static void measure(const char *name, ser_status_t (*function)(void), unsigned calls) {
    unsigned largest = 0;
    for (unsigned call = 0; call < calls; call++) {
        for (unsigned i = 0; i < 160; i++) {
            samples[i] = (i + 7 * call) % 80 < 40 ? 8000 : -8000;
        }
        unsigned used = used_by(function);
        if (used > largest) {
            largest = used;
        }
    }
    printf("%s %u\n", name, largest);
}

int main(void) {
    measure("ser_model_info", model_info, 1);
    measure("ser_recognizer_create", recognizer_create, 1);
    measure("ser_recognizer_push", recognizer_push, 300);
    measure("ser_recognizer_prediction", recognizer_prediction, 1);
    measure("ser_recognizer_snapshot", recognizer_snapshot, 1);
    measure("ser_recognizer_restore", recognizer_restore, 1);
    measure("ser_listener_create", listener_create, 1);
    measure("ser_listener_push", listener_push, 300);
    return 0;
}

// Recognises the utterances in audio.bin, then listens to all of them as one stream, and writes what it heard to answers.txt.
//
// audio.bin: for each utterance a uint32_t, its number of samples, then as many int16_t; little-endian.
//
// The same source runs on a microcontroller (here files come by semihosting) and on a workstation, and has to write the same answers.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge.h"
#include "ser.h"

#define CHUNK 160

// The only memory that ser uses; each would do alone in a firmware.
static uint64_t recognizer_memory[SER_RECOGNIZER_WORDS(EDGE_STATE_BYTES)];
static uint64_t listener_memory[SER_LISTENER_WORDS(EDGE_STATE_BYTES)];
static uint8_t snapshot[EDGE_RECOGNIZER_SNAPSHOT_BYTES];

static FILE *answers;

// Ends the program unless it is done.
static void expect(ser_status_t status, const char *what) {
    if (status != SER_OK) {
        fprintf(stderr, "%s: %s\n", what, ser_status_text(status));
        exit(2);
    }
}

static void print_prediction(const ser_prediction_t *prediction) {
    fprintf(answers, "%s %u confident %d logits", prediction->label, (unsigned)prediction->index, prediction->confident);
    for (unsigned i = 0; i < EDGE_LABEL_COUNT; i++) {
        fprintf(answers, " %ld", (long)prediction->logits[i]);
    }
    fprintf(answers, " probabilities");
    for (unsigned i = 0; i < EDGE_LABEL_COUNT; i++) {
        uint32_t bits;
        memcpy(&bits, &prediction->probabilities[i], sizeof bits);
        fprintf(answers, " %08lx", (unsigned long)bits);
    }
    fprintf(answers, "\n");
}

// Samples of the next utterance, 0 at the end.
static uint32_t next_utterance(FILE *audio) {
    uint32_t samples = 0;
    return fread(&samples, sizeof samples, 1, audio) == 1 ? samples : 0;
}

// Reads up to CHUNK samples of the `left` ones.
static size_t next_chunk(FILE *audio, int16_t *chunk, uint32_t left) {
    size_t count = left < CHUNK ? left : CHUNK;
    if (fread(chunk, sizeof *chunk, count, audio) != count) {
        fprintf(stderr, "audio.bin ends within an utterance\n");
        exit(2);
    }
    return count;
}

// One utterance after the other; each sleeps once, at its first third.
static void recognize(FILE *audio) {
    ser_recognizer_t *recognizer;
    expect(ser_recognizer_create(edge_model, sizeof edge_model, recognizer_memory, sizeof recognizer_memory, &recognizer), "create");
    for (uint32_t samples; (samples = next_utterance(audio)) != 0;) {
        int16_t chunk[CHUNK];
        bool slept = false;
        for (uint32_t left = samples; left != 0;) {
            size_t count = next_chunk(audio, chunk, left);
            left -= count;
            expect(ser_recognizer_push(recognizer, chunk, count), "push");
            if (!slept && left < samples - samples / 3) {
                slept = true;
                expect(ser_recognizer_snapshot(recognizer, snapshot, sizeof snapshot), "snapshot");
                expect(ser_recognizer_reset(recognizer), "reset");
                expect(ser_recognizer_restore(recognizer, snapshot, sizeof snapshot), "restore");
            }
        }
        ser_prediction_t prediction;
        ser_status_t status = ser_recognizer_finish(recognizer, &prediction);
        if (status == SER_TOO_LITTLE_SPEECH) {
            fprintf(answers, "%s\n", ser_status_text(status));
        } else {
            expect(status, "finish");
            print_prediction(&prediction);
        }
    }
}

static void heard(const ser_event_t *event, void *user) {
    unsigned *events = user;
    *events += 1;
    if (event->kind == SER_EVENT_STARTED) {
        fprintf(answers, "started %lu\n", (unsigned long)event->start);
    } else {
        fprintf(answers, "ended %lu to %lu cut %d ", (unsigned long)event->start, (unsigned long)event->end, event->cut);
        print_prediction(&event->prediction);
    }
}

// The utterances as one stream, with a second of silence behind each.
static void listen(FILE *audio) {
    ser_listener_t *listener;
    expect(ser_listener_create(edge_model, sizeof edge_model, NULL, listener_memory, sizeof listener_memory, &listener), "create");
    unsigned events = 0;
    for (uint32_t left; (left = next_utterance(audio)) != 0;) {
        int16_t chunk[CHUNK];
        while (left != 0) {
            size_t count = next_chunk(audio, chunk, left);
            left -= count;
            expect(ser_listener_push(listener, chunk, count, heard, &events), "push");
        }
        memset(chunk, 0, sizeof chunk);
        for (unsigned silence = 0; silence < EDGE_SAMPLE_RATE_HZ; silence += CHUNK) {
            expect(ser_listener_push(listener, chunk, CHUNK, heard, &events), "push");
        }
    }
    expect(ser_listener_finish(listener, heard, &events), "finish");
    fprintf(answers, "%u events\n", events);
}

// A damaged model is refused, and so is memory that is too short.
static void refuse(void) {
    ser_recognizer_t *recognizer;
    ser_status_t damaged = ser_recognizer_create(edge_model, sizeof edge_model - 1, recognizer_memory, sizeof recognizer_memory, &recognizer);
    ser_status_t short_memory = ser_recognizer_create(edge_model, sizeof edge_model, recognizer_memory, EDGE_STATE_BYTES, &recognizer);
    fprintf(answers, "%s; %s\n", ser_status_text(damaged), ser_status_text(short_memory));
}

int main(void) {
    FILE *audio = fopen("audio.bin", "rb");
    answers = fopen("answers.txt", "w");
    if (audio == NULL || answers == NULL) {
        fprintf(stderr, "audio.bin can't be read, or answers.txt not written\n");
        return 2;
    }
    fprintf(answers, "ser %s contract %lu format %lu\n", ser_version(), (unsigned long)ser_contract_id(), (unsigned long)ser_model_format());
    refuse();
    recognize(audio);
    rewind(audio);
    listen(audio);
    fclose(audio);
    return fclose(answers) == 0 ? 0 : 2;
}

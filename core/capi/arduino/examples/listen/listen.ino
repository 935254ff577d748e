// Listens to the board's microphone and prints each utterance's emotion. For boards with a PDM microphone, like the Nano 33 BLE Sense.
#include <PDM.h>
#include <ser.h>

#include "edge.h" // host embed models/casia/edge.ser --out edge.h

// All the memory that ser uses.
static uint64_t memory[SER_LISTENER_WORDS(EDGE_STATE_BYTES)];
static ser_listener_t *listener;

// Samples on their way from the interrupt to loop(); a power of two. Both counters only grow.
static const uint32_t RING = 4096;
static int16_t ring[RING];
static volatile uint32_t written = 0;
static volatile uint32_t taken = 0;
static volatile uint32_t lost = 0;

static void on_samples() {
    static int16_t samples[256];
    int bytes = PDM.available();
    if (bytes > (int)sizeof samples) {
        bytes = sizeof samples;
    }
    uint32_t count = PDM.read(samples, bytes) / 2;
    for (uint32_t i = 0; i < count; i++) {
        if (written - taken == RING) {
            lost = lost + 1;
        } else {
            ring[written % RING] = samples[i];
            written = written + 1;
        }
    }
}

static void on_event(const ser_event_t *event, void *) {
    if (event->kind != SER_EVENT_ENDED || !event->has_prediction) {
        return;
    }
    Serial.print((float)event->start / EDGE_SAMPLE_RATE_HZ);
    Serial.print(" s: ");
    Serial.print(event->prediction.label);
    Serial.println(event->prediction.confident ? "" : ", not sure");
}

static void stop_unless(bool fine, const char *what) {
    while (!fine) {
        Serial.println(what);
        delay(1000);
    }
}

void setup() {
    Serial.begin(115200);
    ser_status_t status = ser_listener_create(edge_model, sizeof edge_model, NULL, memory, sizeof memory, &listener);
    stop_unless(status == SER_OK, ser_status_text(status));
    PDM.onReceive(on_samples);
    stop_unless(PDM.begin(1, EDGE_SAMPLE_RATE_HZ), "the microphone does not start");
}

void loop() {
    while (taken != written) {
        // As far as the ring goes in one piece.
        uint32_t start = taken % RING;
        uint32_t count = written - taken;
        if (count > RING - start) {
            count = RING - start;
        }
        ser_status_t status = ser_listener_push(listener, ring + start, count, on_event, NULL);
        stop_unless(status == SER_OK, ser_status_text(status));
        taken = taken + count;
    }
    if (lost != 0) {
        Serial.println("samples were lost: this processor is too slow for the model");
        lost = 0;
    }
}

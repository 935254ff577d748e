// C interface of ser: speech emotion recognition on a microcontroller.
//
// The caller owns all memory: a recognizer or a listener lies in one block of it, and nothing is allocated. Each function that can fail returns a
// ser_status_t. One call at a time may use a handle. A second call, from the event function or from an interrupt, returns SER_ERROR_BUSY. Threads need
// a lock. Different handles share nothing.
//
// Made by cbindgen from core/capi/src: do not edit.


#ifndef SER_H
#define SER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A status that nobody reads is a warning of the compiler.
#if defined(__GNUC__) || defined(__clang__)
#define SER_MUST_USE __attribute__((warn_unused_result))
#else
#define SER_MUST_USE
#endif

// Version of this header; see ser_version.
#define SER_VERSION "0.1.0"

// Arithmetic of the library that this header belongs to; see ser_contract_id.
#define SER_CONTRACT_ID 2

// Format of the model files that it reads; see ser_model_format.
#define SER_MODEL_FORMAT 3

// Labels that a model has at most.
#define SER_MAX_LABELS 16

// Largest length of a label, bytes, with the zero at its end.
#define SER_LABEL_BYTES 17

// Memory for a recognizer, bytes. `state_bytes` is that of the model: `host embed` writes it into the header of the model.
#define SER_RECOGNIZER_BYTES(state_bytes) (SER_RECOGNIZER_POINTERS * sizeof(void *) + (state_bytes))

// The same in uint64_t, which has the right alignment: `static uint64_t memory[SER_RECOGNIZER_WORDS(...)];`.
#define SER_RECOGNIZER_WORDS(state_bytes) ((SER_RECOGNIZER_BYTES(state_bytes) + 7) / 8)

// Memory for a listener, bytes. `state_bytes` is that of the model: `host embed` writes it into the header of the model.
#define SER_LISTENER_BYTES(state_bytes) (SER_LISTENER_POINTERS * sizeof(void *) + (state_bytes))

// The same in uint64_t, which has the right alignment: `static uint64_t memory[SER_LISTENER_WORDS(...)];`.
#define SER_LISTENER_WORDS(state_bytes) ((SER_LISTENER_BYTES(state_bytes) + 7) / 8)


// Alignment of the memory for a handle, bytes.
#define SER_ALIGN 8

// Memory of a recognizer besides the model's state, in sizes of a pointer; for processors of 32 and of 64 bits. See
// SER_RECOGNIZER_BYTES.
#define SER_RECOGNIZER_POINTERS 320

// Memory of a listener besides the model's state, in sizes of a pointer. See SER_LISTENER_BYTES.
#define SER_LISTENER_POINTERS 344

// The result of a function. Less than 0 is an error: the function has done nothing.
enum ser_status_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // The function has done its work.
    SER_OK = 0,
    // No error, but there was too little speech for a prediction yet.
    SER_TOO_LITTLE_SPEECH = 1,
    // A pointer is null and must not be.
    SER_ERROR_NULL = -1,
    // A pointer is not aligned for its type. Memory for a handle must be aligned to SER_ALIGN bytes.
    SER_ERROR_MISALIGNED = -2,
    // A length is larger than any object of C; perhaps it was a negative number.
    SER_ERROR_LENGTH = -3,
    // The memory is too short for this model. ser_model_info gives the number of bytes.
    SER_ERROR_MEMORY_TOO_SHORT = -4,
    // The handle points to no recognizer or listener, or to one of the other kind.
    SER_ERROR_NOT_A_HANDLE = -5,
    // Another call uses this handle now: this call came from the event function, or from an interrupt.
    SER_ERROR_BUSY = -6,
    // The bytes are no model file.
    SER_ERROR_NOT_A_MODEL = -7,
    // The model file has another format than this library reads (ser_model_format). Export it anew.
    SER_ERROR_MODEL_FORMAT = -8,
    // The model file is for another arithmetic than that of this library (ser_contract_id). Export it anew.
    SER_ERROR_MODEL_CONTRACT = -9,
    // The model file is too short or too long, or its checksum does not fit.
    SER_ERROR_MODEL_DAMAGED = -10,
    // The model file is whole, but something in it is out of range.
    SER_ERROR_MODEL_INVALID = -11,
    // A parameter of the listener is out of range.
    SER_ERROR_CONFIG = -12,
    // The buffer does not have the length of a snapshot. ser_model_info gives the number of bytes.
    SER_ERROR_SNAPSHOT_LENGTH = -13,
    // The snapshot is of the other kind of handle, of another model or arithmetic, or of another version of the
    // library.
    SER_ERROR_SNAPSHOT_FOREIGN = -14,
    // The snapshot is damaged.
    SER_ERROR_SNAPSHOT_DAMAGED = -15,
    // The model is for images of whole utterances. A recognizer or listener needs a model for streams.
    SER_ERROR_MODEL_FOR_IMAGES = -16,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum ser_status_t ser_status_t;
#else
typedef int32_t ser_status_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Kind of an event.
enum ser_event_kind_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Somebody speaks. Reported once there was enough speech.
    SER_EVENT_STARTED = 0,
    // The utterance is over. Reported `hangover_ms` after its end.
    SER_EVENT_ENDED = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum ser_event_kind_t ser_event_kind_t;
#else
typedef int32_t ser_event_kind_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Hears an endless stream, finds utterances and recognises each. It lies in the memory given to ser_listener_create.
typedef struct ser_listener_t ser_listener_t;

// Recognises utterances whose ends the caller knows. It lies in the memory given to ser_recognizer_create.
typedef struct ser_recognizer_t ser_recognizer_t;

// Parameters of a listener. Levels are mean squares, full scale = 1, so a full-scale sine is at -3 dBFS.
typedef struct {
    // A frame below this level, dBFS, is silence, however low the noise floor; -150 to 0.
    float threshold_db;
    // A frame this far above the floor, dB, counts as speech; `keep_db` to 60.
    float onset_db;
    // A frame this far above the floor, dB, begins a sound and keeps it going; 1 to 60.
    float keep_db;
    // Fastest rise of the floor, dB/s; 0 to 100.
    float rise_db_per_s;
    // Fastest fall of the floor, dB/s; more than 0, at most 1000.
    float fall_db_per_s;
    // Silence that ends an utterance, ms; 1 to 60,000.
    uint32_t hangover_ms;
    // Least speech of an utterance, ms; 1 to 60,000.
    uint32_t min_speech_ms;
    // Longest utterance, ms; more than hangover and least speech, at most 600,000. A longer one is cut into several.
    uint32_t max_ms;
} ser_listener_config_t;

// The answer of a model.
typedef struct {
    // Index of the leading label, the one with the largest logit; the first of equals.
    uint32_t index;
    // Whether the leading label's probability reaches the model's threshold.
    bool confident;
    // The leading label, a string in UTF-8.
    char label[SER_LABEL_BYTES];
    // One for each label of the model, then zeros; they sum to 1.
    float probabilities[SER_MAX_LABELS];
    // The source of the probabilities, Q19.12.
    int32_t logits[SER_MAX_LABELS];
} ser_prediction_t;

// An event on a stream. Samples are counted from the start of the stream.
typedef struct {
    // First sample of the utterance.
    uint64_t start;
    // SER_EVENT_ENDED: the sample behind the last; else 0.
    uint64_t end;
    // Kind of the event.
    ser_event_kind_t kind;
    // SER_EVENT_ENDED: whether it was cut because it reached `max_ms`; another utterance follows.
    bool cut;
    // SER_EVENT_ENDED: whether there is a prediction. If not, too little of it passed the model's silence gate.
    bool has_prediction;
    // The prediction, if there is one; else zeros.
    ser_prediction_t prediction;
} ser_event_t;

// Called with each event and with the pointer `user`. The event is valid only during the call. The function must
// return, and must not call a function with the same listener: that gives SER_ERROR_BUSY.
typedef void (*ser_event_fn)(const ser_event_t *event, void *user);

// The properties and needs of a model file.
typedef struct {
    // Sample rate of the audio, Hz.
    uint32_t sample_rate_hz;
    // Number of emotions, 2 to SER_MAX_LABELS.
    uint32_t label_count;
    // Names of the emotions, strings in UTF-8; unused ones are empty.
    char labels[SER_MAX_LABELS][SER_LABEL_BYTES];
    // A prediction whose probability is below this is not confident, 0 to 1.
    float confidence_threshold;
    // CRC-32 of the file. It tells models apart.
    uint32_t checksum;
    // Memory for a recognizer, bytes.
    size_t recognizer_bytes;
    // Memory for a listener, bytes.
    size_t listener_bytes;
    // State of the model, bytes; both numbers above include it. See SER_RECOGNIZER_BYTES.
    size_t state_bytes;
    // Length of a recognizer's snapshot, bytes.
    size_t recognizer_snapshot_bytes;
    // Length of a listener's snapshot, bytes.
    size_t listener_snapshot_bytes;
} ser_model_info_t;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The parameters that suit the preset `edge`.
//
// SER_ERROR_NULL, _MISALIGNED.
//
// # Safety
// `config` points to memory for the parameters.
SER_MUST_USE ser_status_t ser_listener_default_config(ser_listener_config_t *config);

// Makes a listener, before its first sample, in memory of the caller, and sets `listener` to it.
//
// A `config` of NULL means ser_listener_default_config. `memory` is aligned to SER_ALIGN and has at least
// SER_LISTENER_BYTES or, less, ser_model_info's `listener_bytes`. Nothing has to be freed: the memory is yours again
// when you no longer use the listener.
//
// SER_ERROR_NULL, _MISALIGNED, _LENGTH, _MEMORY_TOO_SHORT, _CONFIG, or one of SER_ERROR_NOT_A_MODEL and
// SER_ERROR_MODEL_...: then `listener` is set to NULL, unless the error is in `listener` itself.
//
// # Safety
// `model` points to `model_bytes` bytes and `memory` to `memory_bytes` bytes. While the listener is in use, both
// stay in place, the model does not change, and nobody else touches the memory. `listener` points to a pointer
// outside of that memory.
SER_MUST_USE
ser_status_t ser_listener_create(const uint8_t *model,
                                 size_t model_bytes,
                                 const ser_listener_config_t *config,
                                 void *memory,
                                 size_t memory_bytes,
                                 ser_listener_t **listener);

// Takes any number of samples, `count`, at the model's rate, and calls `event` with `user` for each event. The events
// do not depend on the size of the chunks. `samples` may be NULL if `count` is 0.
//
// SER_ERROR_NULL, _MISALIGNED, _LENGTH, _NOT_A_HANDLE, _BUSY: then no sample was taken.
//
// # Safety
// `listener` was made by ser_listener_create; `samples` points to this number of samples; `event` may be called with
// `user`.
SER_MUST_USE
ser_status_t ser_listener_push(ser_listener_t *listener,
                               const int16_t *samples,
                               size_t count,
                               ser_event_fn event,
                               void *user);

// Ends an utterance that lasts, for instance when a button is released: then `event` is called with `user`. The stream
// goes on, with its clock and its noise floor. Speech that follows is another utterance.
//
// SER_ERROR_NULL, _MISALIGNED, _NOT_A_HANDLE, _BUSY: then the utterance goes on.
//
// # Safety
// `listener` was made by ser_listener_create; `event` may be called with `user`.
SER_MUST_USE ser_status_t ser_listener_end_utterance(ser_listener_t *listener, ser_event_fn event, void *user);

// Ends the stream, and with it an utterance that still lasts: then `event` is called with `user`. The next sample
// starts another stream, whose noise is unknown: see ser_listener_set_floor_db. Nothing of the audio is left in memory.
//
// SER_ERROR_NULL, _MISALIGNED, _NOT_A_HANDLE, _BUSY: then the stream goes on.
//
// # Safety
// `listener` was made by ser_listener_create; `event` may be called with `user`.
SER_MUST_USE ser_status_t ser_listener_finish(ser_listener_t *listener, ser_event_fn event, void *user);

// Zeroes the state: the next sample starts another stream. Nothing of the audio is left in memory.
//
// SER_ERROR_NULL, _MISALIGNED, _NOT_A_HANDLE, _BUSY.
//
// # Safety
// `listener` was made by ser_listener_create.
SER_MUST_USE ser_status_t ser_listener_reset(ser_listener_t *listener);

// The noise floor, dBFS.
//
// SER_ERROR_NULL, _MISALIGNED, _NOT_A_HANDLE, _BUSY.
//
// # Safety
// `listener` was made by ser_listener_create; `floor_db` points to memory for the answer.
SER_MUST_USE ser_status_t ser_listener_floor_db(ser_listener_t *listener, float *floor_db);

// Sets the noise floor, dBFS, for instance to that of the last stream. At the start of a stream the floor comes up
// quickly unless it was set. A value that no floor has counts as the nearest one, and NaN as the least.
//
// SER_ERROR_NULL, _MISALIGNED, _NOT_A_HANDLE, _BUSY.
//
// # Safety
// `listener` was made by ser_listener_create.
SER_MUST_USE ser_status_t ser_listener_set_floor_db(ser_listener_t *listener, float floor_db);

// Writes the state to `snapshot`, whose length is ser_model_info's `listener_snapshot_bytes`.
//
// SER_ERROR_NULL, _MISALIGNED, _LENGTH, _NOT_A_HANDLE, _BUSY, _SNAPSHOT_LENGTH.
//
// # Safety
// `listener` was made by ser_listener_create; `snapshot` points to this number of bytes outside of its memory.
SER_MUST_USE ser_status_t ser_listener_snapshot(ser_listener_t *listener, uint8_t *snapshot, size_t snapshot_bytes);

// Continues from a snapshot of any listener with the same model and parameters. From there on the same events come.
//
// SER_ERROR_NULL, _MISALIGNED, _LENGTH, _NOT_A_HANDLE, _BUSY: then nothing has changed. SER_ERROR_SNAPSHOT_...: then
// the listener is reset.
//
// # Safety
// `listener` was made by ser_listener_create; `snapshot` points to this number of bytes.
SER_MUST_USE
ser_status_t ser_listener_restore(ser_listener_t *listener,
                                  const uint8_t *snapshot,
                                  size_t snapshot_bytes);

// Version of this library, like "1.2.3"; a string that is never freed. SER_VERSION is that of the header.
const char *ser_version(void);

// Number of the arithmetic of this library. The same number means the same bits. SER_CONTRACT_ID is that of the
// header.
uint32_t ser_contract_id(void);

// The kernels of this library: "portable", "arm-dsp" (assembly for a Cortex-M with the DSP extension) or "avx2"; a
// string that is never freed. A firmware can check by it that it was linked for its processor.
const char *ser_kernels(void);

// Format of the model files that this library reads. SER_MODEL_FORMAT is that of the header.
uint32_t ser_model_format(void);

// Checks a model file of `model_bytes` bytes and writes its needs to `info`. The model may have any alignment, and is
// fastest at a multiple of 16.
//
// SER_ERROR_NULL, _MISALIGNED, _LENGTH, or one of SER_ERROR_NOT_A_MODEL and SER_ERROR_MODEL_...: then `info` is
// unchanged.
//
// # Safety
// `model` points to this number of bytes, `info` to memory for the answer.
SER_MUST_USE ser_status_t ser_model_info(const uint8_t *model, size_t model_bytes, ser_model_info_t *info);

// Makes a recognizer, before its first sample, in memory of the caller, and sets `recognizer` to it.
//
// `memory` is aligned to SER_ALIGN and has at least SER_RECOGNIZER_BYTES or, less, ser_model_info's
// `recognizer_bytes`. Nothing has to be freed: the memory is yours again when you no longer use the recognizer.
//
// SER_ERROR_NULL, _MISALIGNED, _LENGTH, _MEMORY_TOO_SHORT, or one of SER_ERROR_NOT_A_MODEL and SER_ERROR_MODEL_...:
// then `recognizer` is set to NULL, unless the error is in `recognizer` itself.
//
// # Safety
// `model` points to `model_bytes` bytes and `memory` to `memory_bytes` bytes. While the recognizer is in use, both
// stay in place, the model does not change, and nobody else touches the memory. `recognizer` points to a pointer
// outside of that memory.
SER_MUST_USE
ser_status_t ser_recognizer_create(const uint8_t *model,
                                   size_t model_bytes,
                                   void *memory,
                                   size_t memory_bytes,
                                   ser_recognizer_t **recognizer);

// Takes any number of samples, `count`, at the model's rate. The result does not depend on the size of the chunks.
// `samples` may be NULL if `count` is 0.
//
// SER_ERROR_NULL, _MISALIGNED, _LENGTH, _NOT_A_HANDLE, _BUSY: then no sample was taken.
//
// # Safety
// `recognizer` was made by ser_recognizer_create; `samples` points to this number of samples.
SER_MUST_USE ser_status_t ser_recognizer_push(ser_recognizer_t *recognizer, const int16_t *samples, size_t count);

// The prediction for what the network has heard since the start of the utterance. It costs no row of the network; right
// behind a pause, rows of it may still wait and are not in it yet. ser_recognizer_finish has them all.
//
// SER_TOO_LITTLE_SPEECH while there is none; SER_ERROR_NULL, _MISALIGNED, _NOT_A_HANDLE, _BUSY. `prediction` changes
// only with SER_OK.
//
// # Safety
// `recognizer` was made by ser_recognizer_create; `prediction` points to memory for the answer.
SER_MUST_USE ser_status_t ser_recognizer_prediction(ser_recognizer_t *recognizer, ser_prediction_t *prediction);

// Ends the utterance: writes its prediction, and resets the recognizer for the next. Silence at the end changes
// nothing. Right behind a pause it costs the rows of the pause, at most 16 for `edge`.
//
// SER_TOO_LITTLE_SPEECH if there is no prediction; the recognizer is reset too. SER_ERROR_NULL, _MISALIGNED,
// _NOT_A_HANDLE, _BUSY: then the utterance goes on. `prediction` changes only with SER_OK.
//
// # Safety
// `recognizer` was made by ser_recognizer_create; `prediction` points to memory for the answer.
SER_MUST_USE ser_status_t ser_recognizer_finish(ser_recognizer_t *recognizer, ser_prediction_t *prediction);

// Zeroes the state: the next sample starts a new utterance.
//
// SER_ERROR_NULL, _MISALIGNED, _NOT_A_HANDLE, _BUSY.
//
// # Safety
// `recognizer` was made by ser_recognizer_create.
SER_MUST_USE ser_status_t ser_recognizer_reset(ser_recognizer_t *recognizer);

// Writes the state to `snapshot`, whose length is ser_model_info's `recognizer_snapshot_bytes`.
//
// SER_ERROR_NULL, _MISALIGNED, _LENGTH, _NOT_A_HANDLE, _BUSY, _SNAPSHOT_LENGTH.
//
// # Safety
// `recognizer` was made by ser_recognizer_create; `snapshot` points to this number of bytes outside of its memory.
SER_MUST_USE
ser_status_t ser_recognizer_snapshot(ser_recognizer_t *recognizer,
                                     uint8_t *snapshot,
                                     size_t snapshot_bytes);

// Continues from a snapshot of any recognizer with the same model. From there on the same bits come out.
//
// SER_ERROR_NULL, _MISALIGNED, _LENGTH, _NOT_A_HANDLE, _BUSY: then nothing has changed. SER_ERROR_SNAPSHOT_...: then
// the recognizer is reset.
//
// # Safety
// `recognizer` was made by ser_recognizer_create; `snapshot` points to this number of bytes.
SER_MUST_USE
ser_status_t ser_recognizer_restore(ser_recognizer_t *recognizer,
                                    const uint8_t *snapshot,
                                    size_t snapshot_bytes);

// A status in English, a string that is never freed. `status` may be any number.
const char *ser_status_text(int32_t status);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SER_H */

// C interface of ser: speech emotion recognition on a microcontroller.
//
// Memory is the caller's: a recognizer or a listener lies in one block of it and keeps nothing anywhere else; nothing is allocated. Each function but
// those that can't fail answers with a ser_status_t. One call at a time may use a handle; one from the event function, or from an interrupt in the midst
// of another, is refused with SER_ERROR_BUSY. Threads need a lock. Different handles have nothing in common.
//
// Made by cbindgen from core/capi/src: do not edit.


#ifndef SER_H
#define SER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Version of this header; see ser_version.
#define SER_VERSION "0.1.0"

// Arithmetic of the library that this header belongs to; see ser_contract_id.
#define SER_CONTRACT_ID 2

// Format of the model files that it reads; see ser_model_format.
#define SER_MODEL_FORMAT 3

// Labels that a model has at most.
#define SER_MAX_LABELS 8

// Bytes of a label at most, with the zero behind it.
#define SER_LABEL_BYTES 17

// Memory for a recognizer, bytes; `state_bytes` is the model's: `host embed` writes it into the model's header.
#define SER_RECOGNIZER_BYTES(state_bytes) (SER_RECOGNIZER_POINTERS * sizeof(void *) + (state_bytes))

// The same in uint64_t, which are aligned as they have to be: `static uint64_t memory[SER_RECOGNIZER_WORDS(...)];`.
#define SER_RECOGNIZER_WORDS(state_bytes) ((SER_RECOGNIZER_BYTES(state_bytes) + 7) / 8)

// Memory for a listener, bytes; `state_bytes` is the model's: `host embed` writes it into the model's header.
#define SER_LISTENER_BYTES(state_bytes) (SER_LISTENER_POINTERS * sizeof(void *) + (state_bytes))

// The same in uint64_t, which are aligned as they have to be: `static uint64_t memory[SER_LISTENER_WORDS(...)];`.
#define SER_LISTENER_WORDS(state_bytes) ((SER_LISTENER_BYTES(state_bytes) + 7) / 8)


// Alignment of the memory for a handle, bytes.
#define SER_ALIGN 8

// What a recognizer needs beside the model's state, in sizes of a pointer: on processors of 32 and of 64 bits. See
// SER_RECOGNIZER_BYTES.
#define SER_RECOGNIZER_POINTERS 300

// What a listener needs beside the model's state, in sizes of a pointer. See SER_LISTENER_BYTES.
#define SER_LISTENER_POINTERS 320

// What a function answers. Less than 0 is an error: what was asked for was not done.
enum ser_status_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // It is done.
    SER_OK = 0,
    // No error, but there was too little speech for a prediction yet.
    SER_TOO_LITTLE_SPEECH = 1,
    // A pointer is null that must not be.
    SER_ERROR_NULL = -1,
    // A pointer is not aligned as its type has to be; memory for a handle: to SER_ALIGN bytes.
    SER_ERROR_MISALIGNED = -2,
    // A length is larger than any object of C: a negative number that became one, perhaps.
    SER_ERROR_LENGTH = -3,
    // The memory is too short for this model: ser_model_info tells the bytes.
    SER_ERROR_MEMORY_TOO_SHORT = -4,
    // The handle does not point to memory in which a create function left one of this kind.
    SER_ERROR_NOT_A_HANDLE = -5,
    // Another call with this handle is not over yet: it came from the event function, or from an interrupt.
    SER_ERROR_BUSY = -6,
    // The bytes are no model file.
    SER_ERROR_NOT_A_MODEL = -7,
    // The model file has another format than this library reads (ser_model_format): export it anew.
    SER_ERROR_MODEL_FORMAT = -8,
    // The model file is for another arithmetic than this library computes (ser_contract_id): export it anew.
    SER_ERROR_MODEL_CONTRACT = -9,
    // The model file is incomplete, goes on after its end, or its checksum does not fit.
    SER_ERROR_MODEL_DAMAGED = -10,
    // The model file is whole, but something in it is out of range.
    SER_ERROR_MODEL_INVALID = -11,
    // A parameter of the listener is out of range.
    SER_ERROR_CONFIG = -12,
    // The buffer has not the length of a snapshot: ser_model_info tells the bytes.
    SER_ERROR_SNAPSHOT_LENGTH = -13,
    // A snapshot of something else: of the other kind of handle, of another model or arithmetic, or by another version
    // of the library.
    SER_ERROR_SNAPSHOT_FOREIGN = -14,
    // The snapshot is damaged.
    SER_ERROR_SNAPSHOT_DAMAGED = -15,
    // The model is for images of whole utterances: neither a recognizer nor a listener, which hear streams, can be
    // made of it.
    SER_ERROR_MODEL_FOR_IMAGES = -16,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum ser_status_t ser_status_t;
#else
typedef int32_t ser_status_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What happens on a stream.
enum ser_event_kind_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Somebody speaks: known as soon as there was enough of it.
    SER_EVENT_STARTED = 0,
    // The utterance is over: known `hangover_ms` after its end.
    SER_EVENT_ENDED = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum ser_event_kind_t ser_event_kind_t;
#else
typedef int32_t ser_event_kind_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Hears an endless stream, finds utterances and recognises each. It lies in the memory that ser_listener_create was
// given.
typedef struct ser_listener_t ser_listener_t;

// Recognises utterances whose ends the caller knows. It lies in the memory that ser_recognizer_create was given.
typedef struct ser_recognizer_t ser_recognizer_t;

// Parameters of a listener. Levels are mean squares, full scale = 1, so a full-scale sine is at -3 dBFS.
typedef struct {
    // What is below this level, dBFS, is silence however low the noise floor; -150 to 0.
    float threshold_db;
    // A frame this far above the floor, dB, counts as speech; `keep_db` to 60.
    float onset_db;
    // A frame this far above the floor, dB, begins a sound and keeps it going; 1 to 60.
    float keep_db;
    // How fast the floor rises at most, dB/s; 0 to 100.
    float rise_db_per_s;
    // How fast the floor falls at most, dB/s; more than 0, to 1000.
    float fall_db_per_s;
    // Silence that ends an utterance, ms; 1 to 60,000.
    uint32_t hangover_ms;
    // An utterance has at least so much speech, ms; 1 to 60,000.
    uint32_t min_speech_ms;
    // A longer utterance is ended here, ms, and another begins; more than hangover and least speech, to 600,000.
    uint32_t max_ms;
} ser_listener_config_t;

// What was recognised.
typedef struct {
    // Index of the leading label: that of the largest logit, the first of equals.
    uint32_t index;
    // Whether the leading label's probability reaches the model's threshold.
    bool confident;
    // The leading label, a string in UTF-8.
    char label[SER_LABEL_BYTES];
    // One for each label of the model, zeros behind them; they sum to 1.
    float probabilities[SER_MAX_LABELS];
    // What the probabilities were made from, Q19.12.
    int32_t logits[SER_MAX_LABELS];
} ser_prediction_t;

// What happened. Samples are counted from the start of the stream.
typedef struct {
    // First sample of the utterance.
    uint64_t start;
    // SER_EVENT_ENDED: behind its last sample; else 0.
    uint64_t end;
    // Which.
    ser_event_kind_t kind;
    // SER_EVENT_ENDED: whether it was ended because it reached `max_ms`; what follows is another utterance.
    bool cut;
    // SER_EVENT_ENDED: whether there is a prediction; else too little of it passed the model's silence gate.
    bool has_prediction;
    // The prediction, if there is one; else zeros.
    ser_prediction_t prediction;
} ser_event_t;

// Called with each event and with the pointer that came with it. The event is there during the call alone. It has to
// return, and it may call no function with the same listener: that is SER_ERROR_BUSY.
typedef void (*ser_event_fn)(const ser_event_t *event, void *user);

// What a model file says of itself, and what it needs.
typedef struct {
    // Rate of the samples that it wants, Hz.
    uint32_t sample_rate_hz;
    // Emotions that it tells apart, 2 to SER_MAX_LABELS.
    uint32_t label_count;
    // Their names, strings in UTF-8; those behind the last are empty.
    char labels[SER_MAX_LABELS][SER_LABEL_BYTES];
    // A prediction whose probability is below this is not confident, 0 to 1.
    float confidence_threshold;
    // CRC-32 of the file: tells models apart.
    uint32_t checksum;
    // Memory for a recognizer, bytes.
    size_t recognizer_bytes;
    // Memory for a listener, bytes.
    size_t listener_bytes;
    // State that the model needs, bytes; a part of the two above. See SER_RECOGNIZER_BYTES.
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
// `config` points to memory for them.
ser_status_t ser_listener_default_config(ser_listener_config_t *config);

// Makes a listener, before its first sample, in memory of the caller, and sets `listener` to it.
//
// `config` may be NULL: then it is that of ser_listener_default_config. `memory` is aligned to SER_ALIGN and has at
// least SER_LISTENER_BYTES or, less, ser_model_info's `listener_bytes`. To be done with the listener it is enough not
// to use it any more.
//
// SER_ERROR_NULL, _MISALIGNED, _LENGTH, _MEMORY_TOO_SHORT, _CONFIG, or one of SER_ERROR_NOT_A_MODEL and
// SER_ERROR_MODEL_...: then `listener` is set to NULL, unless it is itself at fault.
//
// # Safety
// `model` points to `model_bytes` bytes and `memory` to `memory_bytes` bytes. As long as the listener is used both
// stay where they are, the model stays as it is, and nobody else touches the memory. `listener` points to a pointer
// outside of that memory.
ser_status_t ser_listener_create(const uint8_t *model,
                                 size_t model_bytes,
                                 const ser_listener_config_t *config,
                                 void *memory,
                                 size_t memory_bytes,
                                 ser_listener_t **listener);

// Takes `count` samples at the model's rate, as many as there are, and calls `event` with `user` for each event; where
// chunks begin and end makes no difference. `samples` may be NULL if there are none.
//
// SER_ERROR_NULL, _MISALIGNED, _LENGTH, _NOT_A_HANDLE, _BUSY: then none were taken.
//
// # Safety
// `listener` was made by ser_listener_create; `samples` points to so many samples; `event` may be called with `user`.
ser_status_t ser_listener_push(ser_listener_t *listener,
                               const int16_t *samples,
                               size_t count,
                               ser_event_fn event,
                               void *user);

// Ends the stream, and an utterance that still lasts with it: `event` is called with `user` for that. Ready for
// another stream.
//
// SER_ERROR_NULL, _MISALIGNED, _NOT_A_HANDLE, _BUSY: then the stream goes on.
//
// # Safety
// `listener` was made by ser_listener_create; `event` may be called with `user`.
ser_status_t ser_listener_finish(ser_listener_t *listener, ser_event_fn event, void *user);

// Forgets what was heard.
//
// SER_ERROR_NULL, _MISALIGNED, _NOT_A_HANDLE, _BUSY.
//
// # Safety
// `listener` was made by ser_listener_create.
ser_status_t ser_listener_reset(ser_listener_t *listener);

// The noise floor, dBFS.
//
// SER_ERROR_NULL, _MISALIGNED, _NOT_A_HANDLE, _BUSY.
//
// # Safety
// `listener` was made by ser_listener_create; `floor_db` points to memory for the answer.
ser_status_t ser_listener_floor_db(ser_listener_t *listener, float *floor_db);

// Writes all that was heard into `snapshot`, whose length is ser_model_info's `listener_snapshot_bytes`.
//
// SER_ERROR_NULL, _MISALIGNED, _LENGTH, _NOT_A_HANDLE, _BUSY, _SNAPSHOT_LENGTH.
//
// # Safety
// `listener` was made by ser_listener_create; `snapshot` points to so many bytes outside of its memory.
ser_status_t ser_listener_snapshot(ser_listener_t *listener, uint8_t *snapshot, size_t snapshot_bytes);

// Goes on from a snapshot, which any listener with the same model and parameters may have taken: the same events come
// from there on.
//
// SER_ERROR_NULL, _MISALIGNED, _LENGTH, _NOT_A_HANDLE, _BUSY: then nothing has changed. SER_ERROR_SNAPSHOT_...: then
// the listener is as before its first sample.
//
// # Safety
// `listener` was made by ser_listener_create; `snapshot` points to so many bytes.
ser_status_t ser_listener_restore(ser_listener_t *listener, const uint8_t *snapshot, size_t snapshot_bytes);

// Version of this library, like "1.2.3"; a string that is never freed. SER_VERSION is that of the header.
const char *ser_version(void);

// Number of the arithmetic that this library computes; the same number, the same bits. SER_CONTRACT_ID is that of the
// header.
uint32_t ser_contract_id(void);

// Format of the model files that this library reads. SER_MODEL_FORMAT is that of the header.
uint32_t ser_model_format(void);

// Checks a model file of `model_bytes` bytes and says what it needs. The model needs no alignment, but is fastest at a
// multiple of 16.
//
// SER_ERROR_NULL, _MISALIGNED, _LENGTH, or one of SER_ERROR_NOT_A_MODEL and SER_ERROR_MODEL_...: then `info` is left
// as it is.
//
// # Safety
// `model` points to so many bytes, `info` to memory for the answer.
ser_status_t ser_model_info(const uint8_t *model, size_t model_bytes, ser_model_info_t *info);

// Makes a recognizer, before its first sample, in memory of the caller, and sets `recognizer` to it.
//
// `memory` is aligned to SER_ALIGN and has at least SER_RECOGNIZER_BYTES or, less, ser_model_info's
// `recognizer_bytes`. To be done with the recognizer it is enough not to use it any more.
//
// SER_ERROR_NULL, _MISALIGNED, _LENGTH, _MEMORY_TOO_SHORT, or one of SER_ERROR_NOT_A_MODEL and SER_ERROR_MODEL_...:
// then `recognizer` is set to NULL, unless it is itself at fault.
//
// # Safety
// `model` points to `model_bytes` bytes and `memory` to `memory_bytes` bytes. As long as the recognizer is used both
// stay where they are, the model stays as it is, and nobody else touches the memory. `recognizer` points to a pointer
// outside of that memory.
ser_status_t ser_recognizer_create(const uint8_t *model,
                                   size_t model_bytes,
                                   void *memory,
                                   size_t memory_bytes,
                                   ser_recognizer_t **recognizer);

// Takes `count` samples at the model's rate, as many as there are; where chunks begin and end makes no difference.
// `samples` may be NULL if there are none.
//
// SER_ERROR_NULL, _MISALIGNED, _LENGTH, _NOT_A_HANDLE, _BUSY: then none were taken.
//
// # Safety
// `recognizer` was made by ser_recognizer_create; `samples` points to so many samples.
ser_status_t ser_recognizer_push(ser_recognizer_t *recognizer, const int16_t *samples, size_t count);

// The prediction for what was heard since the start of the utterance.
//
// SER_TOO_LITTLE_SPEECH as long as there is none; SER_ERROR_NULL, _MISALIGNED, _NOT_A_HANDLE, _BUSY. But for SER_OK,
// `prediction` is left as it is.
//
// # Safety
// `recognizer` was made by ser_recognizer_create; `prediction` points to memory for the answer.
ser_status_t ser_recognizer_prediction(ser_recognizer_t *recognizer, ser_prediction_t *prediction);

// Ends the utterance: gives its prediction, and is ready for the next. Silence at the end counts for nothing.
//
// SER_TOO_LITTLE_SPEECH if there is none, all the same ready for the next; SER_ERROR_NULL, _MISALIGNED, _NOT_A_HANDLE,
// _BUSY: then the utterance goes on. But for SER_OK, `prediction` is left as it is.
//
// # Safety
// `recognizer` was made by ser_recognizer_create; `prediction` points to memory for the answer.
ser_status_t ser_recognizer_finish(ser_recognizer_t *recognizer, ser_prediction_t *prediction);

// Forgets what was heard.
//
// SER_ERROR_NULL, _MISALIGNED, _NOT_A_HANDLE, _BUSY.
//
// # Safety
// `recognizer` was made by ser_recognizer_create.
ser_status_t ser_recognizer_reset(ser_recognizer_t *recognizer);

// Writes all that was heard into `snapshot`, whose length is ser_model_info's `recognizer_snapshot_bytes`.
//
// SER_ERROR_NULL, _MISALIGNED, _LENGTH, _NOT_A_HANDLE, _BUSY, _SNAPSHOT_LENGTH.
//
// # Safety
// `recognizer` was made by ser_recognizer_create; `snapshot` points to so many bytes outside of its memory.
ser_status_t ser_recognizer_snapshot(ser_recognizer_t *recognizer, uint8_t *snapshot, size_t snapshot_bytes);

// Goes on from a snapshot, which any recognizer with the same model may have taken: the same bits come out from there
// on.
//
// SER_ERROR_NULL, _MISALIGNED, _LENGTH, _NOT_A_HANDLE, _BUSY: then nothing has changed. SER_ERROR_SNAPSHOT_...: then
// the recognizer is as before its first sample.
//
// # Safety
// `recognizer` was made by ser_recognizer_create; `snapshot` points to so many bytes.
ser_status_t ser_recognizer_restore(ser_recognizer_t *recognizer, const uint8_t *snapshot, size_t snapshot_bytes);

// A status in English, a string that is never freed. Any number may be asked for.
const char *ser_status_text(int32_t status);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SER_H */

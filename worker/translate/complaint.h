/* worker/translate/complaint.h
 *
 * The canonical error: what a provider complained of, or what the gateway has to say, before it
 * is put in the words of the client's dialect. Which kinds there are and how each dialect
 * spells them stands in complaints.def.
 */
#ifndef WORKER_TRANSLATE_COMPLAINT_H
#define WORKER_TRANSLATE_COMPLAINT_H

#include "shared/base/fault.h"

#include "worker/translate/text.h"

enum complaint_kind {
#define COMPLAINT(kind, o_status, o_type, o_code, a_status, a_type, g_status, g_word, fault) \
    COMPLAINT_##kind,
#include "worker/translate/complaints.def"
#undef COMPLAINT
    COMPLAINT_COUNT
};

struct complaint {
    uint8_t kind;        /* enum complaint_kind */
    struct text message; /* the provider's words, or ours; never TEXT_NONE when written */
    struct text code;    /* a more exact code than the kind's; TEXT_NONE: the kind's */
    struct text param;   /* the member that it is about */
    struct text request_id;
    uint32_t retry_after_ms; /* 0: nobody said */
};

struct complaint_row {
    const char *name;
    uint16_t openai_status;
    const char *openai_type, *openai_code;
    uint16_t anthropic_status;
    const char *anthropic_type;
    uint16_t gemini_status;
    const char *gemini_word;
    enum fault fault;
};

const struct complaint_row *complaint_row(enum complaint_kind kind);
/* The status of most dialects. */
uint16_t complaint_status(enum complaint_kind kind);
/* What a status alone says; 200 and other successes are bad_answer. */
enum complaint_kind complaint_of_status(uint16_t status);

/* A copy that owns its texts. */
void complaint_keep(const struct complaint *complaint, struct arena *arena,
                    struct complaint *ret);

/* Reads a provider's error body of any known form (all dialects and their look-alikes: an
 * object `error`, a string, an array, `message`, `detail`, `error_msg`, `base_resp`, plain
 * text, HTML, nothing) with its STATUS. Always fills RET: the kind from status, type, code and
 * status word, the message from the body or the status. BODY may be no JSON at all. */
void complaint_read(uint16_t status, struct span body, struct arena *arena,
                    struct complaint *ret);

#endif

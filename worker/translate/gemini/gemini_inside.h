/* worker/translate/gemini/gemini_inside.h
 *
 * What the files of this folder share: members by their names (camelCase; snake_case is
 * understood as well), words that stand for enums, parts of contents. Private to the folder.
 */
#ifndef WORKER_TRANSLATE_GEMINI_GEMINI_INSIDE_H
#define WORKER_TRANSLATE_GEMINI_GEMINI_INSIDE_H

#include "worker/translate/dialect.h"
#include "worker/translate/hosted.h"
#include "worker/translate/members.h"

#define GEMINI_STOPS_MAX  5
#define GEMINI_NAME_LIMIT 64   /* bytes of a function's name */
#define GEMINI_NAME_ALSO  ".:" /* may stand in one, beside letters, digits, '_' and '-' */

/* ---- members --------------------------------------------------------------------------- */

/* Whether KEY, raw, is NAME, or NAME in snake_case. */
bool gemini_is(struct span key, struct span name);
/* Sets VALUES[i] to the member of OBJECT called NAMES[i]; absent when not there or null, and
 * all absent when OBJECT is none. One walk; of a member that stands twice the first counts. */
void gemini_pick(struct json_value object, const struct span *names, unsigned count,
                 struct json_value *values);
struct json_value gemini_member(struct json_value object, struct span name);
/* The same for an object at PATH of a request: other members are named as dropped. False
 * (refused) when it is no object. */
bool gemini_take(struct translation *t, const struct path *path, struct json_value object,
                 const struct span *names, unsigned count, struct json_value *values);

/* ---- words ----------------------------------------------------------------------------- */

struct gemini_word {
    struct span text;
    uint8_t value;
};

extern const struct gemini_word gemini_levels[]; /* enum effort, in capitals */
extern const struct gemini_word gemini_modes[];  /* enum tool_choice */
extern const struct gemini_word gemini_details[];

/* False when WORD is no string in TABLE (which ends with an empty row), in either case. */
bool gemini_word_read(const struct gemini_word *table, struct json_value word, uint8_t *ret);
/* The first row of VALUE; SPAN_NONE when there is none. */
struct span gemini_word_text(const struct gemini_word *table, uint8_t value);
/* An unknown reason is a normal end; no string: STOP_NONE. */
enum stop_reason gemini_finish_read(struct json_value word);
struct span gemini_finish_text(enum stop_reason stop);

/* ---- parts ----------------------------------------------------------------------------- */

#define GEMINI_PART_MEMBERS(MEMBER) \
    MEMBER(text)                    \
    MEMBER(inlineData)              \
    MEMBER(fileData)                \
    MEMBER(functionCall)            \
    MEMBER(functionResponse)        \
    MEMBER(executableCode)          \
    MEMBER(codeExecutionResult)     \
    MEMBER(toolCall)                \
    MEMBER(toolResponse)            \
    MEMBER(thought)                 \
    MEMBER(thoughtSignature)        \
    MEMBER(mediaResolution)

enum gemini_part_member {
#define MEMBER(name) PART_##name,
    GEMINI_PART_MEMBERS(MEMBER)
#undef MEMBER
    PART_COUNT
};

extern const struct span gemini_part_names[PART_COUNT];

/* inlineData as MEDIA_DATA, fileData as MEDIA_URL or MEDIA_FILE; false when a string lacks. */
bool gemini_read_inline(struct json_value data, struct arena *arena, struct media *ret);
bool gemini_read_file(struct json_value data, struct arena *arena, struct media *ret);
/* The members of one part for MEDIA. False: the target cannot reach it. */
bool gemini_write_media(struct json_writer *json, const struct media *media,
                        enum block_kind kind, struct arena *arena);
/* Signatures are bytes in base64 here, so one of another dialect travels encoded. */
struct text gemini_signature_in(struct text signature, struct arena *arena,
                                uint8_t *ret_origin);
struct text gemini_signature_out(struct text signature, enum dialect_id origin,
                                 struct arena *arena);
/* A call of the name that the client knows; free text again when its tool is a custom one. */
void gemini_settle_call(struct translation *t, struct block *call);

/* ---- requests -------------------------------------------------------------------------- */

struct gemini_reading {
    struct translation *t;
    struct arena *arena;
    struct chat *chat;
    uint32_t calls; /* so far, for ids of calls that have none */
    struct block
        *waiting; /* the first call of the last model content that may lack an answer */
};

typedef bool gemini_read_f(struct gemini_reading *reading, const struct path *path,
                           struct json_value value);

/* Every item of an array. */
bool gemini_read_list(struct gemini_reading *reading, const struct path *path,
                      struct json_value value, gemini_read_f *read_item);

gemini_read_f gemini_read_contents;
gemini_read_f gemini_read_system;
gemini_read_f gemini_read_tools;
gemini_read_f gemini_read_tool_config;
gemini_read_f gemini_read_config;

/* A schema of OpenAPI as JSON Schema: types in lower case, `nullable` as a type. False: too
 * deep or too large. */
bool gemini_read_schema(struct json_value schema, struct arena *arena, struct json_value *ret);

struct gemini_writing {
    struct translation *t;
    const struct chat *chat;
    struct json_writer *json;
    bool config_open; /* generationConfig has begun */
};

bool gemini_write_contents(struct gemini_writing *writing);
bool gemini_write_tools(struct gemini_writing *writing);
/* Whether any tool is written. */
bool gemini_writes_tools(const struct gemini_writing *writing);
bool gemini_write_config(struct gemini_writing *writing);
bool gemini_has_trait(const struct gemini_writing *writing, uint32_t trait);

/* ---- answers --------------------------------------------------------------------------- */

/* logprobsResult in OpenAI's form, and back; nothing is written for what is no such object. */
bool gemini_read_logprobs(struct json_value result, struct arena *arena,
                          struct json_value *ret);
void gemini_write_logprobs(struct json_writer *json, struct json_value logprobs);
void gemini_write_usage(struct json_writer *json, const struct usage *usage);
/* The parts of code that a hosted tool ran; none of other tools. */
void gemini_write_code(struct json_writer *json, const struct block *block,
                       struct arena *arena);
/* A part in an array of parts; none for what the dialect cannot say. */
void gemini_write_answer_part(struct json_writer *json, const struct block *block,
                              struct arena *arena);
/* Code that was run, or what it printed: *ADDED_TO gets it when that is the code's act, and
 * NULL is returned; else a new act. */
struct act *gemini_read_code(const struct json_value *part, struct act *added_to,
                             struct arena *arena);

/* A stream that is one array, or an error that breaks in: each object in TEXT is read. */
typedef void gemini_read_value_f(struct event_reader *reader, struct span text);
void gemini_read_bare(struct event_reader *reader, struct span text,
                      gemini_read_value_f *read_value);

/* ---- what an answer rests on ----------------------------------------------------------- */

/* The links of citationMetadata and groundingMetadata of CANDIDATE, or NULL; their places count
 * from the first character of WORDS, all texts of the answer, decoded. SPAN_NONE: no places. */
struct citation *gemini_read_citations(struct json_value candidate, struct span words,
                                       struct arena *arena);
/* What was searched for and which pages were read, as a list of blocks. */
struct block *gemini_read_acts(struct json_value candidate, struct arena *arena);

/* What is gathered of an answer until its end; lives in ARENA, and so must the texts. */
struct gemini_ground {
    struct arena *arena;
    struct ground_link *links, *queries, *pages;
    struct ground_support *supports;
};

void gemini_ground_act(struct gemini_ground *ground, const struct act *act);

/* A text of an answer: how many bytes of text stand before it, and how many it has. */
struct gemini_place {
    uint64_t before, bytes;
    struct span words; /* decoded; SPAN_NONE: not known */
};

void gemini_ground_citation(struct gemini_ground *ground, const struct citation *citation,
                            const struct gemini_place *place);
/* groundingMetadata and urlContextMetadata, what there is of them. */
void gemini_write_ground(struct json_writer *json, const struct gemini_ground *ground);

/* ---- the row --------------------------------------------------------------------------- */

read_chat_f gemini_read_chat;
write_chat_f gemini_write_chat;
read_reply_f gemini_read_reply;
write_reply_f gemini_write_reply;
read_record_f gemini_read_record;
read_end_f gemini_read_end;
write_event_f gemini_write_event;
read_usage_f gemini_read_usage;
tap_record_f gemini_tap_record;
write_complaint_f gemini_write_complaint;
write_stream_complaint_f gemini_write_stream_complaint;

#define GEMINI_STATE_BYTES                                            \
    4096 /* of a stream's reader and writer: see their _Static_assert \
          */

#endif

/* worker/translate/chat.h
 *
 * The canonical request: the union of what the dialects can say. Read once from the client's
 * body, which it points into (strings stay escaped, numbers and schemas stay as they were
 * spelled); const afterwards, written to as many targets as are tried. Lives in the exchange's
 * arena.
 *
 * Shape: a list of messages, each a list of typed blocks. Results of tools are blocks of a user
 * message. System texts are messages where they stood (a dialect that has them apart puts them
 * first). Empty strings and blank texts are kept: what a target may not see, its writer leaves
 * out.
 */
#ifndef WORKER_TRANSLATE_CHAT_H
#define WORKER_TRANSLATE_CHAT_H

#include "shared/base/dialect_id.h"

#include "worker/translate/text.h"

enum chat_field {
#define CHAT_FIELD(field, openai, responses, anthropic, gemini, dashscope, ernie) CHAT_##field,
#include "worker/translate/chat_fields.def"
#undef CHAT_FIELD
    CHAT_FIELD_COUNT
};

enum maybe {
    MAYBE_ABSENT,
    MAYBE_FALSE,
    MAYBE_TRUE
};

enum message_role {
    ROLE_system,
    ROLE_developer,
    ROLE_user,
    ROLE_assistant
};

enum block_kind {
    BLOCK_text,
    BLOCK_refusal,
    BLOCK_reasoning,
    BLOCK_image,
    BLOCK_audio,
    BLOCK_document,
    BLOCK_tool_call,
    BLOCK_tool_result,
    BLOCK_hosted, /* a tool that the provider ran itself: ACT */
    BLOCK_other,  /* what only `origin` understands: RAW */
};

enum cache_mark {
    CACHE_NONE,
    CACHE_SHORT, /* five minutes, or whatever the provider's default is */
    CACHE_LONG   /* an hour */
};

enum media_form {
    MEDIA_DATA, /* base64 in DATA */
    MEDIA_URL,  /* an address in DATA */
    MEDIA_FILE, /* the provider's own name of an uploaded file in DATA */
    MEDIA_TEXT  /* the words of a plain text document in DATA */
};

struct media {
    uint8_t form;     /* enum media_form */
    struct text type; /* "image/png", lower case, without parameters; TEXT_NONE: unknown */
    struct text data;
    struct text name;   /* file name or title */
    struct text detail; /* images: "low", "high", "auto" */
};

/* A place in the world or in the request that a text refers to. */
struct citation {
    struct citation *next;
    struct text url, title, quote;
    struct json_value start, end; /* characters of the block's text, numbers or absent: all */
};

struct block {
    struct block *next;
    uint8_t kind;            /* enum block_kind */
    uint8_t cache;           /* enum cache_mark: the cached prefix ends here */
    uint8_t origin;          /* enum dialect_id: who made SIGNATURE, or understands RAW */
    bool custom;             /* tool call: its input is free text */
    bool redacted;           /* reasoning: SIGNATURE is all there is, encrypted */
    bool is_error;           /* tool result */
    struct text text;        /* text, refusal, reasoning */
    struct text id;          /* tool call; tool result: of the call; reasoning: item id */
    struct text name;        /* tool call; tool result where known */
    struct text arguments;   /* tool call: JSON, or free text when custom, as a string; or */
    struct json_value input; /* ... as an object. One of the two: see call.h */
    struct text signature;   /* reasoning, tool call, text: opaque, for ORIGIN only */
    struct media media;
    struct block *content; /* tool result: text, image, document */
    struct citation *citations;
    struct act *act;       /* BLOCK_hosted; see hosted.h */
    struct json_value raw; /* BLOCK_other */
};

struct message {
    struct message *next;
    uint8_t role; /* enum message_role */
    struct text name;
    struct block *blocks, *last;
};

/* What a tool is that a provider runs itself. */
enum hosted_kind {
    HOSTED_none, /* what only its own dialect has */
    HOSTED_search,
    HOSTED_code,
    HOSTED_fetch
};

enum tool_kind {
    TOOL_FUNCTION,
    TOOL_CUSTOM, /* free text input; GRAMMAR is its format */
    TOOL_HOSTED  /* the provider runs it: RAW for `origin`, HOSTED for others that have it */
};

struct tool {
    struct tool *next;
    uint8_t kind;   /* enum tool_kind */
    uint8_t cache;  /* enum cache_mark */
    uint8_t strict; /* enum maybe */
    uint8_t origin; /* enum dialect_id */
    struct text name, description;
    struct json_value schema; /* verbatim JSON Schema, or absent */
    struct json_value grammar;
    struct hosted *hosted; /* or NULL; see hosted.h */
    struct json_value raw;
};

enum tool_choice {
    TOOL_CHOICE_ABSENT,
    TOOL_CHOICE_AUTO,
    TOOL_CHOICE_NONE,
    TOOL_CHOICE_REQUIRED, /* any tool, but one */
    TOOL_CHOICE_NAMED,    /* NAMES has exactly one */
};

/* One of a list of texts. */
struct text_item {
    struct text_item *next;
    struct text text;
};

enum answer_format {
    FORMAT_ABSENT,
    FORMAT_TEXT,
    FORMAT_JSON,
    FORMAT_SCHEMA
};

enum effort {
    EFFORT_ABSENT,
    EFFORT_NONE,
    EFFORT_MINIMAL,
    EFFORT_LOW,
    EFFORT_MEDIUM,
    EFFORT_HIGH,
    EFFORT_XHIGH,
    EFFORT_MAX
};

struct reasoning {
    uint8_t effort;           /* enum effort; EFFORT_NONE: switched off */
    bool adaptive;            /* the model decides */
    uint8_t shown;            /* enum maybe: the client wants to read it */
    struct json_value budget; /* tokens, a number, or absent; below zero: the model decides */
    struct text summary;      /* "auto", "concise", "detailed" */
};

/* A member that the reader does not know. */
struct extra {
    struct extra *next;
    struct span key; /* escaped, as in the body */
    struct json_value value;
};

struct chat {
    uint8_t dialect; /* enum dialect_id of the client */
    bool stream;
    bool wants_usage; /* OpenAI streams: the client asked for the usage chunk */
    bool wants_sources, wants_outputs; /* responses: of hosted searches and code, in answers */
    struct message *messages, *last_message;
    struct tool *tools, *last_tool;
    uint8_t tool_choice;          /* enum tool_choice */
    struct text_item *tool_names; /* the named one, or those allowed under AUTO and REQUIRED */
    uint8_t parallel;             /* enum maybe: several calls in one turn */
    struct text_item *stops, *last_stop;

    struct {
        uint8_t kind;   /* enum answer_format */
        uint8_t strict; /* enum maybe */
        struct text name, description;
        struct json_value schema;
    } format;
    struct reasoning reasoning;
    struct json_value fields[CHAT_FIELD_COUNT]; /* JSON_ABSENT; null counts as absent */
    struct extra *extras;                       /* top-level only */
};

/* Appended, zeroed; never NULL. */
struct message *chat_add_message(struct chat *chat, enum message_role role,
                                 struct arena *arena);
struct block *message_add_block(struct message *message, enum block_kind kind,
                                struct arena *arena);
struct tool *chat_add_tool(struct chat *chat, enum tool_kind kind, struct arena *arena);
void chat_add_stop(struct chat *chat, struct text stop, struct arena *arena);

/* What BLOCK says in words; TEXT_NONE when it says nothing so. */
struct text block_words(const struct block *block);

/* The tool of that name, or NULL. */
const struct tool *chat_find_tool(const struct chat *chat, struct text name);
/* Whether the tool choice lets the model see TOOL at all. */
bool chat_allows_tool(const struct chat *chat, const struct tool *tool);
/* Whether OpenAI knows TIER: the canonical words are its own, into which readers put theirs. */
bool chat_is_tier(struct json_value tier);

/* A field that is there and no null. */
static inline bool chat_has(const struct chat *chat, enum chat_field field)
{
    return chat->fields[field].kind > JSON_NULL;
}

#endif

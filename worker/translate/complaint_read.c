/* Error bodies of all providers, in one tolerant walk: no two agree on a form, but all name the
 * same few things. */
#include "shared/base/buffer.h"
#include "shared/base/check.h"
#include "shared/base/encode.h"

#include "worker/translate/complaint.h"

#define MESSAGE_LIMIT_BYTES 500 /* of a text that is no JSON */
#define NESTING_LIMIT       6
#define RETRY_LIMIT_MS      (24U * 60 * 60 * 1000)

enum place {
    PLACE_WORD,
    PLACE_WEAK,
    PLACE_BAIDU,
    PLACE_MINIMAX
};

/* What a body said, before it is judged. */
struct found {
    struct arena *arena;
    struct text message, code, type, status, reason, param, request_id;
    struct span error_code, status_code; /* numbers as they were spelled */
    bool daily;                          /* a quota of the day is used up */
    uint32_t retry_after_ms;
};

typedef void found_f(struct found *found, struct json_value value, unsigned depth);

static found_f find_in;

static void keep(struct text *slot, struct json_value value)
{
    struct text text = text_of(value);

    if (value.kind == JSON_NUMBER)
        text = (struct text){value.raw.ptr, value.raw.len};
    if (!text_blank(text) && !slot->ptr)
        *slot = text;
}

static void find_code(struct found *found, struct json_value value, unsigned depth)
{
    (void)depth;
    keep(&found->code, value);
}

static void find_type(struct found *found, struct json_value value, unsigned depth)
{
    (void)depth;
    /* The envelope of Anthropic has a type too: {"type": "error", "error": {...}}. */
    if (value.kind == JSON_STRING && !json_text_eq(value, SPAN("error")))
        keep(&found->type, value);
}

static void find_status(struct found *found, struct json_value value, unsigned depth)
{
    (void)depth;
    if (value.kind == JSON_STRING)
        keep(&found->status, value);
}

static void find_reason(struct found *found, struct json_value value, unsigned depth)
{
    (void)depth;
    if (value.kind == JSON_STRING)
        keep(&found->reason, value);
}

static void find_param(struct found *found, struct json_value value, unsigned depth)
{
    (void)depth;
    if (value.kind == JSON_STRING)
        keep(&found->param, value);
}

static void find_request_id(struct found *found, struct json_value value, unsigned depth)
{
    (void)depth;
    keep(&found->request_id, value);
}

static void find_error_code(struct found *found, struct json_value value, unsigned depth)
{
    (void)depth;
    if (value.kind == JSON_NUMBER)
        found->error_code = value.raw;
    else
        keep(&found->code, value);
}

static void find_status_code(struct found *found, struct json_value value, unsigned depth)
{
    (void)depth;
    if (value.kind == JSON_NUMBER)
        found->status_code = value.raw;
}

/* A sentence, or a list of complaints about members: {"detail": [{"loc", "msg"}]}. */
static void find_message(struct found *found, struct json_value value, unsigned depth)
{
    struct json_walk walk = json_walk(value);
    struct json_value inner;
    struct span key;

    if (value.kind == JSON_STRING)
        keep(&found->message, value);
    if (depth == 0)
        return;
    while (!found->message.ptr && json_next(&walk, &key, &inner)) {
        if (value.kind == JSON_ARRAY || span_eq(key, SPAN("msg")) ||
            span_eq(key, SPAN("message")) || span_eq(key, SPAN("detail")))
            find_message(found, inner, depth - 1);
    }
}

/* Milliseconds of a duration such as "34.4s", "1h2m3.5s", "120ms" or "27 seconds" that TEXT
 * begins with; 0 when there is none. */
static uint32_t duration_ms(struct span text)
{
    static const struct {
        struct span unit;
        double factor_ms;
    } units[] = {
        {{"ms", 2}, 1}, {{"milli", 5}, 1}, {{"s", 1}, 1e3}, {{"m", 1}, 6e4}, {{"h", 1}, 36e5},
    };

    double total_ms = 0;

    while (text.len > 0 && text.ptr[0] >= '0' && text.ptr[0] <= '9') {
        double number = 0;
        double place = 0;
        unsigned i = 0;

        for (; text.len > 0; text = span_skip(text, 1)) {
            if (text.ptr[0] >= '0' && text.ptr[0] <= '9') {
                number = number * 10 + (text.ptr[0] - '0');
                place *= 10;
            } else if (text.ptr[0] == '.' && place < 1) {
                place = 1;
            } else {
                break;
            }
        }
        text = span_trim(text);
        while (i < ARRAY_LEN(units) && !span_starts(text, units[i].unit))
            i++;
        if (i == ARRAY_LEN(units))
            break;
        total_ms += number / (place > 0 ? place : 1) * units[i].factor_ms;
        text = span_skip(text, units[i].unit.len);
    }
    return total_ms < RETRY_LIMIT_MS ? (uint32_t)(total_ms + 0.999) : RETRY_LIMIT_MS;
}

static void find_retry_delay(struct found *found, struct json_value value, unsigned depth)
{
    struct text text = text_of(value);

    (void)depth;
    found->retry_after_ms = duration_ms(span_of(text.ptr, text.len));
}

static void find_retry_seconds(struct found *found, struct json_value value, unsigned depth)
{
    uint64_t seconds;

    (void)depth;
    if (json_u64(value, &seconds) && seconds < RETRY_LIMIT_MS / 1000)
        found->retry_after_ms = (uint32_t)seconds * 1000;
}

static void find_quota(struct found *found, struct json_value value, unsigned depth)
{
    struct text text = text_of(value);

    (void)depth;
    if (text.ptr && span_find(span_of(text.ptr, text.len), SPAN("PerDay")) != SIZE_MAX)
        found->daily = true;
}

static const struct {
    struct span key;
    found_f *find;
} members[] = {

#define MEMBER(key, find) \
    {                     \
        WORD(key), find   \
    }
    MEMBER("error", find_in),
    MEMBER("errors", find_in),
    MEMBER("base_resp", find_in),
    MEMBER("details", find_in),
    MEMBER("violations", find_in),
    MEMBER("response", find_in),
    MEMBER("message", find_message),
    MEMBER("Message", find_message),
    MEMBER("msg", find_message),
    MEMBER("detail", find_message),
    MEMBER("error_msg", find_message),
    MEMBER("error_message", find_message),
    MEMBER("error_description", find_message),
    MEMBER("status_msg", find_message),
    MEMBER("code", find_code),
    MEMBER("error_code", find_error_code),
    MEMBER("status_code", find_status_code),
    MEMBER("type", find_type),
    MEMBER("status", find_status),
    MEMBER("reason", find_reason),
    MEMBER("param", find_param),
    MEMBER("request_id", find_request_id),
    MEMBER("requestId", find_request_id),
    MEMBER("retryDelay", find_retry_delay),
    MEMBER("retry_after", find_retry_seconds),
    MEMBER("quotaId", find_quota),
#undef MEMBER
};

static void find_member(struct found *found, struct span key, struct json_value value,
                        unsigned depth)
{
    for (unsigned i = 0; i < ARRAY_LEN(members); i++) {
        if (!span_eq(key, members[i].key))
            continue;
        members[i].find(found, value, depth);
        return;
    }
}

static void find_in(struct found *found, struct json_value value, unsigned depth)
{
    struct json_walk walk = json_walk(value);
    struct json_value inner;
    struct span key;

    if (depth == 0)
        return;
    if (value.kind == JSON_STRING)
        keep(&found->message, value);
    while (json_next(&walk, &key, &inner)) {
        if (value.kind == JSON_OBJECT)
            find_member(found, key, inner, depth - 1);
        else
            find_in(found, inner, depth - 1);
    }
}

/* BODY without white space around it. Providers that keep a connection alive send blank lines
 * first. */
static struct span stripped(struct span body)
{
    while (body.len > 0 && (unsigned char)body.ptr[0] <= ' ')
        body = span_skip(body, 1);
    while (body.len > 0 && (unsigned char)body.ptr[body.len - 1] <= ' ')
        body.len--;
    return body;
}

/* The JSON of an error that was framed as an event although no stream was begun. */
static struct span framed(struct span body)
{
    struct span line;

    while (span_cut(&body, '\n', &line)) {
        if (span_starts(line, SPAN("data:")))
            return stripped(span_skip(line, 5));
    }
    return SPAN_NONE;
}

/* The beginning of TEXT, not cut inside a character. */
static struct span beginning(struct span text, size_t limit)
{
    if (text.len <= limit)
        return text;
    while (limit > 0 && ((unsigned char)text.ptr[limit] & 0xc0) == 0x80)
        limit--;
    return span_of(text.ptr, limit);
}

static struct text sentence(const char *format, unsigned status, struct arena *arena)
{
    struct buffer out _buffer_;
    struct span text;

    buffer_init(&out, 128);
    CHECK(buffer_append_u64(&out, status));
    text = arena_copy(arena, buffer_span(&out));
    buffer_clear(&out);
    CHECK(buffer_append(&out, span_of_text(format)) && buffer_append(&out, text) &&
          buffer_append_byte(&out, '.'));
    text = arena_copy(arena, buffer_span(&out));
    return (struct text){text.ptr, text.len};
}

static void find_in_body(struct found *found, struct span body)
{
    struct json_value value;
    struct json_error error;

    body = stripped(body);
    if (json_check(body, &value, &error)) {
        find_in(found, value, NESTING_LIMIT);
    } else if (json_check(framed(body), &value, &error)) {
        find_in(found, value, NESTING_LIMIT);
    } else if (body.len > 0 && body.ptr[0] != '<') {
        found->message = text_escape(beginning(body, MESSAGE_LIMIT_BYTES), found->arena);
    }
}

/* ---- judging ---------------------------------------------------------------------------- */

static bool look_up(enum place place, struct span word, uint8_t *ret_kind)
{
    static const struct {
        uint8_t place, kind;
        struct span word;
    } rows[] = {

#define COMPLAINT_WORD(place, word, kind) {PLACE_##place, COMPLAINT_##kind, WORD(word)},
#include "worker/translate/complaint_words.def"
#undef COMPLAINT_WORD
    };

    for (unsigned i = 0; word.len > 0 && i < ARRAY_LEN(rows); i++) {
        if (rows[i].place == place && span_eq_nocase(rows[i].word, word)) {
            *ret_kind = rows[i].kind;
            return true;
        }
    }
    return false;
}

static bool judge_words(const struct found *found, enum place place, uint8_t *ret_kind)
{
    const struct text words[] = {found->reason, found->code, found->type, found->status};

    for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
        if (look_up(place, span_of(words[i].ptr, words[i].len), ret_kind))
            return true;
    }
    return false;
}

/* An error status that stands in the body, for answers that came with 200. */
static uint16_t status_inside(const struct found *found)
{
    const struct span numbers[] = {
        span_of(found->code.ptr, found->code.len),
        found->status_code,
    };
    uint64_t number;

    for (unsigned i = 0; i < ARRAY_LEN(numbers); i++) {
        if (span_read_u64(numbers[i], &number) && number >= 400 && number < 600)
            return (uint16_t)number;
    }
    return 0;
}

/* What only the sentence tells. */
static enum complaint_kind judge_message(struct text message, enum complaint_kind kind)
{
    static const struct {
        struct span phrase;
        uint8_t kind;
    } rows[] = {
        {{"prompt is too long", 18}, COMPLAINT_context_length},
        {{"maximum context length", 22}, COMPLAINT_context_length},
        {{"context window", 14}, COMPLAINT_context_length},
        {{"exceeds the maximum number of tokens", 36}, COMPLAINT_context_length},
        {{"credit balance is too low", 25}, COMPLAINT_no_credit},
        {{"API key not valid", 17}, COMPLAINT_bad_key},
        {{"Incorrect API key", 17}, COMPLAINT_bad_key},
    };
    struct span text = span_of(message.ptr, message.len);

    if (kind != COMPLAINT_bad_request && kind != COMPLAINT_too_large)
        return kind;
    for (unsigned i = 0; text.ptr && i < ARRAY_LEN(rows); i++) {
        if (span_find(text, rows[i].phrase) != SIZE_MAX)
            return rows[i].kind;
    }
    return kind;
}

static enum complaint_kind judge(const struct found *found, uint16_t status)
{
    uint8_t kind = COMPLAINT_bad_answer;

    if (found->daily)
        return COMPLAINT_no_credit;
    if (look_up(PLACE_BAIDU, found->error_code, &kind) ||
        look_up(PLACE_MINIMAX, found->status_code, &kind) ||
        judge_words(found, PLACE_WORD, &kind))
        return kind;
    if (status < 400)
        status = status_inside(found);
    if (status >= 400)
        return judge_message(found->message, complaint_of_status(status));
    if (judge_words(found, PLACE_WEAK, &kind))
        return judge_message(found->message, kind);
    return found->message.ptr ? COMPLAINT_internal : COMPLAINT_bad_answer;
}

/* A code that a client may know: spelled as OpenAI spells them. The others are one vendor's
 * own, and the kind's code says more. */
static struct text known_code(struct text code)
{
    bool letter = false;

    for (size_t i = 0; i < code.len; i++) {
        char c = code.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
            return TEXT_NONE;
        letter = letter || c >= 'a';
    }
    return letter ? code : TEXT_NONE;
}

/* The wait that only the sentence names. */
static uint32_t retry_in_message(struct text message)
{
    static const struct span phrases[] = {
        {"try again in ", 13}, {"retry in ", 9}, {"retry after ", 12}};
    struct span text = span_of(message.ptr, message.len);

    for (unsigned i = 0; text.ptr && i < ARRAY_LEN(phrases); i++) {
        size_t at = span_find(text, phrases[i]);

        if (at != SIZE_MAX)
            return duration_ms(span_skip(text, at + phrases[i].len));
    }
    return 0;
}

void complaint_read(uint16_t status, struct span body, struct arena *arena,
                    struct complaint *ret)
{
    struct found found = {.arena = arena};

    find_in_body(&found, body);
    *ret = (struct complaint){
        .kind = (uint8_t)judge(&found, status),
        .message = found.message,
        .code = known_code(found.code),
        .param = found.param,
        .request_id = found.request_id,
        .retry_after_ms = found.retry_after_ms,
    };
    if (ret->retry_after_ms == 0)
        ret->retry_after_ms = retry_in_message(found.message);
    if (ret->kind == COMPLAINT_bad_key || ret->kind == COMPLAINT_forbidden) {
        /* It is the gateway's key that is refused, not the client's; and the provider's
         * sentence may quote it. */
        ret->kind = COMPLAINT_gateway_auth;
        ret->message = TEXT("The provider does not accept the gateway's credential.");
        ret->code = TEXT_NONE;
        ret->param = TEXT_NONE;
    }
    if (!ret->message.ptr)
        ret->message = sentence("The provider gave no reason; its status was ", status, arena);
}

/* usage: translate request   CLIENT PROVIDER MODEL         < the client's body
 *        translate answer    CLIENT PROVIDER MODEL REQUEST < the provider's body
 *        translate stream    CLIENT PROVIDER MODEL REQUEST [BYTES] < the provider's stream
 *        translate used      CLIENT PROVIDER MODEL REQUEST < the provider's stream
 *        translate vectors   CLIENT PROVIDER MODEL REQUEST < the provider's embeddings
 *        translate pass      CLIENT CLIENT   MODEL REQUEST < the provider's stream, same
 * dialect translate complaint CLIENT STATUS                 < the provider's body
 *
 * What the rooms do with a body, without the rooms: for golden files. REQUEST is a file with
 * the client's body; BYTES the size of the pieces in which the stream arrives (default: all at
 * once). Ids are the same in each run. Exit code 1: refused, and the client's error body is
 * printed. CLIENT is a dialect, PROVIDER a dialect or a kind of providers.def, whose quirks
 * count then.
 */
#include <stdio.h>
#include <stdlib.h>

#include "shared/settings/settings.h"
#include "shared/text/json.h"

#include "worker/translate/dialect.h"
#include "worker/translate/embeddings.h"

#define BODY_LIMIT (64U << 20)

struct passage {
    struct arena arena;
    struct translation translation;
    struct chat chat;
    const struct dialect *client, *provider;
    struct span provider_name;
    struct buffer out;
    struct event_writer writer;
    struct complaint complaint; /* the stream's */
    struct usage used;          /* as it would be recorded */
    bool alive;                 /* the stream said more than that it begins */
};

static struct span read_all(FILE *file, struct arena *arena)
{
    struct buffer bytes _buffer_;
    char piece[4096];
    size_t count;

    buffer_init(&bytes, BODY_LIMIT);
    while ((count = fread(piece, 1, sizeof(piece), file)) > 0)
        (void)buffer_append(&bytes, span_of(piece, count));
    return arena_copy(arena, buffer_span(&bytes));
}

static const struct dialect *dialect_called(const char *name)
{
    for (unsigned i = 0; i < DIALECT_COUNT; i++)
        if (span_eq(dialect_row((enum dialect_id)i)->name, span_of_text(name)))
            return dialect_row((enum dialect_id)i);
    (void)fprintf(stderr, "translate: no dialect %s\n", name);
    exit(2);
}

/* A kind that is no dialect's name speaks its first dialect, in its own way. */
static void choose_provider(struct passage *passage, const char *name)
{
    const struct provider_kind *kind = provider_kind_find(span_of_text(name));

    if (kind)
        passage->translation.target.quirks = kind->quirks;
    passage->provider =
        kind ? dialect_row((enum dialect_id)kind->dialect) : dialect_called(name);
}

static void print(struct span text)
{
    (void)fwrite(text.ptr, 1, text.len, stdout);
}

/* As an answer of the gateway: its status, how long to wait when somebody said so, its body. */
static int print_complaint(struct passage *passage, const struct complaint *complaint)
{
    struct json_writer json;
    uint16_t status;

    buffer_clear(&passage->out);
    json_write_init(&json, &passage->out);
    status = passage->client->write_complaint(complaint, &json);
    (void)printf("%u\n", status);
    if (complaint->retry_after_ms > 0)
        (void)printf("retry-after: %u\n", (complaint->retry_after_ms + 999) / 1000);
    print(buffer_span(&passage->out));
    (void)printf("\n");
    return 1;
}

static bool read_request(struct passage *passage, struct span body)
{
    struct json_value value;
    struct json_error error;

    if (!json_check(body, &value, &error) || value.kind != JSON_OBJECT) {
        (void)fprintf(stderr, "translate: the request is no JSON object\n");
        exit(2);
    }
    passage->chat.dialect = (uint8_t)passage->client->id;
    passage->translation.chat = &passage->chat;
    return passage->client->read_chat(&passage->translation, value, &passage->chat);
}

static bool write_request(struct passage *passage)
{
    struct json_writer json;

    json_write_init(&json, &passage->out);
    return passage->provider->write_chat(&passage->translation, &passage->chat, &json);
}

static bool kind_speaks(struct span name, enum dialect_id dialect)
{
    const struct provider_kind *kind = provider_kind_find(name);
    struct provider_face face;

    for (unsigned i = 0; kind && provider_kind_face(kind, i, &face); i++)
        if (face.dialect == dialect && face.chats)
            return true;
    return false;
}

/* Where the daemon turns to when the provider speaks it; told, because no body does. */
static void turn(struct passage *passage)
{
    const struct dialect *first = passage->provider;
    enum dialect_id other = first->instead
                                ? first->instead(&passage->chat, &passage->translation.target)
                                : first->id;

    if (other == first->id || !kind_speaks(passage->provider_name, other))
        return;
    passage->provider = dialect_row(other);
    (void)printf("to: %.*s\n", SPAN_ARG(passage->provider->name));
}

static int request(struct passage *passage, struct span body)
{
    const struct translation *translation = &passage->translation;

    if (!read_request(passage, body))
        return print_complaint(passage, &translation->refusal);
    turn(passage);
    if (!write_request(passage))
        return print_complaint(passage, &translation->refusal);
    if (!translation->strict || !translation->dropped) {
        print(buffer_span(&passage->out));
        (void)printf("\n");
    }
    if (!translation->dropped)
        return 0;
    (void)printf("%s: %.*s\n", translation->strict ? "refused" : "dropped",
                 SPAN_ARG(dropped_list(translation, 4096)));
    return translation->strict ? 1 : 0;
}

static int answer(struct passage *passage, struct span body)
{
    struct reply *reply = ARENA_NEW(&passage->arena, struct reply);
    struct json_writer json;
    struct json_value value;
    struct json_error error;

    usage_init(&reply->usage);
    if (!json_check(body, &value, &error) ||
        !passage->provider->read_reply(&passage->translation, value, reply))
        return print_complaint(passage, &passage->translation.refusal);
    json_write_init(&json, &passage->out);
    passage->client->write_reply(&passage->translation, reply, &json);
    print(buffer_span(&passage->out));
    (void)printf("\n");
    return 0;
}

static void take(void *who, const struct event *event)
{
    struct passage *passage = who;

    if (event->kind != EVENT_start && event->kind != EVENT_ping && event->kind != EVENT_usage &&
        event->kind != EVENT_error)
        passage->alive = true;
    if (event->usage)
        passage->used = *event->usage;
    if (event->kind == EVENT_error)
        complaint_keep(event->complaint, &passage->arena, &passage->complaint);
    event_write(&passage->writer, event);
}

static void feed(struct sse_framer *framer, struct span bytes, struct event_reader *reader)
{
    struct sse_record record;

    while (sse_next(framer, &bytes, &record) == SSE_RECORD)
        event_read(reader, &record);
}

/* Feeds it all; the last record may lack its blank line. */
static void hear(struct passage *passage, struct span bytes, size_t piece,
                 struct event_reader *reader)
{
    struct sse_framer framer;

    sse_init(&framer, BODY_LIMIT);
    event_writer_init(&passage->writer, passage->client, &passage->translation, &passage->out);
    event_reader_init(reader, passage->provider, &passage->translation, take, passage);
    while (bytes.len > 0) {
        struct span now = span_of(bytes.ptr, piece < bytes.len ? piece : bytes.len);

        bytes = span_skip(bytes, now.len);
        feed(&framer, now, reader);
    }
    if (sse_rest_is_whole(sse_rest(&framer)))
        feed(&framer, SPAN("\n\n"), reader);
    event_read_end(reader);
    sse_done(&framer);
}

/* An error before anything was said is an answer of its own, as the gateway makes it. */
static int stream(struct passage *passage, struct span bytes, size_t piece)
{
    struct event_reader reader;

    hear(passage, bytes, piece, &reader);
    if (reader.failed && !passage->alive)
        return print_complaint(passage, &passage->complaint);
    print(buffer_span(&passage->out));
    return reader.failed ? 1 : 0;
}

static int used(struct passage *passage, struct span bytes)
{
    struct event_reader reader;

    hear(passage, bytes, SIZE_MAX, &reader);
    (void)printf("%llu of input, %llu of output\n",
                 (unsigned long long)usage_or_zero(passage->used.input),
                 (unsigned long long)usage_or_zero(passage->used.output));
    return reader.failed ? 1 : 0;
}

/* Embeddings: the request as it goes out, and the answer as it comes back. */
static int vectors(struct passage *passage, struct span body, const char *request_file)
{
    struct translation *t = &passage->translation;
    FILE *file = fopen(request_file, "r");
    struct embed_answer answer = {.tokens = TOKENS_UNKNOWN};
    struct embed_ask ask = {.count = 0};
    struct json_value value;
    struct json_error error;
    struct json_writer json;

    if (!file || !json_check(read_all(file, &passage->arena), &value, &error) ||
        !embed_read_ask(t, passage->client->id, false, value, &ask)) {
        (void)fprintf(stderr, "translate: %s cannot be read or is refused\n", request_file);
        exit(2);
    }
    (void)fclose(file);
    json_write_init(&json, &passage->out);
    embed_write_ask(t, passage->provider->id, &ask, &json);
    (void)buffer_append_byte(&passage->out, '\n');
    if (!json_check(body, &value, &error) ||
        !embed_read_answer(t, passage->provider->id, value, &answer))
        return print_complaint(passage, &t->refusal);
    json_write_init(&json, &passage->out);
    embed_write_answer(t, &ask, &answer, &json);
    print(buffer_span(&passage->out));
    (void)printf("\n");
    return 0;
}

/* A stream in the client's own dialect, as it goes on. */
static int pass(struct passage *passage, struct span bytes)
{
    struct stream_tap tap = {.wish = passage->chat.wants_usage ? USAGE_APART : USAGE_HIDDEN};
    struct sse_framer framer;
    struct sse_record record;
    struct passing passing;

    usage_init(&tap.usage);
    sse_init(&framer, BODY_LIMIT);
    while (sse_next(&framer, &bytes, &record) == SSE_RECORD) {
        bool hidden = record.has_data && passage->client->tap_record(&tap, &record);

        if (hidden && tap.wish == USAGE_HIDDEN)
            continue;
        if (!passage->client->pass_record(&tap, &record, &passage->arena, &passing))
            passing = (struct passing){.pieces = {record.raw}, .count = 1};
        for (unsigned i = 0; i < passing.count; i++)
            print(passing.pieces[i]);
    }
    sse_done(&framer);
    return tap.failed ? 1 : 0;
}

static int complain(struct passage *passage, unsigned status, struct span body)
{
    struct complaint complaint = {0};

    complaint_read((uint16_t)status, body, &passage->arena, &complaint);
    return print_complaint(passage, &complaint);
}

static void begin(struct passage *passage, const char *request_file)
{
    FILE *file = fopen(request_file, "r");

    bool read = file && read_request(passage, read_all(file, &passage->arena));

    if (read)
        turn(passage);
    if (!read || !write_request(passage)) {
        (void)fprintf(stderr, "translate: %s cannot be read or is refused\n", request_file);
        exit(2);
    }
    (void)fclose(file);
    buffer_clear(&passage->out);
}

static int run(struct passage *passage, int count, char **words)
{
    struct span input = read_all(stdin, &passage->arena);
    struct span what = span_of_text(words[1]);
    const char *request_file = count > 5 ? words[5] : NULL;

    passage->client = dialect_called(words[2]);
    if (span_eq(what, SPAN("complaint")))
        return complain(passage, (unsigned)strtoul(words[3], NULL, 10), input);
    choose_provider(passage, words[3]);
    passage->translation.target.model = span_of_text(words[4]);
    passage->translation.target.traits =
        model_traits(passage->translation.target.model, passage->provider->id);
    if (span_eq(what, SPAN("request")))
        return request(passage, input);
    if (!request_file)
        return 2;
    if (span_eq(what, SPAN("vectors")))
        return vectors(passage, input, request_file);
    begin(passage, request_file);
    if (span_eq(what, SPAN("answer")))
        return answer(passage, input);
    if (span_eq(what, SPAN("pass")))
        return pass(passage, input);
    if (span_eq(what, SPAN("used")))
        return used(passage, input);
    return stream(passage, input, count > 6 ? strtoul(words[6], NULL, 10) : SIZE_MAX);
}

int main(int count, char **words)
{
    struct passage passage = {.client = NULL};
    int code;

    if (count < 4 || (count < 5 && words[1][0] != 'c')) {
        (void)fprintf(
            stderr,
            "usage: translate request|answer|stream|used|pass|vectors|complaint CLIENT ...\n");
        return 2;
    }
    arena_init(&passage.arena, 0);
    buffer_init(&passage.out, BODY_LIMIT);
    translation_init(&passage.translation, &passage.arena, 1, 1700000000);
    passage.translation.strict = getenv("STRICT") != NULL; /* refuses what would be left out */
    passage.provider_name = span_of_text(words[3]);
    code = run(&passage, count, words);
    buffer_done(&passage.out);
    arena_done(&passage.arena);
    return code;
}

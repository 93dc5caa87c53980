/* Large requests between dialects: milliseconds to check and read a body, and to write it for
 * the provider, best of several rounds. */
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/clock.h"

#include "worker/translate/dialect.h"

#define ROUNDS        21
#define CONTEXT_BYTES (1U << 20)
#define IMAGE_BYTES   (5U << 20)

/* How a client spells a conversation of turns and a picture in it. */
struct spelling {
    enum dialect_id dialect;
    const char *begin, *end;
    const char *user, *assistant, *close; /* around the words of a message */
    const char *image_begin, *image_end;
};

static const struct spelling spellings[] = {
    {DIALECT_openai, "{\"model\":\"m\",\"stream\":true,\"messages\":[", "]}",
     "{\"role\":\"user\",\"content\":\"", "{\"role\":\"assistant\",\"content\":\"", "\"}",
     "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"
     "\"data:image/png;base64,",
     "\"}}]}"},
    {DIALECT_anthropic, "{\"model\":\"m\",\"max_tokens\":1000,\"stream\":true,\"messages\":[",
     "]}", "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"",
     "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"", "\"}]}",
     "{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"base64\","
     "\"media_type\":\"image/png\",\"data\":\"",
     "\"}}]}"},
    {DIALECT_responses, "{\"model\":\"m\",\"stream\":true,\"input\":[", "]}",
     "{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"",
     "{\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"", "\"}]}",
     "{\"role\":\"user\",\"content\":[{\"type\":\"input_image\",\"image_url\":"
     "\"data:image/png;base64,",
     "\"}]}"},
};

static const struct {
    unsigned client; /* row of spellings */
    enum dialect_id provider;
    const char *model;
} pairs[] = {
    {1, DIALECT_openai, "gpt-4.1"},
    {0, DIALECT_anthropic, "claude-sonnet-4-5"},
    {0, DIALECT_gemini, "gemini-2.5-pro"},
    {2, DIALECT_anthropic, "claude-sonnet-4-5"},
};

static void add(struct buffer *out, const char *text)
{
    if (!buffer_append(out, span_of_text(text)))
        abort();
}

static void write_context(const struct spelling *spelling, struct buffer *out)
{
    bool user = true;

    add(out, spelling->begin);
    while (out->len < CONTEXT_BYTES) {
        add(out, user ? spelling->user : spelling->assistant);
        for (unsigned i = 0; i < 12; i++)
            add(out, "The \\\"quick\\\" brown fox jumps over the lazy dog.\\n");
        add(out, spelling->close);
        add(out, ",");
        user = !user;
    }
    add(out, spelling->user);
    add(out, "And now?");
    add(out, spelling->close);
    add(out, spelling->end);
}

static void write_picture(const struct spelling *spelling, struct buffer *out)
{
    add(out, spelling->begin);
    add(out, spelling->image_begin);
    while (out->len < IMAGE_BYTES)
        add(out, "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhf");
    add(out, spelling->image_end);
    add(out, spelling->end);
}

struct took {
    uint64_t read_ns, write_ns;
};

static void keep_best(struct took *best, uint64_t read_ns, uint64_t write_ns)
{
    if (read_ns < best->read_ns)
        best->read_ns = read_ns;
    if (write_ns < best->write_ns)
        best->write_ns = write_ns;
}

static void pass(unsigned pair, struct span body, struct took *best)
{
    uint64_t begin_ns = clock_monotonic_ns(), read_ns;
    enum dialect_id client = spellings[pairs[pair].client].dialect;
    struct chat chat = {.dialect = (uint8_t)client};
    struct translation t;
    struct json_writer json;
    struct json_value value;
    struct json_error error;
    struct arena arena;
    struct buffer out;

    arena_init(&arena, 0);
    buffer_init(&out, SIZE_MAX);
    translation_init(&t, &arena, 1, 1);
    if (!json_check(body, &value, &error) || !dialect_row(client)->read_chat(&t, value, &chat))
        abort();
    read_ns = clock_monotonic_ns();
    t.chat = &chat;
    t.target.model = span_of_text(pairs[pair].model);
    t.target.traits = model_traits(t.target.model, pairs[pair].provider);
    json_write_init(&json, &out);
    if (!dialect_row(pairs[pair].provider)->write_chat(&t, &chat, &json) || out.failed)
        abort();
    keep_best(best, read_ns - begin_ns, clock_monotonic_ns() - read_ns);
    buffer_done(&out);
    arena_done(&arena);
}

static void measure(unsigned pair, const char *what,
                    void (*write_body)(const struct spelling *spelling, struct buffer *out))
{
    const struct spelling *spelling = &spellings[pairs[pair].client];
    struct took best = {UINT64_MAX, UINT64_MAX};
    struct buffer body;

    buffer_init(&body, SIZE_MAX);
    write_body(spelling, &body);
    for (unsigned round = 0; round < ROUNDS; round++)
        pass(pair, buffer_span(&body), &best);
    (void)printf("%-9s -> %-9s  %-16s  read %6.2f ms  write %6.2f ms\n",
                 dialect_row(spelling->dialect)->name.ptr,
                 dialect_row(pairs[pair].provider)->name.ptr, what, (double)best.read_ns / 1e6,
                 (double)best.write_ns / 1e6);
    buffer_done(&body);
}

int main(void)
{
    for (unsigned pair = 0; pair < sizeof(pairs) / sizeof(*pairs); pair++) {
        measure(pair, "1 MB of messages", write_context);
        measure(pair, "5 MB of an image", write_picture);
    }
    return 0;
}

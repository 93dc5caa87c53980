#include "tests/bench/answers.h"

#include <stdio.h>
#include <string.h>

#define IDENTITY "\"id\":\"chatcmpl-bench\",\"created\":1700000000,\"model\":\"gpt-5-mini\""
#define USAGE    "\"usage\":{\"prompt_tokens\":200,\"completion_tokens\":100,\"total_tokens\":300}"

static struct answer_defaults settings;
static struct bytes plain_body;
static struct bytes chunk; /* one chunk of chunked coding, with eight digits to be set */
static size_t chunk_digits;

static void pad(struct bytes *b, uint64_t to_len, const char *tail)
{
    static const char words[] = "the quick brown fox jumps over the lazy dog and goes home ";
    size_t tail_len = strlen(tail);

    for (size_t i = 0; b->len + tail_len < to_len; i++)
        bytes_add(b, &words[i % (sizeof words - 1)], 1);
    bytes_text(b, tail);
}

static void chunk_coded(struct bytes *out, struct text body)
{
    bytes_format(out, "%zx\r\n", body.len);
    bytes_add(out, body.ptr, body.len);
    bytes_text(out, "\r\n");
}

void answers_make(const struct answer_defaults *defaults)
{
    struct bytes event = {0};

    settings = *defaults;
    bytes_text(&plain_body,
               "{" IDENTITY ",\"object\":\"chat.completion\",\"choices\":[{\"index\":"
               "0,\"message\":{\"role\":\"assistant\",\"content\":\"");
    pad(&plain_body, settings.answer_bytes, "\"},\"finish_reason\":\"stop\"}]," USAGE "}");

    bytes_text(&event, "data: {" IDENTITY ",\"object\":\"chat.completion.chunk\",\"choices\":[{"
                       "\"index\":0,\"delta\":{\"content\":\"");
    size_t digits = event.len;
    bytes_text(&event, "00000000 ");
    pad(&event, settings.chunk_bytes, "\"},\"finish_reason\":null}]}\n\n");
    chunk_coded(&chunk, (struct text){bytes_at(&event), event.len});
    chunk_digits = chunk.len - 2 - event.len + digits;
    bytes_done(&event);
}

static bool is_true(struct text value)
{
    return value.len >= 4 && memcmp(value.ptr, "true", 4) == 0;
}

/* The model's name without quotes and without what stands before the last '/'. */
static struct text model_of(struct text body)
{
    struct text value = wire_member(body, "\"model\"");

    if (value.len < 2 || *value.ptr != '"')
        return (struct text){0};
    const char *name = value.ptr + 1;
    const char *end = memchr(name, '"', value.len - 1);
    const char *slash = end ? memrchr(name, '/', (size_t)(end - name)) : NULL;

    if (!end)
        return (struct text){0};
    if (slash)
        name = slash + 1;
    return (struct text){name, (size_t)(end - name)};
}

/* If `model` begins with `word`, the number after it. */
static bool named(struct text model, const char *word, uint64_t *ret_number)
{
    size_t len = strlen(word);

    if (model.len < len || memcmp(model.ptr, word, len) != 0)
        return false;
    *ret_number = wire_number((struct text){model.ptr + len, model.len - len});
    return true;
}

static void read_model(struct text model, struct plan *plan)
{
    uint64_t number = 0;

    if (named(model, "stream-", &number)) {
        const char *dash = memchr(model.ptr + 7, '-', model.len - 7);

        plan->chunks = number;
        if (dash)
            plan->pace_ns =
                1000000U * wire_number((struct text){
                               dash + 1, (size_t)(model.ptr + model.len - dash) - 1});
    } else if (named(model, "slow-", &number)) {
        plan->delay_ns = number * 1000000U;
    } else if (named(model, "status-", &number)) {
        plan->status = number >= 200 && number <= 599 ? (unsigned)number : 500;
    } else if (named(model, "cut-after-", &number)) {
        plan->cut = true;
        plan->cut_after = number;
    } else if (wire_equal(model, "reset")) {
        plan->reset = true;
    } else if (wire_equal(model, "close")) {
        plan->close = true;
    }
}

struct plan plan_read(struct text body)
{
    struct plan plan = {.status = 200,
                        .chunks = settings.chunks,
                        .pace_ns = settings.pace_ms * 1000000U,
                        .stream = is_true(wire_member(body, "\"stream\"")),
                        .usage = is_true(wire_member(body, "\"include_usage\""))};

    read_model(model_of(body), &plan);
    if (plan.status != 200)
        plan.stream = false;
    return plan;
}

static const char *closing(const struct plan *plan)
{
    return plan->close ? "Connection: close\r\n" : "";
}

static void answer_error(const struct plan *plan, struct bytes *out)
{
    char body[160];
    int len =
        snprintf(body, sizeof body,
                 "{\"error\":{\"message\":\"asked for\",\"type\":\"bench_error\",\"param\":"
                 "null,\"code\":\"status_%u\"}}",
                 plan->status);

    bytes_format(out, "HTTP/1.1 %u Asked For\r\nContent-Type: application/json\r\n%s%s",
                 plan->status, plan->status == 429 ? "Retry-After: 1\r\n" : "", closing(plan));
    bytes_format(out, "Content-Length: %d\r\n\r\n%s", len, body);
}

void answer_plain(const struct plan *plan, struct bytes *out)
{
    if (plan->status != 200) {
        answer_error(plan, out);
        return;
    }
    bytes_format(
        out,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n"
        "\r\n",
        closing(plan), plain_body.len);
    bytes_add(out, bytes_at(&plain_body), plan->cut ? plain_body.len / 2 : plain_body.len);
}

void answer_text(const char *type, struct text body, struct bytes *out)
{
    bytes_format(out, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                 type, body.len);
    bytes_add(out, body.ptr, body.len);
}

void answer_stream_head(const struct plan *plan, struct bytes *out)
{
    bytes_format(
        out,
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
        "%sTransfer-Encoding: chunked\r\n\r\n",
        closing(plan));
}

void answer_stream_chunk(uint64_t number, struct bytes *out)
{
    char *digit = bytes_at(&chunk) + chunk_digits + 7;

    for (int i = 0; i < 8; i++, number /= 10)
        *digit-- = (char)('0' + number % 10);
    bytes_add(out, bytes_at(&chunk), chunk.len);
}

void answer_stream_end(const struct plan *plan, struct bytes *out)
{
    static const char usage[] = "data: {" IDENTITY ",\"object\":\"chat.completion.chunk\","
                                "\"choices\":[]," USAGE "}\n\n";
    static const char done[] = "data: [DONE]\n\n";

    if (plan->usage)
        chunk_coded(out, (struct text){usage, sizeof usage - 1});
    chunk_coded(out, (struct text){done, sizeof done - 1});
    bytes_text(out, "0\r\n\r\n");
}

/* The steps that every request passes, alone: nanoseconds and MB/s, best of five rounds. */
#include <stdio.h>

#include "shared/base/buffer.h"
#include "shared/base/clock.h"
#include "shared/base/hash.h"
#include "shared/base/wheel.h"
#include "shared/http/http_reader.h"
#include "shared/text/json.h"
#include "shared/text/sse.h"

#include "worker/translate/estimate.h"

#define ROUNDS 5
#define TIMES  200000

static volatile size_t sink; /* keeps the work from being optimised away */
static struct buffer body, events, tools;
static struct http_scratch scratch;
static struct wheel wheel;

static const struct span head_text = {
    "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAccept-Encoding: gzip, "
    "deflate\r\nConnection: keep-alive\r\nAccept: application/json\r\nContent-Type: "
    "application/json\r\nUser-Agent: OpenAI/Python 2.8.1\r\nX-Stainless-Lang: "
    "python\r\nX-Stainless-Package-Version: 2.8.1\r\nX-Stainless-OS: Linux\r\nAuthorization: "
    "Bearer sk-aigw-0123456789abcdef-0123456789abcdef0123456789abcdef\r\nX-Stainless-Retry-"
    "Count: 0\r\nContent-Length: 1024\r\n\r\n",
    423};

static size_t pick_body(void)
{
    struct json_pick picks[] = {{.key = SPAN("model")}, {.key = SPAN("stream")}};
    struct json_error error;
    size_t open;
    bool empty;

    sink += json_pick(buffer_span(&body), picks, 2, &open, &empty, &error);
    return body.len;
}

static size_t pick_tools(void)
{
    struct json_pick picks[] = {{.key = SPAN("model")}, {.key = SPAN("stream")}};
    struct json_error error;
    size_t open;
    bool empty;

    sink += json_pick(buffer_span(&tools), picks, 2, &open, &empty, &error);
    return tools.len;
}

static size_t estimate_prompt(void)
{
    struct estimate estimate;

    estimate_body(buffer_span(&body), &estimate);
    sink += estimate_tokens(&estimate, TOKENIZER_o200k);
    return body.len;
}

static size_t estimate_tools(void)
{
    struct estimate estimate;

    estimate_body(buffer_span(&tools), &estimate);
    sink += estimate_tokens(&estimate, TOKENIZER_o200k);
    return tools.len;
}

static size_t frame_events(void)
{
    struct span rest = buffer_span(&events);
    struct sse_framer framer;
    struct sse_record record;

    sse_init(&framer, 1 << 20);
    while (sse_next(&framer, &rest, &record) == SSE_RECORD)
        sink += record.data.len;
    sse_done(&framer);
    return events.len;
}

static size_t read_head(void)
{
    static const struct http_limits limits = {16384, 8192, 100};
    const struct http_head *head;
    struct http_reader reader;
    struct span rest = head_text, piece;

    http_reader_init(&reader, HTTP_REQUESTS, &limits, &scratch);
    sink += http_next(&reader, &rest, &head, &piece);
    http_reader_done(&reader);
    return head_text.len;
}

static size_t hash_key(void)
{
    uint8_t digest[SHA256_SIZE];

    hash_sha256(span_of(head_text.ptr, 43), digest);
    sink += digest[0];
    return 43;
}

static size_t arm_deadline(void)
{
    static struct deadline deadline;

    wheel_arm(&wheel, &deadline, sink % 60000);
    wheel_disarm(&wheel, &deadline);
    return 0;
}

static void measure(const char *name, size_t (*work)(void))
{
    uint64_t best_ns = UINT64_MAX;
    size_t bytes = 0;

    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t begin_ns = clock_monotonic_ns(), took_ns;

        for (unsigned i = 0; i < TIMES; i++)
            bytes = work();
        took_ns = clock_monotonic_ns() - begin_ns;
        if (took_ns < best_ns)
            best_ns = took_ns;
    }
    (void)printf("%-28s %8.1f ns", name, (double)best_ns / TIMES);
    if (bytes > 0)
        (void)printf(" %8.0f MB/s  (%zu bytes)",
                     (double)bytes * TIMES * 1000.0 / (double)best_ns, bytes);
    (void)printf("\n");
}

static void fill(void)
{
    buffer_init(&body, 1 << 20);
    buffer_init(&events, 1 << 20);
    buffer_init(&tools, 1 << 20);
    (void)buffer_append(&body,
                        SPAN("{\"model\":\"gpt-5-mini\",\"messages\":[{\"role\":\"user\","
                             "\"content\":\""));
    while (body.len < 900)
        (void)buffer_append(&body, SPAN("The quick brown fox jumps over the lazy dog. "));
    (void)buffer_append(&body, SPAN("\"}],\"temperature\":0.7,\"stream\":true}"));
    (void)buffer_append(&tools, SPAN("{\"model\":\"gpt-5-mini\",\"tools\":["));
    while (tools.len < 18000)
        (void)buffer_append(&tools,
                            SPAN("{\"type\":\"function\",\"function\":{\"name\":\"find\","
                                 "\"parameters\":{\"type\":\"object\",\"properties\":{"
                                 "\"a\":{\"type\":\"string\"}}}}},"));
    (void)buffer_append(&tools, SPAN("null]}"));
    for (unsigned i = 0; i < 10; i++)
        (void)buffer_append(
            &events,
            SPAN("data: {\"id\":\"chatcmpl-0123456789\",\"object\":\"chat.completion."
                 "chunk\",\"created\":1755137737,\"model\":\"gpt-5-mini\",\"choices\":[{"
                 "\"index\":0,\"delta\":{\"content\":\" word\"},\"finish_reason\":null}]"
                 "}\n\n"));
}

int main(void)
{
    fill();
    wheel_init(&wheel, 0);
    measure("json_pick, request", pick_body);
    measure("json_pick, tools", pick_tools);
    measure("estimate, request", estimate_prompt);
    measure("estimate, tools", estimate_tools);
    measure("sse_next, ten records", frame_events);
    measure("http head of a request", read_head);
    measure("sha256 of a key", hash_key);
    measure("wheel, arm and disarm", arm_deadline);
    return 0;
}

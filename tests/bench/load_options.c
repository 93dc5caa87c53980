#include "tests/bench/load_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/wire.h"

/* A row of the command line: exactly one of the three targets is set. */
struct row {
    const char *name;
    size_t number; /* offsets in struct load_options, 0 for none */
    size_t text;
    size_t flag;
    uint64_t times; /* a number is multiplied by this */
    const char *help;
};

#define AT(member) offsetof(struct load_options, member)

/* clang-format off */
static const struct row rows[] = {
    {"path",             0, AT(path), 0, 0,          "path of the POST"},
    {"key",              0, AT(key), 0, 0,           "Authorization: Bearer KEY"},
    {"model",            0, AT(model), 0, 0,         "model in the body"},
    {"body-file",        0, AT(body_file), 0, 0,     "body to send as it is"},
    {"ids",              0, AT(ids_file), 0, 0,      "write x-request-id and status of each answer"},
    {"body-bytes",       AT(body_bytes), 0, 0, 1,    "length of the body"},
    {"connections",      AT(connections), 0, 0, 1,   "connections (with --rate: at most)"},
    {"streams",          AT(connections), 0, 0, 1,   "the same, each with one stream at a time"},
    {"requests",         AT(requests), 0, 0, 1,      "stop after so many"},
    {"seconds",          AT(duration_ms), 0, 0, 1000, "stop after so many seconds"},
    {"ms",               AT(duration_ms), 0, 0, 1,   "the same in milliseconds"},
    {"rate",             AT(rate), 0, 0, 1,          "requests a second, whether answered or not"},
    {"ramp",             AT(ramp), 0, 0, 1,          "connections a second at the begin"},
    {"timeout-ms",       AT(timeout_ms), 0, 0, 1,    "an answer silent for so long has failed"},
    {"grace-ms",         AT(grace_ms), 0, 0, 1,      "time at the end for what is under way"},
    {"abort-after",      AT(abort_chunks), 0, 0, 1,  "leave each stream after so many chunks"},
    {"close",            0, 0, AT(close), 0,         "a new connection for each request"},
    {"stream",           0, 0, AT(stream), 0,        "ask for streams"},
    {"usage",            0, 0, AT(usage), 0,         "ask for the usage chunk of a stream"},
    {"hold",             0, 0, AT(hold), 0,          "say when all streams are open; SIGTERM ends"},
};

/* clang-format on */

enum {
    ROWS = sizeof rows / sizeof rows[0]
};

static void usage_print(void)
{
    (void)fprintf(stderr, "usage: load PORT [option ...]\n");
    for (int i = 0; i < ROWS; i++)
        (void)fprintf(stderr, "  --%s%s  %s\n", rows[i].name, rows[i].flag ? "" : " X",
                      rows[i].help);
    exit(2);
}

static void row_set(struct load_options *options, const struct row *row, const char *value)
{
    char *base = (char *)options;
    bool yes = true;

    if (row->flag) {
        memcpy(base + row->flag, &yes, sizeof yes);
    } else if (row->text) {
        memcpy(base + row->text, &value, sizeof value);
    } else {
        char *end;
        uint64_t number = (uint64_t)(strtod(value, &end) * (double)row->times);

        if (end == value || *end)
            usage_print();
        memcpy(base + row->number, &number, sizeof number);
    }
    if (strcmp(row->name, "streams") == 0)
        options->stream = true;
}

struct load_options load_options_read(int argc, char **argv)
{
    struct load_options options = {.path = "/v1/chat/completions",
                                   .key = "none",
                                   .model = "fast",
                                   .body_bytes = 1024,
                                   .connections = 32,
                                   .timeout_ms = 30000,
                                   .grace_ms = 5000};
    struct option table[ROWS + 1] = {0};

    for (int i = 0; i < ROWS; i++)
        table[i] = (struct option){rows[i].name, rows[i].flag ? no_argument : required_argument,
                                   NULL, 256 + i};
    for (int o; (o = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        if (o < 256)
            usage_print();
        row_set(&options, &rows[o - 256], optarg);
    }
    if (optind + 1 != argc || !options.connections)
        usage_print();
    options.port = (uint16_t)wire_number((struct text){argv[optind], strlen(argv[optind])});
    if (!options.port)
        usage_print();
    if (!options.requests && !options.duration_ms && !options.hold)
        options.requests = options.stream ? options.connections : 10000;
    return options;
}

static void body_read(const char *name, struct bytes *body)
{
    FILE *file = fopen(name, "rb");
    size_t got;

    if (!file)
        net_fail("opening the body's file");
    while ((got = fread(bytes_room(body, 65536), 1, 65536, file)) > 0)
        body->len += got;
    (void)fclose(file);
}

static void body_make(const struct load_options *options, struct bytes *body)
{
    static const char words[] =
        "Tell me in a few words how a gateway should treat its guests. ";
    static const char tail[] = "\"}],\"temperature\":0.7,\"max_tokens\":256}";

    bytes_format(body, "{\"model\":\"%s\",", options->model);
    if (options->stream)
        bytes_text(body, "\"stream\":true,");
    if (options->usage)
        bytes_text(body, "\"stream_options\":{\"include_usage\":true},");
    bytes_text(body,
               "\"messages\":[{\"role\":\"system\",\"content\":\"You are a polite porter.\"},"
               "{\"role\":\"user\",\"content\":\"");
    for (size_t i = 0; body->len + sizeof tail - 1 < options->body_bytes; i++)
        bytes_add(body, &words[i % (sizeof words - 1)], 1);
    bytes_text(body, tail);
}

void load_request_make(const struct load_options *options, struct bytes *ret_request)
{
    struct bytes body = {0};

    if (options->body_file)
        body_read(options->body_file, &body);
    else
        body_make(options, &body);
    bytes_format(ret_request,
                 "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAuthorization: Bearer %s\r\n",
                 options->path, options->port, options->key);
    bytes_format(ret_request,
                 "%sUser-Agent: aigw-bench\r\nAccept: */*\r\nContent-Type: application/json\r\n"
                 "Content-Length: %zu\r\n\r\n",
                 options->close ? "Connection: close\r\n" : "", body.len);
    bytes_add(ret_request, bytes_at(&body), body.len);
    bytes_done(&body);
}

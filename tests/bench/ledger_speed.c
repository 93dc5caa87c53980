/* How many usage records a second go from a journal into a store, retries and all.
 *
 * usage: ledger_speed sqlite:PATH|postgresql://... FOLDER [RECORDS [SERIES]]
 *
 * SERIES: how many kinds of records (of key, model, status) there are, as statistics tell them
 * apart. The journals are made in FOLDER. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "shared/base/clock.h"
#include "shared/journal/journal.h"

#include "supervisor/ledger/ledger.h"

#define BASE_MS 1767225600000ULL /* 2026-01-01 */

static uint64_t numbers;

static uint64_t next_number(void *who)
{
    (void)who;
    return ++numbers;
}

static void append(struct journal *journal, uint64_t number, unsigned series)
{
    char id[32], key[24], model[32];
    unsigned kind = (unsigned)(number % series);
    struct usage_record record = {
        .started_ms = BASE_MS + number,
        .tenant = 1 + kind % 2,
        .team = 1 + kind % 5,
        .operation = SPAN("chat"),
        .dialect = SPAN("openai"),
        .provider = SPAN("openai"),
        .provider_dialect = SPAN("openai"),
        .streamed = 1,
        .status = 200,
        .attempts = 1,
        .input_tokens = 1200 + number % 500,
        .output_tokens = 300 + number % 70,
        .cached_tokens = 1024,
        .reasoning_tokens = 128,
        .audio_tokens = USAGE_UNKNOWN,
        .first_byte_us = 350000,
        .duration_us = 4200000,
        .request_bytes = 5200,
        .answer_bytes = 48000,
        .raw_usage = SPAN("{\"prompt_tokens\":1200,\"completion_tokens\":300,\"total_tokens\":"
                          "1500,\"prompt_tokens_details\":{\"cached_tokens\":1024},"
                          "\"completion_tokens_details\":{\"reasoning_tokens\":128}}"),
        .host = SPAN("gateway-1"),
        .finish = SPAN("stop"),
        .cost_nano = 1234567 + number,
        .price = SPAN("176 in x 1.25 + 1024 cached x 0.125 + 300 out x 10 $/1M"),
        .limits = SPAN("[{\"scope\":\"key\",\"subject\":\"k\",\"rule\":\"requests/60000\","
                       "\"level\":12,\"limit\":600,\"mode\":\"enforce\"}]"),
        .tries =
            SPAN("[{\"provider\":\"openai\",\"model\":\"gpt-5\",\"status\":200,\"ms\":4200}]"),
        .reserved_nano = 9000000,
        .rooms = SPAN("{\"parse\":12,\"route\":3,\"upstream\":4199000}"),
    };

    record.request_id = span_of(
        id, (size_t)snprintf(id, sizeof(id), "%016llx", (unsigned long long)(number * 7)));
    record.key_id = span_of(key, (size_t)snprintf(key, sizeof(key), "key%09u", kind));
    record.asked_model =
        span_of(model, (size_t)snprintf(model, sizeof(model), "openai/gpt-%u", kind % 20));
    record.served_model = span_skip(record.asked_model, 7);
    journal_append(journal, &record);
    if (number % 500 == 0)
        (void)journal_flush(journal);
}

static double cpu_us(void)
{
    struct rusage used;

    (void)getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static int measure(struct ledger *ledger, uint64_t records)
{
    uint64_t begin_ms = clock_monotonic_ms();
    double begin_us = cpu_us();
    struct ledger_status status;
    int result;

    do
        result = ledger_step(ledger);
    while (result == 1);
    ledger_status(ledger, &status);
    if (result < 0 || status.records_total != records) {
        (void)fprintf(stderr, "ledger_speed: %llu records, result %d: %s\n",
                      (unsigned long long)status.records_total, result, status.error_text);
        return 1;
    }
    uint64_t took_ms = clock_monotonic_ms() - begin_ms;

    (void)printf("%llu records in %llu ms, %.2f us of this process each: %llu/s\n",
                 (unsigned long long)records, (unsigned long long)took_ms,
                 (cpu_us() - begin_us) / (double)records,
                 (unsigned long long)(records * 1000 / (took_ms ? took_ms : 1)));
    return 0;
}

int main(int argc, char **argv)
{
    struct span folder = span_of_text(argc > 2 ? argv[2] : ".");
    uint64_t records = argc > 3 ? strtoull(argv[3], NULL, 10) : 100000;
    unsigned series = argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : 40;
    struct buffer error;
    struct journal journal;

    buffer_init(&error, 4096);
    struct store *store = store_open(span_of_text(argc > 1 ? argv[1] : ""), &error);

    if (!store || store_connect(store) < 0) {
        (void)fprintf(stderr, "ledger_speed: no store: %.*s\n", SPAN_ARG(buffer_span(&error)));
        return 1;
    }
    struct ledger *ledger = ledger_open(folder, store, next_number, NULL, &error);

    if (!ledger || journal_open(&journal, folder, next_number, NULL) < 0)
        return 1;
    for (uint64_t i = 1; i <= records; i++)
        append(&journal, i, series ? series : 1);
    journal_close(&journal);
    int code = measure(ledger, records);

    ledger_close(ledger);
    store_close(store);
    buffer_done(&error);
    return code;
}

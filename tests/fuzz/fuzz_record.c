/* The journal's reader: it goes forward through any bytes, and what it takes for a record can
 * be written and read again. */
#include "shared/journal/record.h"

#include "tests/fuzz/fuzz.h"

static void must_come_back(const struct usage_record *record)
{
    struct usage_record again;
    struct buffer bytes;
    size_t size;

    if (record->request_id.len == 0)
        return;
    buffer_init(&bytes, RECORD_PAYLOAD_MAX + 8);
    MUST(record_write(record, &bytes));
    MUST(record_read(buffer_span(&bytes), &again, &size) == RECORD_OK && size == bytes.len);
    MUST(again.status == record->status && again.started_ms == record->started_ms);
    buffer_done(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_of((const char *)data, size);
    struct usage_record record;

    while (rest.len > 0) {
        size_t taken = 0;
        enum record_result result = record_read(rest, &record, &taken);

        if (result == RECORD_MORE)
            taken = record_resync(rest);
        MUST(taken >= 1 && taken <= rest.len);
        if (result == RECORD_OK)
            must_come_back(&record);
        rest = span_skip(rest, taken);
    }
    return 0;
}

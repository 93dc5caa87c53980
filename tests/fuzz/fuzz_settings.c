/* The settings file: any bytes are settings or errors, never both; what is printed can be read
 * again and prints the same.
 */
#include "shared/base/buffer.h"
#include "shared/settings/settings.h"

#include "tests/fuzz/fuzz.h"

#define OUTPUT_MAX (4u << 20)

static bool has_hidden(struct span text)
{
    return span_find(text, SPAN("********")) != SIZE_MAX;
}

static void print_and_read_again(const struct settings *settings)
{
    struct buffer first, second, errors;
    struct settings *again;

    buffer_init(&first, OUTPUT_MAX);
    buffer_init(&second, OUTPUT_MAX);
    buffer_init(&errors, OUTPUT_MAX);
    settings_print(settings, &first);
    again = settings_parse(buffer_span(&first), "again", &errors);
    MUST(again || has_hidden(buffer_span(&first)));
    if (again) {
        settings_print(again, &second);
        MUST(has_hidden(buffer_span(&first)) ||
             span_eq(buffer_span(&first), buffer_span(&second)));
        settings_free(again);
    }
    buffer_done(&first);
    buffer_done(&second);
    buffer_done(&errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of((const char *)data, size);
    struct settings *settings;
    struct buffer errors;

    /* No file of the machine is read. */
    if (size > 16384 || span_find(text, SPAN("file:")) != SIZE_MAX)
        return 0;
    buffer_init(&errors, OUTPUT_MAX);
    settings = settings_parse(text, "f", &errors);
    MUST((settings != NULL) == (errors.len == 0));
    if (settings)
        print_and_read_again(settings);
    else
        MUST(span_ends(buffer_span(&errors), SPAN("\n")));
    settings_free(settings);
    buffer_done(&errors);
    return 0;
}

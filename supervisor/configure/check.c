#include "supervisor/configure/check.h"

#include <stdio.h>

#include "shared/settings/settings.h"

#include "supervisor/configure/configure.h"

#define OUTPUT_MAX (16u << 20)

/* FILES: those that the settings name are looked for too. */
static struct settings *read_or_tell(const char *file, bool files)
{
    struct catalogue *catalogue = NULL;
    struct buffer errors;
    struct settings *settings;

    buffer_init(&errors, OUTPUT_MAX);
    settings = settings_read(file, &errors);
    if (settings && files &&
        (!settings_files_there(settings, file, &errors) ||
         !configure_read_catalogue(settings, file, &catalogue, &errors))) {
        settings_free(settings);
        settings = NULL;
    }
    catalogue_free(catalogue);
    (void)fwrite(buffer_span(&errors).ptr, 1, errors.len, stderr);
    buffer_done(&errors);
    return settings;
}

static int say(struct buffer *text)
{
    bool good = fwrite(buffer_span(text).ptr, 1, text->len, stdout) == text->len &&
                fflush(stdout) == 0 && !text->failed;

    buffer_done(text);
    return good ? 0 : 1;
}

int configure_check(const char *file)
{
    struct settings *settings = read_or_tell(file, true);

    if (!settings)
        return 1;
    (void)printf("%s: ok\n", file);
    settings_free(settings);
    return fflush(stdout) == 0 ? 0 : 1;
}

int configure_print(const char *file)
{
    struct settings *settings = read_or_tell(file, false);
    struct buffer text;

    if (!settings)
        return 1;
    buffer_init(&text, OUTPUT_MAX);
    settings_print(settings, &text);
    settings_free(settings);
    return say(&text);
}

int configure_print_sample(void)
{
    struct buffer text;

    buffer_init(&text, OUTPUT_MAX);
    settings_print_sample(&text);
    return say(&text);
}

int configure_print_reference(void)
{
    struct buffer text;

    buffer_init(&text, OUTPUT_MAX);
    settings_print_reference(&text);
    return say(&text);
}

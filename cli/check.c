/* aigwctl config check, and the one setting that the tool itself needs. */
#include <unistd.h>

#include "shared/settings/settings.h"

#include "cli/body.h"
#include "cli/place.h"

#define ERRORS_BYTES  (1U << 20)
#define SOCKET_PRESET "state/admin.sock" /* as in settings.def */

/* Without the line feed of the last one. */
static struct span lines_of(const struct buffer *errors)
{
    struct span lines = buffer_span(errors);

    while (span_ends(lines, SPAN("\n")))
        lines.len--;
    return lines;
}

static const char *text_of(struct span s)
{
    return keep_text(s).ptr;
}

/* The value of `socket:` in TEXT, without quotes; not there when there is none. */
static struct span socket_value(struct span text)
{
    size_t at = span_find(text, SPAN("socket:"));
    size_t len = 0;

    if (at == SIZE_MAX)
        return SPAN_NONE;
    text = span_skip(text, at + strlen("socket:"));
    while (len < text.len && !strchr(",}#\r\n", text.ptr[len]))
        len++;
    text = span_trim(span_of(text.ptr, len));
    if (text.len >= 2 && (text.ptr[0] == '"' || text.ptr[0] == '\''))
        text = span_of(text.ptr + 1, text.len - 2);
    return text;
}

struct span place_scan_socket(struct span text)
{
    struct span line, found;
    bool inside = false;

    while (span_cut(&text, '\n', &line)) {
        bool indented = line.len && (line.ptr[0] == ' ' || line.ptr[0] == '#');

        if (line.len && !indented)
            inside = span_starts(line, SPAN("admin:"));
        if (!inside || span_starts(span_trim(line), SPAN("#")))
            continue;
        found = socket_value(line);
        if (found.len)
            return found;
    }
    return SPAN_NONE;
}

/* A file that is wrong, or names variables that only the daemon has, still says where the
 * daemon is. */
int place_of_settings(const struct invocation *invocation, const char **ret_socket)
{
    struct span file = place_settings_file(invocation);
    struct span text = place_read_file(file);
    struct buffer errors;
    struct settings *settings;
    int code = EXIT_OK;

    buffer_init(&errors, ERRORS_BYTES);
    settings = settings_read(text_of(file), &errors);
    if (settings)
        *ret_socket = text_of(settings->admin.socket);
    else if (text.ptr && place_scan_socket(text).ptr)
        *ret_socket = text_of(place_scan_socket(text));
    else if (text.ptr && access(SOCKET_PRESET, F_OK) == 0)
        *ret_socket = SOCKET_PRESET;
    else
        code = tell_error(invocation, EXIT_FAILED, lines_of(&errors));
    settings_free(settings);
    buffer_done(&errors);
    return code;
}

int config_check(struct invocation *invocation)
{
    const char *file = text_of(invocation->argument_count ? invocation->arguments[0]
                                                          : place_settings_file(invocation));
    struct buffer errors, out;
    struct settings *settings;
    int code = EXIT_OK;

    buffer_init(&errors, ERRORS_BYTES);
    settings = settings_read(file, &errors);
    if (!settings || !settings_files_there(settings, file, &errors)) {
        code = tell_error(invocation, EXIT_FAILED, lines_of(&errors));
    } else if (!invocation->quiet) {
        buffer_init(&out, BODY_BYTES);
        if (invocation->json)
            (void)buffer_append(&out, SPAN("{\"ok\":true}"));
        else
            (void)buffer_append_format(&out, "%s: ok", file);
        (void)buffer_append_byte(&out, '\n');
        print_out(buffer_span(&out));
        buffer_done(&out);
    }
    settings_free(settings);
    buffer_done(&errors);
    return code;
}

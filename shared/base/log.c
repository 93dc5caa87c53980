#include "shared/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "shared/base/buffer.h"
#include "shared/base/clock.h"
#include "shared/base/encode.h"

#define LINE_LIMIT_BYTES 8192
#define TEXT_LIMIT_BYTES 1024 /* of one field; more is cut */

static struct {
    char role[32];
    enum log_level lowest;
    bool json;
} sink = {.role = "aigw", .lowest = LOG_INFO, .json = true};

static const char *const level_names[] = {"debug", "info", "warning", "error"};

void log_open(const char *role, enum log_level lowest, enum log_form form)
{
    (void)snprintf(sink.role, sizeof(sink.role), "%s", role);
    sink.lowest = lowest;
    sink.json = form == LOG_JSON || (form == LOG_AUTO && !isatty(STDERR_FILENO));
}

void log_set_level(enum log_level lowest)
{
    sink.lowest = lowest;
}

bool log_wants(enum log_level level)
{
    return level >= sink.lowest;
}

/* TEXT so that it cannot end a line or a JSON string, nor drive a terminal. */
static void append_escaped(struct buffer *line, struct span text)
{
    bool valid = utf8_valid(text);

    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];

        if (byte == '"' || byte == '\\') {
            (void)buffer_append_byte(line, '\\');
            (void)buffer_append_byte(line, (char)byte);
        } else if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !valid)) {
            (void)buffer_append(line, SPAN("\\u00"));
            (void)buffer_append_hex(line, byte, 2);
        } else {
            (void)buffer_append_byte(line, (char)byte);
        }
    }
}

static void append_text(struct buffer *line, struct span text)
{
    if (text.len > TEXT_LIMIT_BYTES) {
        text.len = TEXT_LIMIT_BYTES;
        /* Not inside a character. */
        while (text.len > TEXT_LIMIT_BYTES - 4 && (text.ptr[text.len] & 0xc0) == 0x80)
            text.len--;
    }
    (void)buffer_append_byte(line, '"');
    append_escaped(line, text);
    (void)buffer_append_byte(line, '"');
}

static void append_json(struct buffer *line, enum log_level level, const char *message,
                        const struct log_field *fields, unsigned count)
{
    char now[CLOCK_TEXT_SIZE];

    clock_write_rfc3339(clock_wall_ms(), now);
    (void)buffer_append(line, SPAN("{\"time\":\""));
    (void)buffer_append(line, span_of(now, sizeof(now)));
    (void)buffer_append_format(line, "\",\"level\":\"%s\",\"role\":\"%s\",\"message\":",
                               level_names[level], sink.role);
    append_text(line, span_of_text(message));
    for (unsigned i = 0; i < count; i++) {
        (void)buffer_append_format(line, ",\"%s\":", fields[i].name);
        if (fields[i].text.ptr)
            append_text(line, fields[i].text);
        else
            (void)buffer_append_i64(line, fields[i].number);
    }
    (void)buffer_append(line, SPAN("}\n"));
}

static void append_plain(struct buffer *line, enum log_level level, const char *message,
                         const struct log_field *fields, unsigned count)
{
    char now[CLOCK_TEXT_SIZE];

    clock_write_rfc3339(clock_wall_ms(), now);
    (void)buffer_append(line, span_of(now + 11, 12));
    (void)buffer_append_format(line, " %-7s %-10s ", level_names[level], sink.role);
    append_escaped(line, span_of_text(message));
    for (unsigned i = 0; i < count; i++) {
        (void)buffer_append_format(line, "  %s=", fields[i].name);
        if (fields[i].text.ptr)
            append_text(line, fields[i].text);
        else
            (void)buffer_append_i64(line, fields[i].number);
    }
    (void)buffer_append_byte(line, '\n');
}

void log_write(enum log_level level, const char *message, const struct log_field *fields,
               unsigned count)
{
    struct buffer line _buffer_;
    int saved = errno;

    buffer_init(&line, LINE_LIMIT_BYTES);
    if (!log_wants(level))
        return;
    (sink.json ? append_json : append_plain)(&line, level, message, fields, count);
    if (line.failed) {
        /* Too many long fields: the sentence alone. */
        buffer_clear(&line);
        (sink.json ? append_json : append_plain)(&line, level, message, NULL, 0);
    }
    /* A log that cannot be written has nowhere to say so. */
    if (write(STDERR_FILENO, line.ptr, line.len) < 0)
        errno = saved;
    errno = saved;
}

const char *log_error_text(int e)
{
    const char *text = strerrordesc_np(e < 0 ? -e : e);

    return text ? text : "unknown error";
}

/* shared/base/log.h
 *
 * Program events, one line each: JSON on a pipe or journald, text on a terminal.  Only program
 * code logs (main files, flow, controller); rooms and libraries return.  Secrets have a type
 * that no macro here takes; bodies are never logged.  One sink per process (stderr), set once
 * at start.  Each line is one write(2).
 */
#ifndef SHARED_BASE_LOG_H
#define SHARED_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/span.h"

enum log_level {
    LOG_DEBUG,
    LOG_INFO,
    LOG_WARNING,
    LOG_ERROR
};

enum log_form {
    LOG_AUTO,
    LOG_JSON,
    LOG_TEXT
}; /* AUTO: text when stderr is a terminal */

/* ROLE ("parent", "worker 0") stands in every line; it is copied. */
void log_open(const char *role, enum log_level lowest, enum log_form form);
void log_set_level(enum log_level lowest);
bool log_wants(enum log_level level);

struct log_field {
    const char *name;
    struct span text; /* when ptr is not NULL */
    int64_t number;   /* else */
};

#define LOG_TEXT_FIELD(n, s)   ((struct log_field){.name = (n), .text = (s)})
#define LOG_NUMBER_FIELD(n, v) ((struct log_field){.name = (n), .number = (int64_t)(v)})
#define LOG_ERRNO_FIELD(e)     LOG_TEXT_FIELD("error", span_of_text(log_error_text(e)))

/* The message is a fixed sentence ("worker died"); what varies stands in fields. */
void log_write(enum log_level level, const char *message, const struct log_field *fields,
               unsigned count);

/* log_event(LOG_INFO, "worker started", LOG_NUMBER_FIELD("pid", pid), ...) */
#define log_event(level, message, ...)                                     \
    log_write((level), (message), (const struct log_field[]){__VA_ARGS__}, \
              sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))
#define log_note(level, message) log_write((level), (message), NULL, 0)

/* Text of errno E or -E. */
const char *log_error_text(int e);

#endif

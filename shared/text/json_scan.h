/* shared/text/json_scan.h
 *
 * The checking core of the JSON reader: passes over one string or one value and says where it
 * ends, or where and why it is none. Private to shared/text.
 */
#ifndef SHARED_TEXT_JSON_SCAN_H
#define SHARED_TEXT_JSON_SCAN_H

#include <stdbool.h>

#include "shared/text/json.h"

struct json_scan {
    const char *end;
    const char *bad;   /* where it failed */
    const char *error; /* why */
};

/* AT stands after the opening quote; returns the place after the closing one, or NULL. */
const char *json_scan_string(struct json_scan *scan, const char *at);
/* AT stands on the first byte of a value (or at the end); returns the place after it, or NULL.
 * DEPTH containers are open around it. */
const char *json_scan_value(struct json_scan *scan, const char *at, unsigned depth);
/* Kind by the first byte of a value that was accepted. */
enum json_kind json_kind_of(char first);

static inline const char *json_scan_fail(struct json_scan *scan, const char *at,
                                         const char *error)
{
    scan->bad = at;
    scan->error = at < scan->end ? error : "unexpected end";
    return NULL;
}

#endif

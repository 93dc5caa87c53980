#include "shared/base/check.h"
#include "shared/text/json.h"
#include "shared/text/json_bytes.h"
#include "shared/text/json_scan.h"

static bool refuse(const struct json_scan *scan, struct span text, struct json_error *reterr)
{
    reterr->offset = (size_t)(scan->bad - text.ptr);
    reterr->text = scan->error;
    return false;
}

/* The scan of TEXT and the place of its first byte that counts. */
static const char *begin(struct json_scan *scan, struct span *text)
{
    if (!text->ptr)
        *text = SPAN("");
    *scan = (struct json_scan){.end = text->ptr + text->len};
    return json_space_end(text->ptr, scan->end);
}

/* Whether nothing but white space follows AT. */
static bool ends(struct json_scan *scan, const char *at)
{
    at = json_space_end(at, scan->end);
    if (at != scan->end)
        (void)json_scan_fail(scan, at, "bytes after the value");
    return at == scan->end;
}

bool json_check(struct span text, struct json_value *ret, struct json_error *reterr)
{
    struct json_scan scan;
    const char *first = begin(&scan, &text);
    const char *after = json_scan_value(&scan, first, 0);

    if (!after || !ends(&scan, after))
        return refuse(&scan, text, reterr);
    ret->kind = json_kind_of(*first);
    ret->raw = span_of(first, (size_t)(after - first));
    return true;
}

struct picking {
    struct json_scan scan;
    struct json_pick *picks;
    unsigned count;
};

/* The wanted member with this name (still escaped), or NULL. */
static struct json_pick *wanted(const struct picking *picking, struct span inside)
{
    bool escaped = inside.len > 0 && memchr(inside.ptr, '\\', inside.len) != NULL;

    for (unsigned i = 0; i < picking->count; i++) {
        struct json_pick *pick = &picking->picks[i];

        if (escaped ? json_inside_is(inside, pick->key) : span_eq(inside, pick->key))
            return pick;
    }
    return NULL;
}

/* One member; AT stands on its name.  Returns the place after its value. */
static const char *pick_member(struct picking *picking, const char *at)
{
    struct json_scan *scan = &picking->scan;
    const char *name = at, *after;
    struct json_pick *pick;

    if (at == scan->end || *at != '"')
        return json_scan_fail(scan, at, "expected a member name");
    after = json_scan_string(scan, at + 1);
    if (!after)
        return NULL;
    at = json_space_end(after, scan->end);
    if (at == scan->end || *at != ':')
        return json_scan_fail(scan, at, "expected a colon");
    at = json_space_end(at + 1, scan->end);
    pick = wanted(picking, span_of(name + 1, (size_t)(after - name) - 2));
    if (pick && pick->value.kind != JSON_ABSENT)
        return json_scan_fail(scan, name, "this member stands twice");
    after = json_scan_value(scan, at, 1);
    if (after && pick) {
        pick->value.kind = json_kind_of(*at);
        pick->value.raw = span_of(at, (size_t)(after - at));
    }
    return after;
}

/* The members after the opening brace; returns the place after the closing one. */
static const char *pick_members(struct picking *picking, const char *at, bool *ret_empty)
{
    struct json_scan *scan = &picking->scan;

    at = json_space_end(at, scan->end);
    *ret_empty = at < scan->end && *at == '}';
    if (*ret_empty)
        return at + 1;
    for (;;) {
        at = pick_member(picking, at);
        if (!at)
            return NULL;
        at = json_space_end(at, scan->end);
        if (at < scan->end && *at == '}')
            return at + 1;
        if (at == scan->end || *at != ',')
            return json_scan_fail(scan, at, "expected a comma or the end of the object");
        at = json_space_end(at + 1, scan->end);
    }
}

bool json_pick(struct span text, struct json_pick *picks, unsigned pick_count, size_t *ret_open,
               bool *ret_empty, struct json_error *reterr)
{
    struct picking picking = {.picks = picks, .count = pick_count};
    const char *at = begin(&picking.scan, &text);

    CHECK(picks || pick_count == 0);
    for (unsigned i = 0; i < pick_count; i++)
        picks[i].value = (struct json_value){.kind = JSON_ABSENT};
    if (at == picking.scan.end || *at != '{') {
        (void)json_scan_fail(&picking.scan, at, "expected an object");
        return refuse(&picking.scan, text, reterr);
    }
    *ret_open = (size_t)(at + 1 - text.ptr);
    at = pick_members(&picking, at + 1, ret_empty);
    if (!at || !ends(&picking.scan, at))
        return refuse(&picking.scan, text, reterr);
    return true;
}

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/memory.h"
#include "shared/settings/settings_inside.h"

static bool append_variable(struct reader *reader, const struct node *node, struct span name,
                            struct buffer *out)
{
    char text[128];
    const char *value;

    if (name.len == 0 || name.len >= sizeof(text)) {
        complain_at(reader, node, "`${...}` needs the name of a variable");
        return false;
    }
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    value = getenv(text);
    if (!value) {
        complain_at(reader, node, "the environment has no variable `%s`", text);
        return false;
    }
    (void)buffer_append(out, span_of_text(value));
    return true;
}

static bool append_expanded(struct reader *reader, const struct node *node, struct buffer *out)
{
    struct span rest = node->text;

    while (rest.len > 0) {
        size_t end;

        if (span_starts(rest, SPAN("$${"))) {
            (void)buffer_append(out, SPAN("${"));
            rest = span_skip(rest, 3);
            continue;
        }
        if (!span_starts(rest, SPAN("${"))) {
            (void)buffer_append_byte(out, rest.ptr[0]);
            rest = span_skip(rest, 1);
            continue;
        }
        end = span_find(rest, SPAN("}"));
        if (end == SIZE_MAX) {
            complain_at(reader, node, "`${` has no `}`; a plain `${` is written `$${`");
            return false;
        }
        if (!append_variable(reader, node, span_of(rest.ptr + 2, end - 2), out))
            return false;
        rest = span_skip(rest, end + 1);
    }
    return true;
}

bool expand_text(struct reader *reader, const struct node *node, struct span *ret_text)
{
    struct buffer text;
    bool good;

    if (node->text.len <= SETTINGS_TEXT_MAX && span_find(node->text, SPAN("${")) == SIZE_MAX) {
        *ret_text = node->text;
        return true;
    }
    buffer_init(&text, SETTINGS_TEXT_MAX);
    good = append_expanded(reader, node, &text);
    if (good && text.failed) {
        complain_at(reader, node, "the value is longer than %u bytes", SETTINGS_TEXT_MAX);
        good = false;
    }
    if (good)
        *ret_text = arena_copy(reader->arena, buffer_span(&text));
    buffer_done(&text);
    return good;
}

/* The bytes of FILE without the newline at its end; 0 or a negative errno. */
static int read_small_file(const char *file, char *bytes, size_t size, size_t *ret_count)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    size_t have = 0;
    ssize_t count = 1;

    if (fd < 0)
        return -errno;
    while (count > 0 && have < size) {
        count = read(fd, bytes + have, size - have);
        if (count > 0)
            have += (size_t)count;
    }
    count = count < 0 ? -errno : have == size ? -EFBIG : 0;
    (void)close(fd);
    while (have > 0 && (bytes[have - 1] == '\n' || bytes[have - 1] == '\r'))
        have--;
    *ret_count = have;
    return (int)count;
}

bool read_secret_file(struct reader *reader, const struct node *node, struct span path,
                      struct span *ret_text)
{
    char bytes[16384];
    size_t count = 0;
    struct span file = arena_copy(reader->arena, path);
    int error = read_small_file(file.ptr, bytes, sizeof(bytes), &count);

    if (error < 0)
        complain_at(reader, node, "%s cannot be read: %s", file.ptr, strerror(-error));
    else if (count == 0)
        complain_at(reader, node, "%s is empty", file.ptr);
    else
        *ret_text = arena_copy(reader->arena, span_of(bytes, count));
    memory_wipe(bytes, sizeof(bytes));
    return error == 0 && count > 0;
}

bool read_names(struct reader *reader, const struct setting_row *row, const struct node *node,
                struct settings_list *ret)
{
    struct setting_row item = {.type = SETTING_MODEL, .low = 1, .high = 200};
    uint32_t count = node->kind == NODE_LIST && node->last ? node->last->index + 1 : 0;
    struct span *names;
    bool good = true;

    if (node->kind != NODE_LIST || count > row->high) {
        complain_at(reader, node, "must be a list of at most %u names", (unsigned)row->high);
        return false;
    }
    names = ARENA_ARRAY(reader->arena, count > 0 ? count : 1, struct span);
    *ret = (struct settings_list){names, count};
    for (const struct node *child = node->first; child; child = child->next)
        good = read_value(reader, &item, child, &names[child->index]) && good;
    return good;
}

static bool field_name_is_good(struct span name)
{
    static const char *const ours[] = {"host",    "connection", "content-length",   "upgrade",
                                       "trailer", "te",         "transfer-encoding"};

    if (name.len == 0 || name.len > 100)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_'))
            return false;
    }
    for (unsigned i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (span_eq_nocase(name, span_of_text(ours[i])))
            return false;
    }
    return true;
}

static bool read_header(struct reader *reader, const struct node *node,
                        struct settings_header *ret)
{
    struct setting_row item = {.type = SETTING_SECRET, .high = 4096};
    struct settings_secret value = {{SPAN_NONE}, SPAN_NONE};

    if (!field_name_is_good(node->key)) {
        complain_at(reader, node, "is no header field that can be added");
        return false;
    }
    ret->name = node->key;
    if (!read_value(reader, &item, node, &value))
        return false;
    ret->value = value;
    return true;
}

bool read_headers(struct reader *reader, const struct setting_row *row, const struct node *node,
                  struct settings_list *ret)
{
    uint32_t count = node->last ? node->last->index + 1 : 0;
    struct settings_header *headers;
    bool good = true;

    if (node->kind != NODE_MAPPING || count > row->high) {
        complain_at(reader, node, "must be a mapping of at most %u fields",
                    (unsigned)row->high);
        return false;
    }
    headers = ARENA_ARRAY(reader->arena, count > 0 ? count : 1, struct settings_header);
    *ret = (struct settings_list){headers, count};
    for (const struct node *child = node->first; child; child = child->next)
        good = read_header(reader, child, &headers[child->index]) && good;
    return good;
}

static void append_unit(struct buffer *out, uint64_t number, const uint64_t *factors,
                        const char *const *units, unsigned count)
{
    unsigned i = 0;

    while (i + 1 < count && (number == 0 || number % factors[i] != 0))
        i++;
    (void)buffer_append_u64(out, number / factors[i]);
    if (number > 0)
        (void)buffer_append(out, span_of_text(units[i]));
}

void append_size(struct buffer *out, uint64_t bytes)
{
    static const uint64_t factors[] = {1073741824, 1048576, 1024, 1};
    static const char *const units[] = {"GiB", "MiB", "KiB", ""};

    append_unit(out, bytes, factors, units, 4);
}

void append_duration(struct buffer *out, uint64_t ms)
{
    static const uint64_t factors[] = {86400000, 3600000, 60000, 1000, 1};
    static const char *const units[] = {"d", "h", "m", "s", "ms"};

    append_unit(out, ms, factors, units, 5);
}

struct span mask_password(struct arena *arena, struct span url)
{
    size_t begin = span_find(url, SPAN("://")), at = SIZE_MAX, colon, query;
    struct span authority, masked;
    struct buffer text;

    query = span_find(url, SPAN("?")); /* may hold password= */
    if (query != SIZE_MAX)
        url.len = query;
    if (begin == SIZE_MAX)
        return url;
    authority = span_skip(url, begin + 3);
    for (size_t i = 0; i < authority.len; i++)
        at = authority.ptr[i] == '@' ? i : at;
    colon = span_find(authority, SPAN(":"));
    if (at == SIZE_MAX || colon == SIZE_MAX || colon > at)
        return url;
    buffer_init(&text, SETTINGS_TEXT_MAX);
    (void)buffer_append(&text, span_of(url.ptr, begin + 3 + colon + 1));
    (void)buffer_append(&text, SPAN("********"));
    (void)buffer_append(&text, span_skip(authority, at));
    masked = arena_copy(arena, buffer_span(&text));
    buffer_done(&text);
    return masked;
}

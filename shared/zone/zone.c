#include "shared/zone/zone.h"

#include <stdio.h>

#include "shared/base/buffer.h"
#include "shared/base/file.h"
#include "shared/base/memory.h"
#include "shared/zone/date.h"
#include "shared/zone/zone_inside.h"

#define ZONE_FILE_MAX  (256u << 10)
#define HEAD_SIZE      44
#define FARTHEST       (26 * 3600) /* no wall is farther from UTC */
#define CHANGES_MAX    4096
#define RULE_LAST_YEAR 2200

struct zone {
    struct zone_change *changes; /* rising; the first counts from ever on */
    uint32_t count;
};

static const char *const folders[] = {"/usr/share/zoneinfo", "/usr/lib/zoneinfo",
                                      "/usr/share/lib/zoneinfo"};

/* ---- the file (RFC 8536 3) ------------------------------------------------------------------
 */

struct counts {
    uint32_t version, utc, standard, leaps, changes, types, letters;
};

static uint32_t big_u32(const char *at)
{
    const uint8_t *bytes = (const uint8_t *)at;

    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
           bytes[3];
}

static int64_t big_i64(const char *at)
{
    return (int64_t)((uint64_t)big_u32(at) << 32 | big_u32(at + 4));
}

static bool read_head(struct span *file, struct counts *ret)
{
    if (file->len < HEAD_SIZE || !span_starts(*file, SPAN("TZif")))
        return false;
    ret->version = (uint8_t)file->ptr[4];
    ret->utc = big_u32(file->ptr + 20);
    ret->standard = big_u32(file->ptr + 24);
    ret->leaps = big_u32(file->ptr + 28);
    ret->changes = big_u32(file->ptr + 32);
    ret->types = big_u32(file->ptr + 36);
    ret->letters = big_u32(file->ptr + 40);
    *file = span_skip(*file, HEAD_SIZE);
    return ret->changes < CHANGES_MAX && ret->types > 0 && ret->types <= 256 &&
           ret->letters <= 4096 && ret->leaps <= 4096 && ret->utc <= 256 &&
           ret->standard <= 256;
}

static size_t body_size(const struct counts *counts, size_t time_size)
{
    return counts->changes * (time_size + 1) + (size_t)counts->types * 6 + counts->letters +
           counts->leaps * (time_size + 4) + counts->standard + counts->utc;
}

static bool take_changes(struct zone *zone, struct span body, const struct counts *counts)
{
    const char *types = body.ptr + (size_t)counts->changes * 8;
    const char *offsets = types + counts->changes;

    zone->count = counts->changes + 1;
    zone->changes = memory_new_array(zone->count, sizeof(zone->changes[0]));
    zone->changes[0] = (struct zone_change){INT64_MIN, (int32_t)big_u32(offsets)};
    for (uint32_t i = 0; i < counts->changes; i++) {
        uint8_t type = (uint8_t)types[i];
        struct zone_change *change = &zone->changes[i + 1];

        if (type >= counts->types)
            return false;
        change->at = big_i64(body.ptr + (size_t)i * 8);
        change->offset = (int32_t)big_u32(offsets + (size_t)type * 6);
        if (change->at < change[-1].at || change->offset > FARTHEST ||
            change->offset < -FARTHEST)
            return false;
    }
    return true;
}

/* The rule's changes after the last one of the file, made now: so one search finds all. */
static void add_rule(struct zone *zone, const struct zone_rule *rule)
{
    int64_t last = zone->changes[zone->count - 1].at;
    int64_t year = last == INT64_MIN ? 1970 : date_of_day(date_day_of_seconds(last)).year;
    struct zone_change two[2];

    if (!rule->has_summer || year > RULE_LAST_YEAR)
        return;
    zone->changes =
        memory_resize(zone->changes, (zone->count + 2 * (size_t)(RULE_LAST_YEAR - year + 1)) *
                                         sizeof(zone->changes[0]));
    for (; year <= RULE_LAST_YEAR; year++) {
        zone_rule_changes(rule, year, two);
        for (unsigned i = 0; i < 2; i++)
            if (two[i].at > zone->changes[zone->count - 1].at)
                zone->changes[zone->count++] = two[i];
    }
}

/* The line after the changes; without a rule it is empty. */
static bool take_rule(struct zone *zone, struct span line)
{
    struct zone_rule rule;

    if (line.len < 2 || line.ptr[0] != '\n' || line.ptr[line.len - 1] != '\n')
        return false;
    if (line.len == 2)
        return true;
    if (!zone_read_rule(span_of(line.ptr + 1, line.len - 2), &rule))
        return false;
    add_rule(zone, &rule);
    return true;
}

/* The second part has 64 bits; the line after it says how it goes on. */
static bool read_file(struct zone *zone, struct span file)
{
    struct counts counts;
    size_t size;

    if (!read_head(&file, &counts) || counts.version < '2')
        return false;
    size = body_size(&counts, 4);
    if (file.len < size)
        return false;
    file = span_skip(file, size);
    if (!read_head(&file, &counts))
        return false;
    size = body_size(&counts, 8);
    if (file.len < size || !take_changes(zone, file, &counts))
        return false;
    return take_rule(zone, span_skip(file, size));
}

/* "Area/Place": nothing that could lead out of the folder. */
static bool name_is_good(struct span name)
{
    if (name.len == 0 || name.len > ZONE_NAME_MAX || name.ptr[0] == '/' ||
        span_find(name, SPAN("..")) != SIZE_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '/' || c == '_' || c == '-' || c == '+'))
            return false;
    }
    return true;
}

static struct zone *zone_utc(void)
{
    struct zone *zone = MEMORY_NEW(struct zone);

    zone->count = 1;
    zone->changes = memory_new_array(1, sizeof(zone->changes[0]));
    zone->changes[0] = (struct zone_change){INT64_MIN, 0};
    return zone;
}

static struct zone *zone_of_file(const char *file)
{
    struct zone *zone = NULL;
    struct buffer bytes;

    buffer_init(&bytes, ZONE_FILE_MAX);
    if (file_read(file, &bytes) == 0) {
        zone = MEMORY_NEW(struct zone);
        if (!read_file(zone, buffer_span(&bytes))) {
            zone_close(zone);
            zone = NULL;
        }
    }
    buffer_done(&bytes);
    return zone;
}

struct zone *zone_open(struct span name)
{
    struct zone *zone = NULL;
    char file[200];

    if (span_eq(name, SPAN("UTC")))
        return zone_utc();
    if (!name_is_good(name))
        return NULL;
    for (unsigned i = 0; i < sizeof(folders) / sizeof(folders[0]) && !zone; i++) {
        (void)snprintf(file, sizeof(file), "%s/%.*s", folders[i], SPAN_ARG(name));
        zone = zone_of_file(file);
    }
    return zone;
}

void zone_close(struct zone *zone)
{
    if (!zone)
        return;
    memory_free(zone->changes);
    memory_free(zone);
}

/* ---- questions ------------------------------------------------------------------------------
 */

/* The last change at or before SECONDS. */
static uint32_t change_before(const struct zone *zone, int64_t seconds)
{
    uint32_t low = 0, high = zone->count;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (zone->changes[middle].at <= seconds)
            low = middle;
        else
            high = middle;
    }
    return low;
}

int32_t zone_offset(const struct zone *zone, int64_t seconds)
{
    return zone->changes[change_before(zone, seconds)].offset;
}

/* The instant in the reign of the change AT at which the wall has passed LOCAL; INT64_MAX:
 * another change comes before. */
static int64_t first_of(const struct zone *zone, uint32_t at, int64_t local)
{
    const struct zone_change *change = &zone->changes[at];
    int64_t first = local - change->offset;

    if (at > 0 && first < change->at)
        first = change->at;
    return at + 1 < zone->count && first >= zone->changes[at + 1].at ? INT64_MAX : first;
}

int64_t zone_first(const struct zone *zone, int64_t local_seconds)
{
    uint32_t at = change_before(zone, local_seconds - FARTHEST);
    int64_t first = first_of(zone, at, local_seconds);

    while (first == INT64_MAX)
        first = first_of(zone, ++at, local_seconds);
    return first;
}

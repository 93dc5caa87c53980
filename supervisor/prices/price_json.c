#include "supervisor/prices/price_json.h"

#include "shared/base/check.h"
#include "shared/base/money.h"

#define MEMBERS_MAX   32
#define BOUND_MAX     1000000000 /* tokens */
#define DOLLARS_BYTES 32

/* ---- where it is ------------------------------------------------------------------------- */

void price_reading_init(struct price_reading *reading, struct arena *arena,
                        struct buffer *reterr)
{
    *reading = (struct price_reading){.arena = arena, .reterr = reterr};
    buffer_init(&reading->path, PRICE_PATH_BYTES);
}

void price_reading_done(struct price_reading *reading)
{
    buffer_done(&reading->path);
}

bool price_complain(struct price_reading *reading, const char *what)
{
    if (reading->path.len > 0)
        (void)buffer_append_format(reading->reterr,
                                   "%.*s: ", SPAN_ARG(buffer_span(&reading->path)));
    (void)buffer_append(reading->reterr, span_of_text(what));
    return false;
}

/* Names come from the file: only what a log line can bear is shown. */
size_t price_enter(struct price_reading *reading, struct span name)
{
    size_t mark = reading->path.len;

    if (mark > 0)
        (void)buffer_append_byte(&reading->path, '.');
    for (size_t i = 0; i < name.len && i < 100; i++)
        (void)buffer_append_byte(&reading->path,
                                 name.ptr[i] < ' ' || name.ptr[i] == 127 ? '?' : name.ptr[i]);
    return mark;
}

size_t price_enter_item(struct price_reading *reading, uint32_t index)
{
    size_t mark = reading->path.len;

    (void)buffer_append_format(&reading->path, "[%u]", index);
    return mark;
}

void price_leave(struct price_reading *reading, size_t mark)
{
    reading->path.len = mark;
    reading->path.failed = false;
}

/* ---- members ----------------------------------------------------------------------------- */

static bool read_member(struct price_reading *reading, struct json_value value,
                        const struct price_member *row, bool again, void *who)
{
    if (!row)
        return price_complain(reading, "there is no such member");
    if (again)
        return price_complain(reading, "it stands twice");
    return row->read(reading, who, value);
}

bool price_read_members(struct price_reading *reading, struct json_value value,
                        const struct price_member *rows, unsigned count, void *who)
{
    struct json_walk walk = json_walk(value);
    struct json_value member;
    struct span key;
    uint32_t seen = 0;
    bool good = true;

    CHECK(count <= MEMBERS_MAX);
    if (value.kind != JSON_OBJECT)
        return price_complain(reading, "it is no object");
    while (good && json_next(&walk, &key, &member)) {
        size_t mark = price_enter(reading, key);
        unsigned i = 0;

        while (i < count && !json_inside_is(key, span_of_text(rows[i].name)))
            i++;
        good = read_member(reading, member, i < count ? &rows[i] : NULL,
                           i < count && (seen & (1U << i)), who);
        if (i < count)
            seen |= 1U << i;
        price_leave(reading, mark);
    }
    return good;
}

bool price_read_text(struct price_reading *reading, struct json_value value, size_t longest,
                     struct span *ret)
{
    struct span text;

    if (value.kind != JSON_STRING)
        return price_complain(reading, "it is no text");
    text = json_text(value, reading->arena);
    if (text.len == 0)
        return price_complain(reading, "it is empty");
    if (text.len > longest)
        return price_complain(reading, "it is too long");
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 127)
            return price_complain(reading, "it has a control character");
    }
    *ret = arena_copy(reading->arena, text);
    return true;
}

bool price_read_number(struct price_reading *reading, struct json_value value, uint64_t most,
                       uint64_t *ret)
{
    if (value.kind != JSON_NUMBER || !json_u64(value, ret))
        return price_complain(reading, "it is no whole number");
    return *ret <= most || price_complain(reading, "it is too large");
}

/* ---- rates and tiers --------------------------------------------------------------------- */

static bool read_rate(struct price_reading *reading, struct json_value value, uint64_t *ret)
{
    if (value.kind != JSON_NUMBER)
        return price_complain(reading, "it is no number");
    if (value.raw.ptr[0] == '-')
        return price_complain(reading, "it is negative");
    if (!price_read_dollars(value.raw, 0, ret) || *ret > PRICE_RATE_MAX)
        return price_complain(reading, "it is more than $10,000");
    return true;
}

static bool read_rates(struct price_reading *reading, void *who, struct json_value value)
{
    struct price_sheet *sheet = who;
    struct json_walk walk = json_walk(value);
    struct json_value rate;
    struct span key;
    bool good = value.kind == JSON_OBJECT || price_complain(reading, "it is no object");

    while (good && json_next(&walk, &key, &rate)) {
        size_t mark = price_enter(reading, key);
        unsigned unit = 0;

        while (unit < PRICE_UNIT_COUNT && !json_inside_is(key, price_unit_name(unit)))
            unit++;
        if (unit == PRICE_UNIT_COUNT)
            good = price_complain(reading, "there is no such rate");
        else if (sheet->rates[unit] != PRICE_NOT_GIVEN)
            good = price_complain(reading, "it stands twice");
        else
            good = read_rate(reading, rate, &sheet->rates[unit]);
        price_leave(reading, mark);
    }
    return good;
}

static bool read_service(struct price_reading *reading, void *who, struct json_value value)
{
    struct price_sheet *sheet = who;
    unsigned service = 0;

    while (service < PRICE_SERVICE_COUNT && !json_text_eq(value, price_service_name(service)))
        service++;
    sheet->service = service;
    return service < PRICE_SERVICE_COUNT || price_complain(reading, "there is no such service");
}

static bool read_bound(struct price_reading *reading, void *who, struct json_value value)
{
    return price_read_number(reading, value, BOUND_MAX,
                             &((struct price_sheet *)who)->above_input);
}

static const struct price_member tier_members[] = {
    {"service", read_service}, {"above_input", read_bound}, {"rates", read_rates}};

static bool read_tiers(struct price_reading *reading, struct json_value tiers,
                       struct price_sheet *sheets, uint32_t *count)
{
    struct json_walk walk = json_walk(tiers);
    struct json_value item;
    struct span key;
    bool good = tiers.kind == JSON_ARRAY || price_complain(reading, "it is no list");

    while (good && json_next(&walk, &key, &item)) {
        size_t mark = price_enter_item(reading, *count - 1);

        if (*count == PRICE_SHEETS_MAX) {
            good = price_complain(reading, "there are too many tiers");
        } else {
            price_sheet_clear(&sheets[*count]);
            good = price_read_members(reading, item, tier_members, ARRAY_LEN(tier_members),
                                      &sheets[*count]);
            ++*count;
        }
        price_leave(reading, mark);
    }
    return good;
}

/* What the sheets are together. */
static bool check_sheets(struct price_reading *reading, const struct price_sheet *sheets,
                         uint32_t count)
{
    uint32_t index;
    const char *fault = price_fault(sheets, count, &index);
    size_t mark;

    if (!fault)
        return true;
    mark = price_enter(reading, index > 0 ? SPAN("tiers") : SPAN("rates"));
    if (index > 0)
        (void)price_enter_item(reading, index - 1);
    (void)price_complain(reading, fault);
    price_leave(reading, mark);
    return false;
}

bool price_read_sheets(struct price_reading *reading, struct json_value rates,
                       struct json_value tiers, struct price_sheets *ret)
{
    struct price_sheet sheets[PRICE_SHEETS_MAX], *copy;
    uint32_t count = 1;
    size_t mark = price_enter(reading, SPAN("rates"));
    bool good;

    price_sheet_clear(&sheets[0]);
    good = read_rates(reading, &sheets[0], rates);
    price_leave(reading, mark);
    mark = price_enter(reading, SPAN("tiers"));
    good = good && (tiers.kind == JSON_ABSENT || read_tiers(reading, tiers, sheets, &count));
    price_leave(reading, mark);
    if (!good || !check_sheets(reading, sheets, count))
        return false;
    price_complete(sheets, count);
    copy = ARENA_ARRAY(reading->arena, count, struct price_sheet);
    memcpy(copy, sheets, count * sizeof(*copy));
    *ret = (struct price_sheets){copy, count};
    return true;
}

/* ---- writing ----------------------------------------------------------------------------- */

static void write_rates(struct json_writer *writer, const struct price_sheet *sheet)
{
    json_write_key(writer, SPAN("rates"));
    json_write_object(writer);
    for (unsigned unit = 0; unit < PRICE_UNIT_COUNT; unit++) {
        struct buffer text _buffer_;

        buffer_init(&text, DOLLARS_BYTES);
        if (sheet->rates[unit] == PRICE_NOT_GIVEN)
            continue;
        money_write(&text, sheet->rates[unit]);
        json_write_key(writer, price_unit_name(unit));
        json_write_raw(writer, buffer_span(&text));
    }
    json_write_object_end(writer);
}

void price_write_sheets(struct json_writer *writer, const struct price_sheet *rows,
                        uint32_t count)
{
    write_rates(writer, &rows[0]);
    json_write_key(writer, SPAN("tiers"));
    json_write_array(writer);
    for (uint32_t i = 1; i < count; i++) {
        json_write_object(writer);
        json_write_member_text(writer, SPAN("service"), price_service_name(rows[i].service));
        json_write_member_u64(writer, SPAN("above_input"), rows[i].above_input);
        write_rates(writer, &rows[i]);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

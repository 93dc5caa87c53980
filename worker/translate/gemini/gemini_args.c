#include "worker/translate/gemini/gemini_args.h"

#include "shared/base/check.h"
#include "shared/text/json_write.h"

#include "worker/translate/gemini/gemini_inside.h"

/* One step of a path: a name, or an index when NAME is not there. */
struct step {
    struct span name;
    uint64_t index;
};

enum value_member {
    VALUE_path,
    VALUE_string,
    VALUE_number,
    VALUE_bool,
    VALUE_continues,
    VALUE_COUNT
};

struct steps {
    struct step steps[GEMINI_PATH_STEPS];
    unsigned count;
};

/* ---- paths ----------------------------------------------------------------------------- */

static bool take_name(struct span *rest, struct step *ret)
{
    size_t len = 0;

    while (len < rest->len && rest->ptr[len] != '.' && rest->ptr[len] != '[')
        len++;
    *ret = (struct step){.name = span_of(rest->ptr, len)};
    *rest = span_skip(*rest, len);
    return len > 0;
}

/* What stands in brackets: an index, or a name in quotes of either kind. */
static bool take_bracket(struct span *rest, struct step *ret)
{
    char quote = rest->len > 0 ? rest->ptr[0] : '\0';
    bool quoted = quote == '\'' || quote == '"';
    struct span piece;

    if (quoted)
        *rest = span_skip(*rest, 1);
    if (!span_cut(rest, quoted ? quote : ']', &piece) || !rest->ptr)
        return false;
    *ret = (struct step){.name = quoted ? piece : SPAN_NONE};
    if (!quoted)
        return span_read_u64(piece, &ret->index);
    if (rest->len == 0 || rest->ptr[0] != ']')
        return false;
    *rest = span_skip(*rest, 1);
    return true;
}

static bool read_steps(struct span path, struct steps *ret)
{
    ret->count = 0;
    if (!span_starts(path, SPAN("$")))
        return false;
    path = span_skip(path, 1);
    while (path.len > 0) {
        struct step *step = &ret->steps[ret->count];
        char mark = path.ptr[0];

        if (ret->count == GEMINI_PATH_STEPS || (mark != '.' && mark != '['))
            return false;
        path = span_skip(path, 1);
        if (mark == '.' ? !take_name(&path, step) : !take_bracket(&path, step))
            return false;
        ret->count++;
    }
    return ret->count > 0 && ret->steps[0].name.ptr;
}

static bool same_step(const struct step *a, const struct step *b)
{
    if (!a->name.ptr != !b->name.ptr)
        return false;
    return a->name.ptr ? span_eq(a->name, b->name) : a->index == b->index;
}

static unsigned common_steps(const struct steps *a, const struct steps *b)
{
    unsigned count = 0;

    while (count < a->count && count < b->count &&
           same_step(&a->steps[count], &b->steps[count]))
        count++;
    return count;
}

/* ---- text ------------------------------------------------------------------------------ */

static void close_string(struct gemini_args *args, struct buffer *out)
{
    if (args->in_string)
        (void)buffer_append_byte(out, '"');
    args->in_string = false;
}

/* Closes the containers of STEPS that are deeper than DEPTH. */
static void close_containers(const struct steps *steps, unsigned depth, struct buffer *out)
{
    for (unsigned i = steps->count; i > depth; i--)
        (void)buffer_append_byte(out, steps->steps[i - 1].name.ptr ? '}' : ']');
}

static void append_key(const struct step *step, struct buffer *out)
{
    if (!step->name.ptr)
        return;
    (void)json_append_quoted(out, step->name);
    (void)buffer_append_byte(out, ':');
}

/* Opens the containers of STEPS from FIRST on, down to the place of the value. */
static void open_containers(const struct steps *steps, unsigned first, struct buffer *out)
{
    for (unsigned i = first; i < steps->count; i++) {
        (void)buffer_append_byte(out, steps->steps[i].name.ptr ? '{' : '[');
        append_key(&steps->steps[i], out);
    }
}

static struct span last_path(const struct gemini_args *args)
{
    return span_of(args->path, args->path_len);
}

/* Goes from the last path to STEPS. */
static bool move(struct gemini_args *args, const struct steps *steps, struct buffer *out)
{
    struct steps last;
    unsigned common;

    if (args->path_len == 0) {
        open_containers(steps, 0, out);
        return true;
    }
    if (!read_steps(last_path(args), &last))
        return false;
    common = common_steps(&last, steps);
    if (common == last.count || common == steps->count ||
        !last.steps[common].name.ptr != !steps->steps[common].name.ptr)
        return false;
    close_string(args, out);
    close_containers(&last, common + 1, out);
    (void)buffer_append_byte(out, ',');
    append_key(&steps->steps[common], out);
    open_containers(steps, common + 1, out);
    return true;
}

static bool go_to(struct gemini_args *args, struct span path, struct buffer *out)
{
    struct steps steps;

    if (path.len == 0 || path.len > sizeof(args->path) || !read_steps(path, &steps) ||
        !move(args, &steps, out))
        return false;
    memcpy(args->path, path.ptr, path.len);
    args->path_len = (uint16_t)path.len;
    return true;
}

static void append_string(struct gemini_args *args, struct json_value string,
                          bool will_continue, struct buffer *out)
{
    struct text text = text_of(string);

    if (!args->in_string)
        (void)buffer_append_byte(out, '"');
    args->in_string = true;
    (void)buffer_append(out, span_of(text.ptr, text.len));
    if (!will_continue)
        close_string(args, out);
}

/* The value, where its place is open; a string may go on. */
static void append_value(struct gemini_args *args, const struct json_value *values,
                         struct buffer *out)
{
    if (values[VALUE_string].kind == JSON_STRING)
        append_string(args, values[VALUE_string], values[VALUE_continues].kind == JSON_TRUE,
                      out);
    else if (values[VALUE_number].kind == JSON_NUMBER)
        (void)buffer_append(out, values[VALUE_number].raw);
    else if (values[VALUE_bool].kind == JSON_TRUE || values[VALUE_bool].kind == JSON_FALSE)
        (void)buffer_append(out, values[VALUE_bool].raw);
    else
        (void)buffer_append(out, SPAN("null"));
}

static bool add_value(struct gemini_args *args, struct span path,
                      const struct json_value *values, struct buffer *out)
{
    if (args->path_len > 0 && span_eq(path, last_path(args))) {
        /* more of a string, or a value that is whole already */
        if (args->in_string && values[VALUE_string].kind == JSON_STRING)
            append_value(args, values, out);
        return true;
    }
    if (!go_to(args, path, out))
        return false;
    append_value(args, values, out);
    return true;
}

bool gemini_args_add(struct gemini_args *args, struct json_value partial, struct buffer *out)
{
    static const struct span names[VALUE_COUNT] = {
        [VALUE_path] = WORD("jsonPath"),          [VALUE_string] = WORD("stringValue"),
        [VALUE_number] = WORD("numberValue"),     [VALUE_bool] = WORD("boolValue"),
        [VALUE_continues] = WORD("willContinue"),
    };
    struct json_value values[VALUE_COUNT];
    struct arena scratch;
    bool added;

    gemini_pick(partial, names, VALUE_COUNT, values);
    if (values[VALUE_path].kind != JSON_STRING)
        return false;
    arena_init(&scratch, 0);
    added = add_value(args, json_text(values[VALUE_path], &scratch), values, out);
    arena_done(&scratch);
    return added;
}

void gemini_args_end(struct gemini_args *args, struct buffer *out)
{
    struct steps last;

    if (args->path_len == 0) {
        (void)buffer_append(out, SPAN("{}"));
    } else if (read_steps(last_path(args), &last)) {
        close_string(args, out);
        close_containers(&last, 0, out);
    }
    *args = (struct gemini_args){.path_len = 0};
}

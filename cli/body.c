#include "cli/body.h"

void body_list(struct json_writer *writer, struct span key, struct span list)
{
    struct span piece;

    if (!list.ptr)
        return;
    json_write_key(writer, key);
    json_write_array(writer);
    while (span_cut(&list, ',', &piece)) {
        piece = span_trim(piece);
        if (piece.len)
            json_write_text(writer, piece);
    }
    json_write_array_end(writer);
}

void body_option(struct json_writer *writer, const struct invocation *invocation,
                 enum option option, struct span key)
{
    if (invocation->options[option].ptr)
        json_write_member_text(writer, key, invocation->options[option]);
}

int ask_and_show(struct invocation *invocation, const char *method, struct span path,
                 struct span body, const char *member, const struct column *columns,
                 unsigned count)
{
    struct link_answer answer;
    struct buffer out;
    int code = link_ask(invocation, method, path, body, &answer);

    buffer_init(&out, PAGE_BYTES);
    if (code == EXIT_OK && !link_printed(invocation, &answer)) {
        if (member)
            table_write(cJSON_GetObjectItemCaseSensitive(answer.tree, member), columns, count,
                        &out);
        else
            table_write_record(answer.tree, columns, count, &out);
        print_out(buffer_span(&out));
    }
    buffer_done(&out);
    link_answer_done(&answer);
    return code;
}

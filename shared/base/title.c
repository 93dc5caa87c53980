#include "shared/base/title.h"

#include <string.h>
#include <sys/prctl.h>

static char *room;
static size_t room_bytes;

void title_open(int argc, char **argv)
{
    char *end;

    if (argc < 1)
        return;
    room = argv[0];
    end = argv[0] + strlen(argv[0]) + 1;
    for (int i = 1; i < argc && argv[i] == end; i++)
        end += strlen(argv[i]) + 1;
    room_bytes = (size_t)(end - room);
}

void title_set(const char *text)
{
    size_t len = strlen(text);

    (void)prctl(PR_SET_NAME, text, 0, 0, 0);
    if (room_bytes == 0)
        return;
    if (len > room_bytes - 1)
        len = room_bytes - 1;
    memmove(room, text, len);
    memset(room + len, 0, room_bytes - len);
}

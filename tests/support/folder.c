#include "tests/support/folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/check.h"

void folder_make(char ret_path[FOLDER_BYTES], const char *name)
{
    CHECK(snprintf(ret_path, FOLDER_BYTES, P_tmpdir "/aigw-%s.XXXXXX", name) < FOLDER_BYTES);
    CHECK(mkdtemp(ret_path) == ret_path);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
    (void)status, (void)kind, (void)ftw;
    return remove(path);
}

void folder_remove(const char *path)
{
    CHECK(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

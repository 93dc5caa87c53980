/* tests/support/folder.h
 *
 * A temporary folder of one test.
 */
#ifndef TESTS_SUPPORT_FOLDER_H
#define TESTS_SUPPORT_FOLDER_H

#define FOLDER_BYTES 64 /* short enough for the path of a socket in it */

/* Makes one; NAME is a part of its name. */
void folder_make(char ret_path[FOLDER_BYTES], const char *name);
/* Removes it with everything inside. */
void folder_remove(const char *path);

#endif

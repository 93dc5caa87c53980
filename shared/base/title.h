/* shared/base/title.h
 *
 * The process title that ps shows ("aigw: worker 0"): the memory of argv is written over, and
 * the thread's name set (prctl(2), PR_SET_NAME; the kernel cuts it at 15 bytes).  Main thread
 * only, before other threads exist.  Whoever still needs argv afterwards has copied it.
 */
#ifndef SHARED_BASE_TITLE_H
#define SHARED_BASE_TITLE_H

/* Remembers where argv lies; first thing in main. */
void title_open(int argc, char **argv);
/* Shows TEXT, cut to the room that argv had.  Without title_open only the thread's name is set.
 */
void title_set(const char *text);

#endif

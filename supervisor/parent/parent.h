/* supervisor/parent/parent.h
 *
 * The parent process: opens the listening sockets, makes the segment, starts the controller and
 * the workers (fork + exec of one binary), watches them, passes the newest snapshot on, and
 * ends them in order. It reads no file, talks to no client, never blocks, and uses no library,
 * so that it does not die. docs/processes.md has its tables of signals and deaths.
 *
 * One thread. A failure of the world is logged here and met by trying again later; only a start
 * that cannot succeed ends the process.
 */
#ifndef SUPERVISOR_PARENT_PARENT_H
#define SUPERVISOR_PARENT_PARENT_H

struct parent_options {
    const char *program;       /* what children execute, normally /proc/self/exe */
    const char *path;          /* where the binary lies, absolute: what SIGUSR2 looks at */
    const char *settings_path; /* absolute */
    const char *build;         /* one line: the layouts this binary speaks (--role trial) */
    int state_fd;              /* of an earlier binary in this process, or -1 */
};

/* Size of what one binary leaves to the next in the same process; part of `build`. */
unsigned long parent_state_size(void);
/* Runs until the gateway ends; the exit code. */
int parent_main(const struct parent_options *options);

#endif

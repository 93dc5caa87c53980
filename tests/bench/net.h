/*
 * What the two bench programs (provider, load) need of the system: a clock, byte buffers,
 * sockets and the limit of open files.
 *
 * Nothing here is shared with aigw: a tool that measures must not change with the measured.
 * One thread per program.  Out of memory and a failing socket call at start end the program
 * with a line on stderr (`net_fail`); failures of one connection are returned.
 */
#ifndef TESTS_BENCH_NET_H
#define TESTS_BENCH_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growable row of bytes; the live ones are [start, start + len). */
struct bytes {
    char *ptr;
    size_t start;
    size_t len;
    size_t size;
};

/* Nanoseconds of CLOCK_MONOTONIC, the clock that Python's time.monotonic() reads too. */
uint64_t clock_ns(void);

/* Says `while` and errno on stderr and ends the program with 1. */
void net_fail(const char *what) __attribute__((noreturn));

/* Zeroed memory or the end of the program. */
void *memory_zeroed(size_t count, size_t size) __attribute__((malloc));

/* At least `want` free bytes after the live ones; the result is where they begin. */
char *bytes_room(struct bytes *b, size_t want);

/* Appends; a copy is made. */
void bytes_add(struct bytes *b, const void *from, size_t len);
void bytes_text(struct bytes *b, const char *text);
void bytes_format(struct bytes *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Forgets the first `len` live bytes; memory over 64 kB goes back when none are left. */
void bytes_drop(struct bytes *b, size_t len);

/* Gives the memory back. */
void bytes_done(struct bytes *b);

/* The first live byte. */
static inline char *bytes_at(const struct bytes *b)
{
    return b->ptr + b->start;
}

/* A non-blocking listener on 127.0.0.1, or EVERYWHERE; port 0 takes a free one, written to
 * *ret_port. */
int net_listen(uint16_t port, bool everywhere, uint16_t *ret_port);

/* Starts a non-blocking connect to 127.0.0.1; the descriptor or -errno. */
int net_connect(uint16_t port);

/* The result of a connect that was waited for: 0 or an errno. */
int net_connect_result(int fd);

/* No Nagle delay: both programs write whole messages. */
void net_no_delay(int fd);

/* Closes with a reset instead of an orderly end. */
void net_reset(int fd);

/* Raises the limit of open files as far as this process may, up to `wanted`. */
void net_open_files(uint64_t wanted);

#endif

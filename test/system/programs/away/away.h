/* SPDX-License-Identifier: Apache-2.0 */
/*
 * away [-n] NAME...: each of these properties in a process of its own, which first computes until it has gone to a
 * satellite, that is, an enclave of its own (kernel/satellite).  That it goes somebody else must want to run at the
 * same addresses: the rival, a process that never goes.
 *
 * away compute N WHAT: work that takes a moment, and an end with status WHAT.
 *
 * What a property says is the same natively.  "NAME: away N times" goes to standard error; -n: nobody waits to be
 * away, for a run outside.
 */
#ifndef AWAY_H
#define AWAY_H

#include <stdint.h>
#include <stddef.h>
#include <sys/types.h>

struct property {
    const char *name;
    void (*run)(void);
};
/* Each list ends with a name of NULL. */
extern const struct property memory_properties[], file_properties[], process_properties[],
    signal_properties[], state_properties[];

/*
 * A line on standard output, at once.  What it says is numbers and strings, five at most, found in the order of their
 * writing: each may look at what the ones before it did, as errno.
 */
#define say(...) SAY(__VA_ARGS__, 5, 4, 3, 2, 1, 0)
#define SAY(format, a, b, c, d, e, n, ...) SAY_##n(format, a, b, c, d, e)
#define SAY_0(format, ...) say_values(format, (long[5]){0})
#define SAY_VALUES(format, ...)               \
    do {                                      \
        long values_[5] = {0}, *v_ = values_; \
        __VA_ARGS__;                          \
        say_values(format, values_);          \
    } while (0)
#define ADD(a) *v_++ = (long)(a)
#define SAY_1(f, a, ...) SAY_VALUES(f, ADD(a))
#define SAY_2(f, a, b, ...) SAY_VALUES(f, ADD(a); ADD(b))
#define SAY_3(f, a, b, c, ...) SAY_VALUES(f, ADD(a); ADD(b); ADD(c))
#define SAY_4(f, a, b, c, d, ...) SAY_VALUES(f, ADD(a); ADD(b); ADD(c); ADD(d))
#define SAY_5(f, a, b, c, d, e) SAY_VALUES(f, ADD(a); ADD(b); ADD(c); ADD(d); ADD(e))
void say_values(const char *format, const long values[5]);
/* Says so if it is not true; returns whether it is. */
int check(int true_, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Computes until this process is away. */
void go_away(void);
/* Is it?  The kernel does not say: a system call takes much longer there. */
int is_away(void);
/* Computes for so long, wherever. */
void burn(unsigned ms);
uint64_t now_ns(void);
/* Of anything. */
uint32_t sum(const void *data, size_t n);
void fill(void *data, size_t n, uint32_t seed);
/* Waits for a child, and says how it ended. */
void say_end(const char *who, pid_t pid);
extern char **environ;

#endif

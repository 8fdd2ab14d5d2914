/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the satellite's side; README.md says which those are. */
#ifndef KERNEL_SATELLITE_GUEST_H
#define KERNEL_SATELLITE_GUEST_H

#include "kernel/satellite/satellite.h"
#include "kernel/satellite/wire.h"

/* A message of the base's. */
struct letter {
    size_t n;   /* bytes */
    char *data; /* LINK_MAX of room; [the guest's thread, or the steward when there is none] */
};

static inline const struct wire_head *letter_head(const struct letter *l)
{
    return (const struct wire_head *)l->data;
}
/* What follows the head: n bytes at least, or NULL. */
static inline const void *letter_body(const struct letter *l, size_t n)
{
    return l->n >= sizeof(struct wire_head) + n ? l->data + sizeof(struct wire_head) : NULL;
}

/* serve.c.  With no base to talk to a satellite is nothing: it ends, and these return only when all is well. */
void guest_send(const struct wire_head *h, const void *body, size_t n);
/* The next message, which l is good for until then; waits for it. */
void guest_next(struct letter *l);
/* What the guest has used here, of the CPU, without waits for messages. */
ktime_t guest_cpu_time(void);
/* False: there is none now. */
MUST_CHECK bool guest_peek(struct letter *l);
extern struct letter letter_box; /* for who asks for nothing in particular */

/* guest.c.  The base has sent END: the guest's thread ends as soon as it may. */
bool guest_ended(void);
/* Something that may come at any time is noted (true); what it asks for is done on the way to the program. */
MUST_CHECK bool guest_note(const struct letter *l);
/* The thread of a new guest, whose place letter_box says. */
void guest_main(void *arg);

/* calls.c */
enum call_class {
    CALL_HOME,    /* only the base can serve it, with the process there */
    CALL_FORWARD, /* the base serves it */
    CALL_BOTH,    /* … and when that has succeeded it has a meaning here, too */
    CALL_LOCAL,   /* memory and registers: served here, and if that fails at home */
};
enum call_class call_class(uint32_t nr);

/* answers.c.  Is the call's answer known?  Then rax has it. */
MUST_CHECK bool answer_known(struct user_regs *regs);
/* A call has returned; its answer stands so long, as far as nothing changes that epoch. */
void answer_note(const struct user_regs *regs, ktime_t stands, uint64_t epoch);
/* What tells of others' doings has come, and the epoch with it. */
void answers_heard(uint64_t epoch);
/* Another guest. */
void answers_drop(void);

/* ahead.c.  l, an OPENED, has come. */
void ahead_take(int fd, const struct letter *l);
/* Another guest. */
void ahead_drop(void);
/* The base has said something: what came ahead answers nothing any more. */
void ahead_stale(void);
/* Is the call's answer known?  Then rax has it. */
MUST_CHECK bool ahead_answers(struct user_regs *regs);
/* A call (of regs) goes to the base, or the guest goes home: that ends it, and *u tells the base what it must know. */
void ahead_end(struct wire_used *u, const struct user_regs *regs);

/* far.c: files of the base.  A reference to the one that w says, or NULL: no memory. */
struct file *far_file(const struct wire_file *w) MUST_CHECK;
/* The base has told of it, and it is not wanted: the base hears so, unless it is wanted elsewhere. */
void far_file_forget(const struct wire_file *w);
/* What the base knows it by. */
void far_file_tell(const struct file *f, struct wire_file *out);
/* A descriptor's file for a mapping: 0, for a shared one the address that it has at home, or -errno. */
MUST_CHECK int64_t far_file_map(int fd, const struct wire_map *m, struct file **out);

#endif

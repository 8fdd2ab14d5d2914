/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the base's side; README.md says which those are. */
#ifndef KERNEL_SATELLITE_BASE_H
#define KERNEL_SATELLITE_BASE_H

#include "kernel/satellite/satellite.h"
#include "kernel/satellite/wire.h"

#define LINK_PAGES ((LINK_MAX + PAGE_SIZE - 1) / PAGE_SIZE)
#define LINK_ROOM (LINK_PAGES * PAGE_SIZE) /* for a message */

/* A file that a satellite knows. */
struct known_file {
    struct file *file; /* [a] a reference; NULL: free */
    uint32_t uses;
    const struct inode *inode; /* file's; only compared */
    bool shared;               /* [a] a shared mapping shows it */
};

/* pool.c.  Whoever has taken one is the only one that uses it, but for `state`. */
struct satellite {
    enum satellite_state { SATELLITE_STARTING, SATELLITE_FREE, SATELLITE_TAKEN } state;
    int fd;      /* of the host's; the link's once that is there */
    bool ending; /* its last guest has ended there; what that still sends means nothing */
    struct link *link;
    struct known_file files[WIRE_FILES];
    char *buf; /* 3 * LINK_ROOM: see struct stay */
};

/* One for the current process, or NULL: none is free, and another one may be starting. */
struct satellite *satellite_take(void) MUST_CHECK;
void satellite_give(struct satellite *s);
/* Another one comes nearer, if there is none free and may be more: it is started, or greeted. */
void satellite_prepare(void);
/* It is gone, or cannot be believed: why is an error of link.h's. */
void satellite_lost(struct satellite *s, int why);

/* memory.c: a piece of the guest's memory. */
struct extent {
    uaddr_t addr;
    size_t len;
    const char *data; /* its contents, or NULL: it may be written */
};
#define EXTENTS 8U

/* stay.c: a process's stay in a satellite.  Only its thread uses it. */
struct stay {
    struct satellite *satellite;
    struct list link;      /* [recall.c's lock] among all */
    struct thread *thread; /* [I] */
    bool wanted;           /* [a] home, by somebody who is about to do what it must not miss */
    bool recalled;         /* it has been told to come home */
    bool done;             /* … and the call that it has made is done */
    char *msg;             /* LINK_MAX: the last message that was no answer */
    char *answer;          /* LINK_MAX: the last answer */
    char *out;             /* LINK_MAX: what the program's memory gets */
    size_t out_used;       /* bytes of it; 0: nothing */
    unsigned unused;       /* files in a row that went along for nothing; opened.c */
    struct extent extent[EXTENTS];
    unsigned nextents;
    struct wire_used used;                /* as far as it has been counted */
    struct rlimit64 limits[RLIM_NLIMITS]; /* as the guest knows them */
};

/* The next message of a kind that answers; others that may come before it are seen to. 0 or link.h's errors, -EBADMSG. */
MUST_CHECK int stay_answer(struct stay *y, enum wire_kind kind, enum link_wait wait, size_t *n);
/* What may come at any time: 1: msg was that, and has been seen to, with a buffer's room; 0: something else; link.h's errors. */
MUST_CHECK int stay_aside(struct stay *y, char *msg, size_t n, char *room);
/* What the guest says that it has used. */
void stay_used(struct stay *y, const struct wire_used *u);
static inline const struct wire_head *wire_head_of(const char *msg)
{
    return (const struct wire_head *)msg;
}
/* A message without data. */
MUST_CHECK int wire_tell(struct link *l, enum wire_kind kind, int64_t a, int64_t b, int64_t c);

/* opened.c.  A call has returned: bytes in y->out that go with its answer, or 0: it has not opened a file to be read. */
size_t opened_tell(struct stay *y, const struct user_regs *regs) MUST_CHECK;
/* What the guest says of the last one. */
void opened_used(struct stay *y, const struct wire_used *u);

/* habits.c.  program: what was executed in an address space, or NULL. */
/* It was away, until its end, or long enough; or it had to come back soon. */
void habit_learn(const struct inode *program, bool stayed);
/* It will stay away: it goes before it begins. */
bool habit_goes_at_once(const struct inode *program);
/* A process of it that has run for so long and is in others' way may go. */
bool habit_may_go(const struct inode *program, ktime_t cpu);

/* memory.c */
/* A call begins: what came with it. 0 or -EBADMSG. */
MUST_CHECK int memory_begin(struct stay *y, size_t n);
/* It ends: what the program's memory got is on its way. */
MUST_CHECK int memory_flush(struct stay *y);

/* files.c */
/* What the satellite is told of a file: 0, -ENFILE: it knows too many. */
MUST_CHECK int known_file_tell(struct satellite *s, struct file *f, bool shared,
                               struct wire_file *out);
/* That was not sent. */
void known_file_untell(struct satellite *s, const struct wire_file *told);
/* It knows the file, or shows it shared.  Any thread may ask. */
bool known_file_is(const struct satellite *s, const struct inode *i, bool shared);
/* The file of that number, borrowed, or NULL. */
struct file *known_file_get(struct satellite *s, uint32_t id);
void known_file_forget(struct satellite *s, uint32_t id, uint32_t uses);
void known_files_drop(struct satellite *s);
/* Serves WIRE_READ and WIRE_MAP: 0 or link.h's errors. */
MUST_CHECK int known_file_read(struct satellite *s, const struct wire_head *h, char *buf);
MUST_CHECK int known_file_map(struct satellite *s, const struct wire_head *h, size_t n);

/*
 * journey.c.  There: 0 when it has arrived; else it is still here: link.h's errors, which end the satellite, or others.
 * And back: y->msg, of n bytes, says that it comes: 0, *regs are its registers, and *call: the call in them is to be made.
 */
MUST_CHECK int journey_go(struct stay *y, const struct user_regs *regs);
MUST_CHECK int journey_home(struct stay *y, size_t n, struct user_regs *regs, bool *call);

/* recall.c.  The current thread's stay is among those that may be called home, or not any more. */
void stay_begins(struct stay *y);
void stay_ends(struct stay *y);
/* Nobody looks into its satellite any more, which is the caller's. */
struct satellite *stay_part(struct stay *y);
/* Nobody goes now: who has called somebody home is not through with it. */
bool stays_stopped(void);

/* stay.c: the current thread, which is away, takes its turn; and gives it up. */
void turn_back(void);
void turn_give_up(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host has said of names.  An answer about a name (its attributes, or that it is not there) may be
 * given again, and a descriptor that was closed may be used again for the same name, while it *stands*:
 *
 *   ASKED --the answer--> STANDS --1 ms, or news from the host--> OLD --asked again--> STANDS
 *
 * News is whatever the enclave can learn of the world outside: data that was read, a completion, a signal,
 * what an operation of its own has changed, or an answer about a name that is not what was known of it.
 * The same answer again is no news.  So who inside has been told that a file has changed outside asks the host
 * when it looks; only somebody who learns nothing can see what was true a millisecond ago.
 *
 * An answer belongs to the time before it was asked for: what comes in meanwhile makes it old at once.
 * A descriptor is kept by the doorkeeper (ocall/closing.c); the entry has its ticket, and a reference to
 * the inode of the file that it is open on.  Nothing here is needed: a name without a place is asked for.
 *
 * Lock: one a set of entries, for a search and a copy; then the doorkeeper's, then the heap's.
 */
#include "kernel/fs/fs.h"
#include "kernel/fs/host/host_impl.h"
#include "kernel/sched/clock.h"
#include "lib/hash.h"

#define SETS 64
#define WAYS 4
#define NAME_SIZE 48

/* All [l]. */
struct said {
    uint64_t dir; /* the directory's serial number; 0: about nothing */
    uint64_t hash;
    uint32_t gen;        /* changes with name and answer */
    uint32_t ticket;     /* of a kept descriptor, or 0 … */
    struct inode *inode; /* … and a reference to what it is open on */
    struct said_question asked;
    struct said_question same; /* a file that was opened by that name: the same attributes still */
    int err;                   /* 0 or -ENOENT */
    struct statx st;
    char name[NAME_SIZE];
};

static struct said_set {
    struct spinlock lock;
    uint32_t gen;           /* [l] the last one given */
    struct said *way[WAYS]; /* [l] */
} sets[SETS];

static uint64_t reads; /* [a] that brought data without an exit */

void said_read(void)
{
    __atomic_fetch_add(&reads, 1, __ATOMIC_ACQ_REL);
}

struct said_question said_ask(void)
{
    return (struct said_question){ocall_epoch(), __atomic_load_n(&reads, __ATOMIC_ACQUIRE),
                                  clock_mono()};
}

static bool stands(const struct said_question *q)
{
    return q->epoch == ocall_epoch() && q->reads == __atomic_load_n(&reads, __ATOMIC_ACQUIRE) &&
           clock_mono() - q->when < OCALL_EPOCH_NS;
}

struct key {
    uint64_t dir, hash;
    const char *name;
    size_t len;
};

static struct key key_of(struct inode *dir, const char *name)
{
    struct key k = {.dir = host_inode_of(dir)->serial, .name = name, .len = strlen(name)};
    k.hash = hash_bytes(name, k.len, k.dir);
    return k;
}

static struct said_set *set_of(const struct key *k)
{
    return &sets[k->hash % SETS];
}

static struct said *find(struct said_set *set, const struct key *k) REQUIRES(set->lock)
{
    for (unsigned i = 0; i < WAYS; i++) {
        struct said *s = set->way[i];
        if (s && s->hash == k->hash && s->dir == k->dir && !strcmp(s->name, k->name))
            return s;
    }
    return NULL;
}

/* Gives up the kept descriptor: the inode is for the caller to put, without the lock. */
static struct inode *descriptor_drop(struct said *s)
{
    struct inode *i = s->inode;
    int fd = s->ticket ? ocall_close_undo(s->ticket) : -1;
    if (fd >= 0)
        ocall_close_later(fd);
    s->ticket = 0;
    s->inode = NULL;
    return i;
}

void host_said_drop(void)
{
    for (size_t n = 0; n < ARRAY_SIZE(sets); n++) {
        for (unsigned w = 0; w < WAYS; w++) {
            spin_lock(&sets[n].lock);
            struct said *s = sets[n].way[w];
            struct inode *i = s ? descriptor_drop(s) : NULL;
            sets[n].way[w] = NULL;
            spin_unlock(&sets[n].lock);
            if (i)
                inode_put(i);
            kfree(s);
        }
    }
}

bool said_stat(struct inode *dir, const char *name, struct statx *st, int *err)
{
    struct key k = key_of(dir, name);
    struct said_set *set = set_of(&k);
    spin_lock(&set->lock);
    const struct said *s = find(set, &k);
    bool known = s && stands(&s->asked);
    if (known) {
        *err = s->err;
        *st = s->st;
    }
    spin_unlock(&set->lock);
    return known;
}

bool said_open(struct inode *dir, const char *name, struct said_open *out)
{
    struct key k = key_of(dir, name);
    struct said_set *set = set_of(&k);
    bool known = false;
    spin_lock(&set->lock);
    struct said *s = find(set, &k);
    if (s && stands(&s->asked)) {
        known = s->err != 0;
        out->err = s->err;
        out->fd = s->ticket ? ocall_close_undo(s->ticket) : -1;
        if (out->fd >= 0) {
            known = true;
            out->ref = (struct said_ref){(uint32_t)(set - sets), s->gen};
            out->size = (int64_t)s->st.stx_size;
            out->asked = s->asked;
            out->inode = s->inode;
            s->inode = NULL;
            s->ticket = 0;
        }
    }
    spin_unlock(&set->lock);
    return known;
}

/* A place for a name: a free one, a new one, or that of the answer that was asked for first. */
static struct said *place(struct said_set *set) REQUIRES(set->lock)
{
    unsigned oldest = 0;
    for (unsigned i = 0; i < WAYS; i++) {
        if (!set->way[i]) {
            set->way[i] = kzalloc(sizeof(struct said));
            return set->way[i];
        }
        if (set->way[i]->asked.when < set->way[oldest]->asked.when)
            oldest = i;
    }
    return set->way[oldest];
}

static bool same(const struct said *s, int err, const struct statx *st)
{
    return s->err == err && (err || !memcmp(&s->st, st, sizeof(*st)));
}

static void fill(struct said *s, const struct key *k, int err, const struct statx *st)
{
    s->dir = k->dir;
    s->hash = k->hash;
    memcpy(s->name, k->name, k->len + 1);
    s->err = err;
    if (!err)
        s->st = *st;
}

/*
 * Whether it is news.  What of an entry is given up, the caller puts.  Errors that depend on more than the
 * name are not for keeping.
 */
static bool note(struct said_set *set, const struct key *k, const struct said_answer *a,
                 struct said_ref *ref, struct inode **drop) REQUIRES(set->lock)
{
    struct said *s = find(set, k);
    bool keep = k->len < NAME_SIZE && (!a->err || a->err == -ENOENT);
    bool news = a->news || !s || !same(s, a->err, &a->st);
    if (!s && keep)
        s = place(set);
    if (!s)
        return true;
    if (news) {
        *drop = descriptor_drop(s);
        s->gen = ++set->gen;
        fill(s, k, a->err, &a->st);
    }
    if (!keep)
        s->dir = 0;
    s->asked = s->same = a->asked;
    s->asked.epoch += news; /* its own news does not make it old */
    *ref = (struct said_ref){(uint32_t)(set - sets), s->gen};
    return news;
}

struct said_ref said_answer(struct inode *dir, const char *name, const struct said_answer *a)
{
    struct key k = key_of(dir, name);
    struct said_set *set = set_of(&k);
    struct said_ref ref = {0, 0};
    struct inode *drop = NULL;
    spin_lock(&set->lock);
    bool news = note(set, &k, a, &ref, &drop);
    if (news)
        ocall_epoch_end();
    spin_unlock(&set->lock);
    if (drop)
        inode_put(drop);
    return ref;
}

/* The entry that a reference means, if it is still about the same answer. */
static struct said *ref_find(struct said_set *set, struct said_ref ref) REQUIRES(set->lock)
{
    for (unsigned i = 0; ref.gen && i < WAYS; i++)
        if (set->way[i] && set->way[i]->gen == ref.gen && set->way[i]->dir)
            return set->way[i];
    return NULL;
}

enum said_known said_file(struct said_ref ref, struct statx *st)
{
    struct said_set *set = &sets[ref.set];
    spin_lock(&set->lock);
    const struct said *s = ref_find(set, ref);
    enum said_known known = SAID_NOTHING;
    if (s)
        known = stands(&s->asked) || stands(&s->same) ? SAID_STANDS : SAID_ONCE;
    if (s)
        *st = s->st;
    spin_unlock(&set->lock);
    return known;
}

void said_same(struct said_ref ref, const struct said_question *asked)
{
    struct said_set *set = &sets[ref.set];
    spin_lock(&set->lock);
    struct said *s = ref_find(set, ref);
    if (s)
        s->same = *asked;
    spin_unlock(&set->lock);
}

bool said_keep(struct said_ref ref, int fd, struct inode *i)
{
    struct said_set *set = &sets[ref.set];
    struct inode *drop = NULL;
    bool kept = false;
    spin_lock(&set->lock);
    struct said *s = ref_find(set, ref);
    if (s && stands(&s->asked)) {
        uint32_t ticket = ocall_close_keep(fd);
        kept = ticket != 0;
        if (kept) {
            drop = descriptor_drop(s);
            s->ticket = ticket;
            s->inode = i;
        }
    }
    spin_unlock(&set->lock);
    if (drop)
        inode_put(drop);
    return kept;
}

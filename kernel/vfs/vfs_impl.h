/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the VFS (and of ipc/ and net/, which make files without names) share.
 *
 * Lock order of the whole subsystem, outer first:
 *   rename mutex (name/namei.c) -> inode->names (two by address) -> file->pos_lock -> a kind's own locks
 *   -> epoll's mutexes (epoll.c: global, then one instance's) -> dentry cache spin lock, descriptor
 * table spin lock -> wait queues.
 */
#ifndef KERNEL_VFS_VFS_IMPL_H
#define KERNEL_VFS_VFS_IMPL_H

#include <asm/signal.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/stat.h>

#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/process.h"
#include "kernel/satellite/satellite.h"
#include "kernel/sched/clock.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "kernel/vfs/notify.h"
#include "kernel/vfs/vfs.h"
#include "lib/string.h"

struct mount;
struct pipe;

/*
 * A name in a directory and the inode behind it.  There are no negative dentries.
 *
 *   cached  in the hash, found by lookups; the cache holds one reference
 *   weak    in the hash only so that rename and unlink find it (names of open files on volatile
 * file systems); lookups pass it over, the cache holds no reference out     not in the hash: a
 * root, a removed name, a nameless file
 */
struct dentry {
    struct ref ref;
    uint32_t state;        /* [c] enum dentry_state */
    uint32_t hash;         /* [c] of parent and name */
    uint32_t name_len;     /* [c] */
    struct list hash_link; /* [c] */
    struct list lru_link;  /* [c] when cached */
    struct dentry *parent; /* [c] a reference; NULL for roots and nameless files */
    struct inode *inode;   /* [I] a reference */
    struct mount *mount;   /* [I] NULL for nameless files */
    struct mount *mounted; /* [I after boot] what is mounted here */
    struct file *file; /* [I] nameless files only: what opening it again opens; held by the inode */
    ktime_t checked;   /* [a] when the name was last known to be true */
    bool used;         /* [c] found since the last look of the shrinker */
    bool deleted;      /* [c] */
    bool made_up;      /* [I] exists only to be mounted on */
    char *target; /* [c] what a symlink of a volatile file system said when it was read; or NULL */
    char *name;   /* [c] NUL-terminated: small, or from the heap */
    char small[32];
};
enum dentry_state { DENTRY_OUT, DENTRY_CACHED, DENTRY_WEAK };

struct mount {
    struct super *super;    /* [I] */
    struct dentry *root;    /* [I] */
    struct dentry *covered; /* [I] NULL for "/" */
    char *source, *target;  /* [I] */
    unsigned flags;         /* [I] SUPER_* of this mount, on top of the super's */
    struct mount *next;
};

struct fs_context {
    struct ref ref;
    struct spinlock lock;
    struct dentry *cwd, *root; /* [l] references */
    uint32_t umask;            /* [l] */
};

/* name/dentry.c */
int dcache_init(void);
uint32_t dentry_hash(const struct dentry *parent, const char *name, size_t len);
/* The cached dentry (a reference), or NULL. */
struct dentry *dcache_lookup(struct dentry *parent, const char *name, size_t len);
/* False when what is known of d must be asked again; *now is read once. */
bool dentry_fresh(const struct dentry *d, ktime_t *now);
/* A new dentry; consumes the reference to inode (on failure too).  state as above. */
MUST_CHECK int dentry_new(struct dentry *parent, const char *name, size_t len, struct inode *inode,
                          uint32_t state, struct dentry **out);
/* Removes all dentries of the name from the hash; deleted: the name is gone for good. */
void dcache_forget(struct dentry *parent, const char *name, size_t len, bool deleted);
/* Takes one dentry out of the hash because it is stale. */
void dcache_drop(struct dentry *d);
/* A rename has happened: all dentries of the old name move, those of the new name are gone. */
void dcache_move(struct dentry *oldp, const char *oldn, struct dentry *newp, const char *newn);
void dcache_exchange(struct dentry *oldp, const char *oldn, struct dentry *newp, const char *newn);
/* The symlink's target as kept (a copy on the heap, its length in *len), or NULL; and keeps one (a
 * copy). */
char *dentry_target(struct dentry *d, size_t *len) MUST_CHECK;
void dentry_keep_target(struct dentry *d, const char *target, size_t len);
/* The parent (a reference), across mounts; NULL at the top. */
struct dentry *dentry_up(struct dentry *d);
/* The directory that d is in (a reference to its inode) and its name there, or NULL. */
struct inode *dentry_place(struct dentry *d, char name[NAME_MAX + 1]);
/* True when a is d or above it on the same mount. */
bool dentry_is_ancestor(struct dentry *a, struct dentry *d);

#define VOLATILE_TRUST 1000000000L /* how long names of volatile file systems are believed, ns */

static inline bool dentry_volatile(const struct dentry *d)
{
    return d->inode->super && (d->inode->super->flags & SUPER_VOLATILE);
}

/* True when names below d's mount may not be changed. */
static inline bool dentry_rdonly(const struct dentry *d)
{
    return ((d->mount ? d->mount->flags : 0) | (d->inode->super ? d->inode->super->flags : 0)) &
           SUPER_RDONLY;
}

/* name/mount.c */
struct mount *mount_first(void);
/* Emits the made-up directories of dir that the file system does not list; *pos counts them. */
int mount_emit_made_up(struct dentry *dir, struct dir_sink *sink, int64_t *pos);

/* name/path.c: a walk. See there. */
enum walk_last { LAST_NORM, LAST_DOT, LAST_DOTDOT, LAST_ROOT };

struct walk {
    struct dentry *at;   /* a reference: the directory reached */
    struct dentry *root; /* what "/" means and ".." does not leave; a reference if root_held */
    bool root_held;
    bool leaf_known;     /* leaf is valid: */
    struct dentry *leaf; /* a reference: the cached dentry of the last component, or NULL */
    const char *rest;    /* what is left of the text */
    char *text;          /* from the heap: after a symlink; or NULL */
    ktime_t now;         /* 0: not asked yet */
    unsigned links;      /* followed */
    uint64_t resolve;    /* RESOLVE_* of openat2 */
    enum walk_last last;
    bool trailing; /* slashes after the last component */
    unsigned name_len;
    char name[NAME_MAX + 1]; /* the last component when LAST_NORM */
};

void walk_init(struct walk *w, const char *path, uint64_t resolve); /* neither at nor root yet */
/*
 * Goes down from `at` (borrowed) over cached directories that can be believed, as far as they
 * reach, but not over the last component: w->rest is then at what comes next.  The directory (a
 * reference).  When that is the last component, w->leaf is set.  pass: the directories that need no
 * look at who may search them.
 */
#define DESCEND_OWN 1U      /* those that the VFS judges */
#define DESCEND_VOLATILE 2U /* those that others judge */
#define DESCEND_ALL (DESCEND_OWN | DESCEND_VOLATILE)
struct dentry *dcache_descend(struct dentry *at, unsigned pass, struct walk *w);
MUST_CHECK int walk_start(struct walk *w, int dirfd, const char *path, uint64_t resolve);
/* Goes on to the last component: w->at is its directory. */
MUST_CHECK int walk_parent(struct walk *w);
/* The dentry of the last component (a reference), after walk_parent. */
MUST_CHECK int walk_last(struct walk *w, bool follow, struct dentry **out);
/* d (consumed) is a symlink in w->at: continues the walk with its target up to the last component.
 * For a magic link *out is where it leads, else NULL. */
MUST_CHECK int walk_link(struct walk *w, struct dentry *d, struct dentry **out);
/* The dentry of w->name in w->at (a reference): -ENOENT … */
MUST_CHECK int walk_child(struct walk *w, struct dentry **out);
/* The same with w->at->inode->names held (not on volatile file systems). */
MUST_CHECK int walk_child_locked(struct walk *w, struct dentry **out);
/* A dentry for w->name and its inode (consumed), cached as far as it can be believed. */
MUST_CHECK int walk_adopt(struct walk *w, struct inode *i, struct dentry **out);
/* As walk_child, from the cache only and only when it can be believed; NULL. */
struct dentry *walk_child_cached(struct walk *w);
void walk_end(struct walk *w);
ktime_t walk_now(struct walk *w); /* CLOCK_MONOTONIC, read once a walk */
/* All of it: the dentry of a path.  flags: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH. */
MUST_CHECK int path_lookup(int dirfd, const char *path, unsigned flags, struct dentry **out);

/* A path copied from the program: short ones lie in the struct itself. */
struct path_arg {
    char *s;
    char small[232];
};
MUST_CHECK int path_in(struct path_arg *p,
                       uaddr_t addr); /* -ENOENT for "" is the walk's business */
static inline void path_done(struct path_arg *p)
{
    if (p->s != p->small)
        kfree(p->s);
}

/* name/open.c: what O_* flags ask of the dentry; created: just now, by the caller. */
MUST_CHECK int dentry_open(struct dentry *d, uint32_t flags, bool created, struct file **out);

/* name/namei.c */
void namei_init(void);
/* Removes the last component; w->at->inode->names is held (not on volatile file systems). */
MUST_CHECK int walk_remove_locked(struct walk *w, bool dir);

/* A socket node for bind(2), with umask: its dentry (a reference); -EEXIST … */
MUST_CHECK int vfs_make_socket(const char *path, struct dentry **out);

/* name/access.c */
/* 0 or -EACCES for the current thread's credentials.  Volatile file systems: the host decides
 * later. */
MUST_CHECK int inode_permission(struct inode *i, unsigned mask);
/* No directory's search permission has to be looked at. */
bool search_permitted(const struct cred *c);
/* The bits that a new owner, or a write by somebody without CAP_FSETID, takes away. */
static inline uint32_t set_id_bits(uint32_t mode)
{
    bool group = (mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);
    return S_ISDIR(mode) ? 0 : (mode & S_ISUID) | (group ? S_ISGID : 0);
}
/* Before a file's contents change: its set-id bits go unless the thread has CAP_FSETID. */
MUST_CHECK int set_id_drop(struct inode *i);
/* c is the user who runs the enclave. */
bool is_host_user(const struct cred *c);
/* Not the VFS but the file system's host, or its kind, says who may: modes and owners are not looked at. */
bool judged_elsewhere(const struct inode *i);
/* A new file in dir that the host made for another user than its own: his now, if the host allows it. */
void give_to_user(struct inode *dir, struct inode *i);
/* What only the owner may do: -EPERM.  0 where others judge. */
MUST_CHECK int owner_permission(struct inode *i);
MUST_CHECK int may_create(struct dentry *dir);
MUST_CHECK int may_delete(struct dentry *dir, struct inode *victim);
MUST_CHECK int inode_getattr(struct inode *i, struct statx *st);

/* A borrowed or counted open file: no atomics while the process has one thread and no one else has
 * its table. */
struct fd_ref {
    struct file *file;
    bool counted;
};
MUST_CHECK int fd_get(int fd, struct fd_ref *r);      /* -EBADF, also for O_PATH files */
MUST_CHECK int fd_get_path(int fd, struct fd_ref *r); /* O_PATH files too */
static inline void fd_put(struct fd_ref *r)
{
    if (unlikely(r->counted))
        file_put(r->file);
}
/* fd_get of both, a first, or of none. */
MUST_CHECK int fd_get_two(int fd_a, struct fd_ref *a, int fd_b, struct fd_ref *b);
int fd_dup(int fd, int min, bool cloexec);
int fd_set_cloexec(int fd, bool on);
MUST_CHECK int fd_close(int fd);
/* Two new files (consumed, on failure too) as descriptors; their numbers go to fds. */
MUST_CHECK long fd_install_pair(struct file *f[2], bool cloexec, uaddr_t fds);
/* close(2) of a file that has left table t: its record locks, flush, put. */
int file_close(struct file *f, const struct fdtable *t);

/* io.c */
#include <linux/uio.h>
#define SEGS_SMALL 8
/* A program's struct iovec array, checked: -EINVAL, -EFAULT, -ENOMEM; freed only after success. */
struct segs {
    struct uio_seg *seg;
    size_t n;
    struct uio_seg small[SEGS_SMALL];
};
MUST_CHECK int segs_in(struct segs *s, uaddr_t vec, unsigned long n);
void segs_free(struct segs *s);
static inline uint32_t file_poll(struct file *f);
/* A non-blocking operation got -EAGAIN: makes sure that watchers will hear of the next change. */
void file_rearm(struct file *f);

/* splice.c: up to len bytes of in, at *pos or (NULL) its own position, into the pipe `out`: bytes or
 * -errno.  Waits for room at most once, and for data. */
MUST_CHECK int64_t splice_file_to_pipe(struct file *in, int64_t *pos, struct file *out, size_t len,
                                       bool nonblock);

/* poll.c: timeouts as deadlines (0: do not wait) and signal masks of calls that wait. */
ktime_t deadline_after(int64_t sec, int64_t nsec);
ktime_t deadline_ms(int ms);
MUST_CHECK int deadline_timespec(uaddr_t ptr, ktime_t *out); /* ptr 0: KTIME_NEVER */
MUST_CHECK int wait_mask_set(uaddr_t mask, size_t size);

/* One more, or less, open file of i with these O_* flags. */
static inline void open_count(struct inode *i, uint32_t flags, int by)
{
    uint32_t *n = (flags & O_ACCMODE) == O_RDONLY ? &i->readers : &i->writers;
    if (!(flags & O_PATH))
        __atomic_add_fetch(n, (uint32_t)by, __ATOMIC_SEQ_CST);
}

/* The file has become shorter: mappings of it lose what lies behind its end, wherever their processes are. */
static inline void inode_cut(const struct inode *i, uint64_t size)
{
    satellite_recall_file(i, false);
    mm_file_cut(i, size);
}

/* epoll.c: the last reference of f is gone. */
void epoll_forget(struct file *f);
/* ipc/eventfd.c: eventfd_signal adds to the counter without waiting, up to its top.  Any context. */
bool file_is_eventfd(const struct file *f);
void eventfd_signal(struct file *f, uint64_t n);

/* ipc/pipe.c, fifo.c */
bool file_is_pipe(const struct file *f);
MUST_CHECK long pipe_set_size(struct file *f, unsigned long size);
long pipe_get_size(struct file *f);
MUST_CHECK int pipe_open_fifo(struct inode *i, uint32_t flags, struct file **out);
void pipe_free_fifo(struct inode *i);
/* A new description of the pipe behind f, by way of /proc/self/fd: nobody waits for the other side. */
MUST_CHECK int pipe_open_again(struct file *f, uint32_t flags, struct file **out);

#include <linux/eventpoll.h>
#define EPOLL_ALWAYS (EPOLLERR | EPOLLHUP)
static inline uint32_t file_poll(struct file *f)
{
    return f->ops->poll ? f->ops->poll(f) : (EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's files, shown as they are and believed for nothing.
 *
 * An inode is known by the host's (device, number) while something refers to it, so that two ways to the
 * same file meet in one inode; it is reached by name below its parent.  Only directories keep a
 * descriptor of their own, opened when first needed, and at most HOST_DIRS_MAX of them at a time; an
 * open file has one of its own.  Nothing of a file's name, contents or attributes is believed
 * beyond the next news from the host (said.c, window.c).
 *
 * Locks, outer first:
 *   names  (mutex) parents and names of all inodes, opening of directories
 *   lock   (spin)  the table of inodes, the list of open directories, inode->opens
 */
#ifndef KERNEL_FS_HOST_HOST_IMPL_H
#define KERNEL_FS_HOST_HOST_IMPL_H

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/stat.h>

#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/ocall/ocall.h"
#include "kernel/vfs/file.h"
#include "kernel/vfs/inode.h"
#include "kernel/vfs/uio.h"
#include "lib/string.h"

/* utimensat(2): not in a kernel header. */
#ifndef UTIME_OMIT
#define UTIME_OMIT ((1L << 30) - 2L)
#endif

#define HOST_DIRS_MAX 256
#define HOST_HASH 256
#define HOST_DENTS_SIZE (16UL * 1024)

struct tty;

struct host_shared;
struct shmem;

struct host_id {
    uint64_t dev, ino;
    uint32_t type; /* S_IFMT bits */
};

struct host_inode {
    struct inode inode;        /* first */
    struct host_id id;         /* [I] */
    uint64_t serial;           /* [I] never that of another inode */
    uint32_t pins;             /* [lock] users of fd */
    int fd;                    /* O_PATH descriptor, or -1: [lock] directories; [I] FIFOs of ours */
    struct host_inode *parent; /* [names] a reference; NULL for a mount's root */
    char *name; /* [names] below parent; may hold slashes for a path that the kernel made */
    struct list hash_link; /* [lock] */
    struct list lru_link;  /* [lock] open directories without pins */
    struct list opens;     /* [lock] open files */
    bool ours;             /* [a] a FIFO that was made in here; see fifo.c */
    bool kept;             /* [lock] … which has a name: there is a reference for that */
    char small[40];        /* a short name */
    struct host_shared
        *shared; /* [a] what shared mappings are made of, once there was one; else NULL */
};

/* An answer in the table of said.c; gen 0: none. */
struct said_ref {
    uint32_t set, gen;
};

struct host_file {
    struct file file; /* first */
    int fd;           /* [I] */
    bool stale_pos;   /* [pos_lock] an append moved the position to the end, wherever that is */
    char *shown_name; /* [I] of a standard stream: what file.name points to; ours */
    bool shared_pos;  /* [I] standard files: the host's own position is the position */
    bool append_only; /* [I] the host's descriptor only appends */
    struct list open_link; /* [host lock] */

    /* What the host last said of it; see window.c. */
    int64_t size;
    uint64_t size_epoch;
    ktime_t size_when;
    struct said_ref said; /* [I] what was said of its name as it was opened; see said.c */
    bool reusable;        /* [I] opened so that the descriptor may be used for the next open */

    struct mutex win_lock;
    haddr_t win_base; /* [win_lock] the window, win_len bytes of the file from win_off; 0: none */
    size_t win_len;
    int64_t win_off;
    int64_t win_span;   /* [win_lock] the span of the last read … */
    unsigned win_reads; /* … and how many came to it */
};

static inline struct host_inode *host_inode_of(struct inode *i)
{
    return container_of(i, struct host_inode, inode);
}

static inline struct host_file *host_file_of(struct file *f)
{
    return container_of(f, struct host_file, file);
}

/* What to act on an inode with: a descriptor, and what keeps it there. */
struct host_handle {
    int fd;
    struct file *file;      /* an open file lends its descriptor … */
    struct host_inode *dir; /* … or a pinned directory … */
    bool own;               /* … or it was opened for this */
};

/* table.c */
void host_table_init(void);
/*
 * The inode of what `st` (checked) describes, found as name below parent: a reference.  fd >= 0: an O_PATH
 * descriptor of it that the inode may keep (directories), taken over on success and failure.
 */
MUST_CHECK int host_inode_make(struct super *sb, struct host_inode *parent, const char *name,
                               const struct statx *st, int fd, struct inode **out);
void host_inode_free(struct inode *i);
/* Remembers that an inode is now found elsewhere. */
void host_inode_moved(struct super *sb, struct host_inode *dir, const char *name);
void host_file_attach(struct host_inode *hi, struct host_file *hf);
void host_file_detach(struct host_inode *hi, struct host_file *hf);

/* dirfd.c */
MUST_CHECK int host_dir_pin(struct host_inode *dir, int *fd);
void host_dir_unpin(struct host_inode *dir);
/* A new descriptor for a directory inode: keeps it if it has none and there is room, else closes it. */
void host_dir_offer(struct host_inode *dir, int fd);
MUST_CHECK int host_handle_get(struct host_inode *hi, struct host_handle *h);
void host_handle_put(struct host_handle *h);
/* Opens the inode by its name; st tells what was really opened. */
MUST_CHECK long host_open_by_name(struct host_inode *hi, uint32_t flags, struct statx *st);

/* inode.c */
extern const struct inode_ops host_inode_ops;
int host_lookup(struct inode *dir, const char *name, struct inode **out);
int host_stat_at(struct inode *dir, const char *name, struct statx *st);
int host_getattr(struct inode *i, struct statx *st);

/* open.c: *out is a new file for the descriptor (consumed) of what st describes. */
MUST_CHECK int host_file_make(struct inode *i, int fd, uint32_t flags, struct file **out);
int host_open(struct inode *i, uint32_t flags, struct file **out);
int host_open_at(struct inode *dir, const char *name, uint32_t flags, uint32_t mode,
                 struct inode **out_ino, struct file **out);
void host_file_release(struct file *f);
int host_file_getattr(struct file *f, struct statx *st);

/* fifo.c.  A new FIFO's inode (a reference): it is ours from now on. */
MUST_CHECK int host_fifo_new(struct inode *dir, const char *name, struct inode **out);
/* The name is one of ours: its inode (a reference); or NULL. */
struct inode *host_fifo_ours(struct inode *dir, const char *name) MUST_CHECK;
/* The same, if it is the last name: before it is removed, and then after that (consumes i; NULL is fine). */
struct inode *host_fifo_going(struct inode *dir, const char *name) MUST_CHECK;
void host_fifo_gone(struct inode *i, bool removed);
/*
 * open's rendezvous with the host's.  Shall the caller try again to open what was -ENXIO?  1 after a pause, or
 * -ENXIO or -ERESTARTSYS; and: the FIFO is open, waits for a writer if it must.
 */
MUST_CHECK int host_fifo_again(struct inode *dir, const char *name, uint32_t flags, unsigned tries);
MUST_CHECK int host_fifo_meet(int fd, uint32_t flags);

/* regular.c, dirfile.c, stream.c, tty.c */
extern const struct file_ops host_regular_ops;
extern const struct file_ops host_dir_ops;
MUST_CHECK int host_dirfile_new(int fd, uint32_t flags, struct host_file **out);
MUST_CHECK int host_stream_new(int fd, uint32_t flags, const struct inode *i,
                               struct host_file **out);
/* The terminal behind a stream (borrowed), or NULL. */
struct tty *host_stream_tty(struct file *f);

/* tty.c.  The terminal that a descriptor of a character device is: a reference, or NULL. */
struct tty *host_tty_lookup(int fd, uint64_t rdev) MUST_CHECK;
/* A standard stream is this terminal, which the host calls path. */
void host_tty_stdio(struct tty *t, int fd, const char *path);
/* t may be NULL. */
long host_tty_ioctl(struct tty *t, struct file *f, unsigned cmd, uaddr_t arg);
/* A read has moved u->done bytes (moved: some of them just now), and there are no more: 0 when that is
 * enough, or -EAGAIN; and how long to wait for more. */
MUST_CHECK int host_tty_enough(struct tty *t, const struct uio *u, bool moved);
ktime_t host_tty_patience(struct tty *t, const struct uio *u);

/* said.c.  When something was asked: an answer is as old as its question. */
struct said_question {
    uint64_t epoch, reads;
    ktime_t when;
};
struct said_answer {
    struct said_question asked;
    bool news; /* it may have changed something: it is news, whatever it says */
    int err;   /* 0, or the host's error */
    struct statx st;
};
struct said_open {
    int err;
    int fd; /* the open descriptor and its inode (a reference) go to the caller */
    struct inode *inode;
    struct said_ref ref;
    int64_t size;
    struct said_question asked;
};
enum said_known { SAID_NOTHING, SAID_ONCE, SAID_STANDS };
struct said_question said_ask(void);
/* An answer about a name has come in: remembers it, and ends the epoch if it is news. */
struct said_ref said_answer(struct inode *dir, const char *name, const struct said_answer *a);
/* True: *err (and *st, if it is 0) is the answer. */
bool said_stat(struct inode *dir, const char *name, struct statx *st, int *err);
/* The same for opening to read. */
bool said_open(struct inode *dir, const char *name, struct said_open *out);
/* What was said of an open file's name, and whether it stands or was only said once. */
enum said_known said_file(struct said_ref ref, struct statx *st);
/* The open file itself was asked and has the attributes that were said of its name: that stands again, for it. */
void said_same(struct said_ref ref, const struct said_question *asked);
/* Keeps a closed file's descriptor and the reference to its inode: true, or they are still the caller's. */
bool said_keep(struct said_ref ref, int fd, struct inode *i);
/* A read brought data without an exit: that is news for names, though not for windows. */
void said_read(void);

/* window.c.  True: the read is done; false: (the rest of) it is the host's. */
bool host_window_read(struct host_file *hf, struct uio *u, int64_t off);
/* A read of n bytes at off went to the host, which gave `got`. */
void host_window_note(struct host_file *hf, int64_t off, size_t n, size_t got);
void host_window_drop(struct host_file *hf);
/* The file's size as the host has just said it, or said at some time; whether that still stands. */
void host_size_note(struct host_file *hf, int64_t size);
void host_size_said(struct host_file *hf, int64_t size, const struct said_question *asked);
bool host_size_stands(const struct host_file *hf);

/* super.c: a host directory as a file system of its own; sb is of type "host". */
MUST_CHECK int host_super_new(const char *source, unsigned flags, struct super **out);

/* What a file's size is now, as far as the enclave can know; or -errno. */
MUST_CHECK int64_t host_size_now(struct host_file *hf);
/* regular.c: read(2) of what the host has. */
MUST_CHECK int host_plain_read(struct host_file *hf, struct uio *u, int64_t off);

/* shared.c: shared mappings. */
void host_shared_init(void);
int host_share(struct file *f, struct shmem **out);
void host_shared_free(struct host_inode *hi);
/* A read of a file with such mappings: false when there are none. */
bool host_shared_read(struct host_file *hf, struct uio *u, int64_t off, int *err);
/* A write, off < 0: an append, to a file that has had such mappings: false when it has not. */
bool host_shared_write(struct host_file *hf, struct uio *u, int64_t off, int *err);
/* n bytes were written at off by other means; off < 0: they were appended. */
void host_shared_wrote(struct host_file *hf, int64_t off, size_t n);
/* ocall_ftruncate, and what that means for mappings. */
MUST_CHECK int host_shared_truncate(struct inode *i, int fd, int64_t size);
/* The file is `size` bytes long, no longer longer. */
void host_shared_cut(struct inode *i, int64_t size);
/* ocall_fallocate, and what that means for mappings. */
MUST_CHECK int host_shared_fallocate(struct host_file *hf, int mode, int64_t off, int64_t len);
/* Writes back what is dirty: of one file, of all of a file system. */
int host_shared_sync(struct host_file *hf);
int host_shared_sync_all(struct super *sb);

/* check.c: what the host says about files, checked. */
MUST_CHECK int host_stat_check(struct statx *st);
struct host_dirent {
    uint64_t ino;
    int64_t next;
    unsigned type; /* DT_* */
    size_t len;
    const char *name; /* into the buffer; NUL-terminated */
};
/* The record at *pos of n bytes: 1 and *pos moves on; 0 at the end; -EIO for what no kernel writes. */
MUST_CHECK int host_dirent_next(const char *buf, size_t n, size_t *pos, struct host_dirent *out);
MUST_CHECK int host_link_check(const char *text, long n, size_t room);

#endif

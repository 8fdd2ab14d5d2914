/* SPDX-License-Identifier: Apache-2.0 */
/*
 * execve.  Three steps, so that a failure leaves the old program as it was for as long as possible:
 *
 *   prepare   open and check the program, its "#!" interpreters and its ELF interpreter; count the
 *             arguments.  Nothing is changed; any error is the call's result.
 *   commit    the point of no return: the other threads end, the old address space goes,
 *             descriptors marked so are closed, handlers fall back to the defaults.
 *   load      map the images, the vDSO and the stack; set the registers.  An error here kills
 *             the process, as in Linux.
 *
 * The new image gets addresses of its own, so that a parent whose memory the caller shares (vfork) goes on with
 * the old one.
 */
#include <linux/signal.h>
#include <linux/auxvec.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/mman.h>
#include <linux/stat.h>

#include "kernel/arch/fpu.h"
#include "kernel/arch/fsbase.h"
#include "kernel/elf/elf.h"
#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/exec/aslr.h"
#include "kernel/proc/exec/exec.h"
#include "kernel/proc/exec/exec_impl.h"
#include "kernel/proc/exec/program.h"
#include "kernel/proc/exec/strings.h"
#include "kernel/proc/id/cred.h"
#include "kernel/proc/process.h"
#include "kernel/satellite/satellite.h"
#include "kernel/sched/futex/futex.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/turns.h"
#include "kernel/sgx/random.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "kernel/vdso/vdso.h"
#include "kernel/vfs/vfs.h"
#include "lib/string.h"

#include "kernel/sys/syscalls.h"

#define HEAD_SIZE 4096
#define STACK_ROOM (128UL * 1024) /* mapped at once below the arguments; more comes by growth */
#define HWCAP_CPUID_1_EDX 0x178bfbffUL /* x86-64-v1's CPUID.1:EDX, what every program may assume */
#define CLOCK_TICKS 100

struct exec {
    struct file *file;   /* what is mapped in the end: the program or the script's interpreter */
    struct file *interp; /* the ELF interpreter, or NULL */
    struct elf_image image, interp_image;
    const char *path;    /* as execve was told: AT_EXECFN */
    struct strings argv; /* an own copy, rewritten for scripts */
    char *const *envp;   /* the caller's */
    struct script script;
    struct exec_blame blame;
    struct cred *cred; /* the new program's; NULL once the thread has them */
    bool secure;       /* AT_SECURE */
    bool hidden;       /* the caller may execute it, but not read it: nor what is in its memory */
    size_t n;          /* bytes in head */
    char head[HEAD_SIZE];
};

/* Where the images went. */
struct loaded {
    uint64_t bias, interp_bias;
    uaddr_t entry;
};

static void exec_free(struct exec *e)
{
    if (e->file)
        file_put(e->file);
    if (e->interp)
        file_put(e->interp);
    strings_free(&e->argv);
    cred_put(e->cred);
    kfree(e);
}

/* ETXTBSY: this process has the file open for writing itself. */
static bool open_for_write(struct file *f)
{
    struct fdtable *t = current_process()->fds;
    bool busy = false;

    for (int fd = fdtable_next(t, 0); fd >= 0 && !busy; fd = fdtable_next(t, fd + 1)) {
        struct file *other;
        if (fdtable_lookup(t, fd, &other))
            continue;
        busy = other->inode && other->inode == f->inode && FMODE_WRITE(other) &&
               !(other->flags & O_PATH);
        file_put(other);
    }
    return busy;
}

/* What goes wrong from now on is about this file. */
static void blame(struct exec *e, const char *path)
{
    str_copy(e->blame.path, path, sizeof(e->blame.path));
}

/* As open_kind (vfs/name/open.c) says of what is opened. */
static int read_error(const struct file *f, int err)
{
    return err == -EIO && f->inode && f->inode->ops->verified ? -EACCES : err;
}

/* May f be executed; its size.  Then its first bytes. */
static int exec_check(struct exec *e, struct file *f, uint64_t *size)
{
    struct statx st;

    int err = file_stat(f, &st);
    if (err)
        return err;
    if (!S_ISREG(st.stx_mode))
        return -EACCES;
    err = mode_permission(&st, MAY_EXEC, current_cred());
    if (err)
        return err;
    if (st.stx_mode & S_ISUID && st.stx_uid != current_cred()->euid)
        reject(0, "the set-user-id bit has no effect");
    if ((st.stx_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
        st.stx_gid != current_cred()->egid)
        reject(0, "the set-group-id bit has no effect");
    if (open_for_write(f))
        return -ETXTBSY;
    e->n = MIN(st.stx_size, sizeof(e->head));
    *size = st.stx_size;
    return e->n ? read_error(f, file_read_exact(f, e->head, e->n, 0)) : -ENOEXEC;
}

/* argv becomes: interpreter, its argument, the script's path, the old argv from 1 on. */
static int script_argv(struct exec *e, const char *script_path)
{
    struct strings v;
    char *const *old = e->argv.v;

    strings_init(&v);
    int err = strings_add(&v, e->script.interp, strlen(e->script.interp));
    if (!err && e->script.arg[0])
        err = strings_add(&v, e->script.arg, strlen(e->script.arg));
    if (!err)
        err = strings_add(&v, script_path, strlen(script_path));
    for (size_t i = 1; !err && i < e->argv.n; i++)
        err = strings_add(&v, old[i], strlen(old[i]));
    if (err) {
        strings_free(&v);
        return err;
    }
    strings_free(&e->argv);
    e->argv = v;
    return 0;
}

/* Follows "#!" lines until e->file is no script. */
static int resolve_scripts(struct exec *e, uint64_t *size)
{
    char script_path[sizeof(e->script.interp)];
    const char *path = e->path;

    for (int depth = 0;; depth++) {
        blame(e, path);
        int err = exec_check(e, e->file, size);
        if (err)
            return err;
        if (e->n < 2 || e->head[0] != '#' || e->head[1] != '!')
            return 0;
        if (depth == SCRIPT_DEPTH)
            return -ELOOP;
        err = script_parse(e->head, e->n, &e->script);
        if (!err)
            err = script_argv(e, path);
        if (err)
            return err;
        struct file *f;
        blame(e, e->script.interp);
        err = vfs_open_exec(AT_FDCWD, e->script.interp, 0, &f);
        if (err)
            return err;
        file_put(e->file);
        e->file = f;
        str_copy(script_path, e->script.interp, sizeof(script_path));
        path = script_path;
    }
}

static int prepare_interp(struct exec *e)
{
    char *path;
    uint64_t size;

    int err = elf_read_interp(e->file, e->head, e->n, &e->image, &path);
    if (err || !path)
        return read_error(e->file, err);
    blame(e, path);
    err = vfs_open_exec(AT_FDCWD, path, 0, &e->interp);
    kfree(path);
    if (err)
        return err;
    err = exec_check(e, e->interp, &size);
    if (err)
        return err == -ENOEXEC ? -ELIBBAD : err;
    err = elf_read(e->interp, e->head, e->n, size, &e->interp_image);
    return err == -ENOEXEC ? -ELIBBAD : read_error(e->interp, err);
}

/* Strings and pointers together may take a quarter of the stack, within Linux's bounds. */
static size_t arg_limit(void)
{
    uint64_t limit = current_process()->rlimits[RLIMIT_STACK].rlim_cur / 4;
    return MAX(MIN(limit, MAX_ARG_TOTAL), ARG_MIN);
}

static int check_arg_size(char *const argv[], char *const envp[])
{
    size_t bytes = 0, limit = arg_limit();
    char *const *vectors[] = {argv, envp};

    for (int i = 0; i < 2; i++)
        for (char *const *v = vectors[i]; *v; v++) {
            bytes += strlen(*v) + 1 + sizeof(char *);
            if (bytes > limit)
                return -E2BIG;
        }
    return 0;
}

static int exec_prepare(struct exec *e, struct file *file, const char *path, char *const argv[],
                        char *const envp[])
{
    uint64_t size;

    e->file = file_get(file);
    e->path = path;
    e->envp = envp;
    int err = check_arg_size(argv, envp);
    for (size_t i = 0; !err && argv[i]; i++)
        err = strings_add(&e->argv, argv[i], strlen(argv[i]));
    if (!err && e->argv.n == 0)
        err = strings_add(&e->argv, "", 0); /* Linux ≥ 5.18: never an empty argv */
    if (!err)
        err = resolve_scripts(e, &size);
    if (!err)
        err = read_error(e->file, elf_read(e->file, e->head, e->n, size, &e->image));
    if (!err)
        err = prepare_interp(e);
    if (err)
        return err;
    e->hidden = !file_may_read(e->file) || (e->interp && !file_may_read(e->interp));
    e->cred = cred_exec(&e->secure);
    return e->cred ? 0 : -ENOMEM;
}

/* What other processes share with this one is theirs alone from here on; there is one thread. */
static int unshare_all(struct process *p)
{
    int err = process_unshare_fds();

    if (err || !sighand_is_shared(p->sighand))
        return err;
    struct sighand *old = p->sighand, *own = sighand_clone(old);
    if (!own)
        return -ENOMEM;
    spin_lock(&p->lock);
    p->sighand = own;
    spin_unlock(&p->lock);
    sighand_put(old);
    return 0;
}

/* The old program is gone from here on. */
static void exec_commit(struct process *p, struct exec *e, struct mm *mm)
{
    struct mm *old = p->mm;
    struct thread *t = current;

    futex_thread_exit();
    futex_thread_reborn();
    t->robust_list_len = 0;
    signal_thread_init(t);
    t->restart.fn = NULL;
    t->rseq = (struct rseq_state){0};
    p->membarrier = 0;
    cred_commit(e->cred);
    e->cred = NULL;
    process_did_exec(t);
    sighand_exec(p->sighand);
    ptimers_exec(p);
    fdtable_close_on_exec(p->fds);

    spin_lock(&p->lock);
    p->vdso = 0;
    p->mm = mm;
    spin_unlock(&p->lock);
    process_vfork_done(p);
    mm_leave(old);
    turn_move(mm_turn(mm));
}

/* Maps [top - size - room, top) and copies buf to its upper end; p gets its program. */
static int map_stack(struct process *p, const struct exec *e, struct stack_info *info,
                     const struct loaded *l, struct stack_layout *out)
{
    size_t need = ALIGN_UP(stack_size_needed(info), PAGE_SIZE);
    size_t mapped = need + STACK_ROOM;
    uaddr_t top = mm_stack_top(p->mm);
    bool exec_stack =
        e->interp ? e->image.exec_stack || e->interp_image.exec_stack : e->image.exec_stack;
    unsigned prot = MM_READ | MM_WRITE | (exec_stack ? MM_EXEC : 0);

    char *buf = kmalloc(need);
    if (!buf)
        return -ENOMEM;
    int64_t at =
        mm_map(p->mm, 0, mapped, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_STACK,
               NULL, 0, "[stack]");
    uaddr_t end = top - aslr_stack_shift();
    int err = at < 0 ? (int)at : stack_build(buf, need, end, info, out);
    if (!err)
        err = copy_out(out->sp, buf + need - (end - out->sp), end - out->sp);
    struct program *g = err ? NULL : program_new(&e->image, l->bias, out, buf, end - need);
    kfree(buf);
    if (g)
        process_set_program(p, g);
    return err || g ? err : -ENOMEM;
}

static int map_images(struct process *p, const struct exec *e, struct loaded *l)
{
    uaddr_t hint = e->interp ? mm_pie_base(p->mm) : 0;

    int err = e->image.pie ? 0 : mm_share(p->mm, e->image.low, e->image.high);
    if (!err)
        err = elf_map(p->mm, e->file, &e->image, hint, &l->bias);
    if (err)
        return err;
    l->entry = e->image.entry + l->bias;
    mm_set_brk(p->mm, aslr_brk(e->image.high + l->bias, !e->image.pie));
    if (e->interp) {
        err = elf_map(p->mm, e->interp, &e->interp_image, 0, &l->interp_bias);
        l->entry = e->interp_image.entry + l->interp_bias;
    }
    if (!err && !user_range_ok(l->entry, 1))
        err = -ENOEXEC;
    return err;
}

#define AUXV_MAX 24

static size_t fill_auxv(uint64_t *a, const struct process *p, const struct exec *e,
                        const struct loaded *l)
{
    const struct cred *c = current_cred();
    size_t n = 0;
#define AUX(type, v) (a[2 * n] = (type), a[2 * n + 1] = (v), n++)
    if (p->vdso)
        AUX(AT_SYSINFO_EHDR, p->vdso);
    AUX(AT_MINSIGSTKSZ, signal_min_stack());
    AUX(AT_HWCAP, HWCAP_CPUID_1_EDX);
    AUX(AT_PAGESZ, PAGE_SIZE);
    AUX(AT_CLKTCK, CLOCK_TICKS);
    AUX(AT_PHDR, e->image.phdr_vaddr ? e->image.phdr_vaddr + l->bias : 0);
    AUX(AT_PHENT, e->image.phentsize);
    AUX(AT_PHNUM, e->image.phnum);
    AUX(AT_BASE, e->interp ? l->interp_bias + e->interp_image.low : 0);
    AUX(AT_FLAGS, 0);
    AUX(AT_ENTRY, e->image.entry + l->bias);
    AUX(AT_UID, c->uid);
    AUX(AT_EUID, c->euid);
    AUX(AT_GID, c->gid);
    AUX(AT_EGID, c->egid);
    AUX(AT_SECURE, e->secure);
    AUX(AT_HWCAP2, kernel.hwcap2);
    AUX(AT_RSEQ_FEATURE_SIZE, RSEQ_FEATURE_SIZE);
    AUX(AT_RSEQ_ALIGN, RSEQ_ALIGN);
#undef AUX
    return n;
}

/* comm and /proc/self/exe. */
static void set_names(struct process *p, const struct exec *e)
{
    const char *base = strrchr(e->path, '/');
    const struct cred *c = current_cred();

    str_copy(current->comm, base ? base + 1 : e->path, sizeof(current->comm));
    spin_lock(&p->lock);
    struct file *old_exe = p->exe;
    p->exe = file_get(e->file);
    p->dumpable = !e->hidden && c->uid == c->euid && c->gid == c->egid;
    spin_unlock(&p->lock);
    if (old_exe)
        file_put(old_exe);
}

static void set_regs(uaddr_t entry, uaddr_t sp)
{
    struct user_regs *r = current->regs;

    memset(r, 0, sizeof(*r));
    r->rip = entry;
    r->rsp = sp;
    r->rflags = RFLAGS_FIXED;
    r->orig_rax = ~0UL;
    fs_base_write(0);
    fpu_reset(current);
}

static int exec_load(struct process *p, struct exec *e)
{
    uint64_t auxv[2 * AUXV_MAX];
    struct stack_info info = {.argv = e->argv.v, .envp = e->envp, .execfn = e->path, .auxv = auxv};
    struct stack_layout where;
    struct loaded l = {0};

    int err = map_images(p, e, &l);
    if (!err)
        err = vdso_map(p);
    if (err)
        return err;
    info.nauxv = fill_auxv(auxv, p, e, &l);
    random_bytes(info.random, sizeof(info.random));
    err = map_stack(p, e, &info, &l, &where);
    if (err)
        return err;
    set_names(p, e);
    set_regs(l.entry, where.sp);
    return 0;
}

static struct mm *home_find(const struct exec *e)
{
    struct mm *mm = mm_again(e->file);

    if (mm)
        return mm;
    /* Those with a fixed image share its addresses with others, which would have to take turns with this one. */
    struct mm_like like = {.needs = e->image.pie ? elf_needs(e->file, &e->image) : 0,
                           .uid = e->cred->fsuid,
                           .gid = e->cred->fsgid};
    return mm_new(e->file, &like);
}

int exec_program(struct file *file, const char *path, char *const argv[], char *const envp[],
                 struct exec_blame *out)
{
    struct process *p = current_process();
    struct exec *e = kzalloc(sizeof(*e));
    if (!e)
        return -ENOMEM;
    int err = exec_prepare(e, file, path, argv, envp);
    if (out)
        *out = e->blame;
    if (err)
        goto out;
    struct mm *mm = home_find(e);
    err = mm ? process_kill_threads(p) : -ENOMEM;
    if (!err)
        err = unshare_all(p);
    if (err) {
        mm_put(mm);
        goto out;
    }
    exec_commit(p, e, mm);
    err = exec_load(p, e);
    if (!err)
        satellite_exec();
    if (err && !out) {
        log_warn("%s: loading failed after the old program was given up: error %d", path, -err);
        exec_free(e);
        process_exit(SIGKILL);
    }
out:
    exec_free(e);
    return err;
}

int process_exec(struct file *file, const char *path, char *const argv[], char *const envp[])
{
    return exec_program(file, path, argv, envp, NULL);
}

/* Path strings for execve live in one buffer. */
static long do_execve(int dirfd, uaddr_t upath, uaddr_t uargv, uaddr_t uenvp, int flags)
{
    struct strings argv, envp;
    struct file *f;

    if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
        return reject(-EINVAL, "unknown flag");
    strings_init(&argv);
    strings_init(&envp);
    char *path = kmalloc(PATH_MAX);
    if (!path)
        return -ENOMEM;
    long err = copy_in_str(path, upath, PATH_MAX);
    if (err < 0)
        goto out;
    if (path[0] == '\0' && (flags & AT_EMPTY_PATH)) {
        err = vfs_open_fd_exec(dirfd, &f);
    } else {
        uint32_t open_flags = (flags & AT_SYMLINK_NOFOLLOW) ? O_NOFOLLOW : 0;
        err = vfs_open_exec(dirfd, path, open_flags, &f);
    }
    if (err < 0)
        goto out;
    err = strings_copy_in(&argv, uargv, arg_limit());
    if (!err)
        err = strings_copy_in(&envp, uenvp, arg_limit());
    if (!err)
        err = process_exec(f, path, argv.v, envp.v);
    file_put(f);
out:
    strings_free(&argv);
    strings_free(&envp);
    kfree(path);
    return err;
}

long sys_execve(uaddr_t path, uaddr_t argv, uaddr_t envp)
{
    return do_execve(AT_FDCWD, path, argv, envp, 0);
}

long sys_execveat(int dirfd, uaddr_t path, uaddr_t argv, uaddr_t envp, int flags)
{
    return do_execve(dirfd, path, argv, envp, flags);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Root processes: see root.h.
 *
 * A process is made by whoever asks; everything that needs a current process, from opening the standard
 * streams to loading the program, is done by its first thread when that runs.  What goes wrong there
 * ends the process, and with the first process the enclave, with the shell's exit status: 127 for a
 * program that is not found, 126 for one that cannot be executed.
 */
#include "kernel/proc/root/root.h"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "abi/host/control.h"
#include "kernel/arch/fpu.h"
#include "kernel/boot/args.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/host/host.h"
#include "kernel/fs/tty/tty.h"
#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/ocall/ocall.h"
#include "kernel/proc/exec/exec.h"
#include "kernel/proc/id/cred.h"
#include "kernel/proc/process.h"
#include "kernel/proc/root/control.h"
#include "kernel/proc/root/root_impl.h"
#include "kernel/sched/thread.h"
#include "kernel/signal/signal.h"
#include "kernel/vfs/vfs.h"
#include "lib/config.h"
#include "lib/format.h"
#include "lib/string.h"

#define EXIT_FAILED 125
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND 127

#define NPROC_LIMIT 65536
#define SIGPENDING_LIMIT 4096
#define MSGQUEUE_LIMIT 819200

#define PATH_DEFAULT "/usr/local/bin:/bin:/usr/bin"

/* --- the object ---------------------------------------------------------------------------- */

struct root *root_new(void)
{
    struct root *r = kzalloc(sizeof(*r));
    if (!r)
        return NULL;
    list_init(&r->link);
    for (unsigned i = 0; i < HOST_CONTROL_FDS; i++)
        r->fds[i] = -1;
    return r;
}

/* What it needs no more when its program runs. */
static void root_drop(struct root *r)
{
    for (unsigned i = 0; i < HOST_CONTROL_FDS; i++) {
        if (r->fds[i] >= 0)
            ocall_close(r->fds[i]);
        r->fds[i] = -1;
    }
    kfree(r->words);
    r->words = NULL;
    strings_free(&r->argv);
    strings_free(&r->envp);
}

void root_free(struct root *r)
{
    root_drop(r);
    kfree(r);
}

/* --- the process --------------------------------------------------------------------------- */

static void limits_init(struct process *p, const struct config_header *c)
{
    for (unsigned i = 0; i < RLIM_NLIMITS; i++)
        p->rlimits[i] = (struct rlimit64){RLIM64_INFINITY, RLIM64_INFINITY};
    p->rlimits[RLIMIT_STACK].rlim_cur = c->stack_size;
    p->rlimits[RLIMIT_CORE] = (struct rlimit64){0, RLIM64_INFINITY};
    p->rlimits[RLIMIT_NPROC] = (struct rlimit64){NPROC_LIMIT, NPROC_LIMIT};
    p->rlimits[RLIMIT_NOFILE] = (struct rlimit64){c->fds_limit, c->fds_limit};
    p->rlimits[RLIMIT_SIGPENDING] = (struct rlimit64){SIGPENDING_LIMIT, SIGPENDING_LIMIT};
    p->rlimits[RLIMIT_MSGQUEUE] = (struct rlimit64){MSGQUEUE_LIMIT, MSGQUEUE_LIMIT};
    p->rlimits[RLIMIT_NICE] = (struct rlimit64){0, 0};
    p->rlimits[RLIMIT_RTPRIO] = (struct rlimit64){0, 0};
}

static void process_drop(struct process *p)
{
    if (p->fds)
        fdtable_put(p->fds);
    if (p->fs)
        fs_context_put(p->fs);
    p->fds = NULL;
    p->fs = NULL;
    process_put(p);
}

static struct process *process_new(uint32_t umask)
{
    const struct config *c = kernel.config;
    const struct boot_args *a = kernel.boot_args;
    bool host_ids = config_flag(c, CONFIG_F_HOST_IDS);
    struct process *p = process_alloc();
    if (!p)
        return NULL;
    limits_init(p, c->head);
    memcpy(kernel.init->rlimits, p->rlimits,
           sizeof(p->rlimits)); /* PAM gives logins those of process 1 */
    p->root = true;
    p->cred = cred_first(kernel.uid, host_ids ? a->gid : c->head->gid);
    p->fds = fdtable_new();
    p->fs = fs_context_new();
    if (p->fs && host_ids)
        fs_context_set_umask(p->fs, umask & 0777);
    p->sighand = sighand_new();
    if (p->cred && p->fds && p->fs && p->sighand)
        return p;
    process_drop(p);
    return NULL;
}

static void lead_session(struct process *p)
{
    spin_lock(&process_tree_lock);
    p->pgid = p->sid = p->pid;
    spin_unlock(&process_tree_lock);
}

static void root_main(void *arg);

static int thread_make(struct root *r, struct process *p, struct thread **out)
{
    struct thread *t;

    if (processes_count() >= NPROC_LIMIT)
        return -EAGAIN;
    int err = thread_new(p, root_main, r, &t);
    if (err)
        return err;
    signal_thread_init(t);
    err = process_attach(t, kernel.init, false);
    if (err) {
        thread_put(t);
        return err;
    }
    *out = t;
    return 0;
}

int root_start(struct root *r)
{
    struct thread *t = NULL;
    struct process *p = process_new(r->umask);

    if (!p)
        return -ENOMEM;
    r->process = p;
    if (!root_add(r)) {
        process_drop(p);
        return -EEXIST;
    }
    int err = thread_make(r, p, &t);
    if (err) {
        root_remove(r);
        process_drop(p);
        return err;
    }
    lead_session(p);
    fpu_reset(t);
    str_copy(t->comm, "cella", sizeof(t->comm));
    if (!r->id)
        kernel.first = p;
    thread_start(t);
    thread_put(t); /* the scheduler has its own */
    return 0;
}

/* --- its thread, up to its program --------------------------------------------------------- */

/* One of its descriptors as a file; -EBADF: there is none. */
static int take_stream(struct root *r, unsigned n, struct file **out)
{
    int host = r->fds[n];
    if (host < 0)
        return -EBADF;
    int err = host_stdio_open(host, out);
    if (!err || err == -EBADF)
        r->fds[n] = -1; /* the file's now; or the host closed it: so it is here */
    return err;
}

static int open_stdio(struct root *r)
{
    struct file *f;

    /* By opening it a session leader has a terminal; the descriptor is of no more use. */
    if (!take_stream(r, HOST_CONTROL_TTY, &f))
        file_put(f);
    tty_lend(current_process(), r->background);
    for (unsigned fd = 0; fd < 3; fd++) {
        int err = take_stream(r, fd, &f);
        if (err == -EBADF)
            continue;
        if (err)
            return err;
        err = fd_install(f, false, (int)fd);
        if (err < 0)
            return err;
    }
    if (!r->id)
        host_tty_first(current_process());
    return 0;
}

static const char *why(int err)
{
    switch (err) {
    case -ENOENT: return "no such file";
    case -ENOTDIR: return "not a directory on the way";
    case -EACCES:
        return "not allowed, or not executable (in a signed enclave: is it in sgx.trusted_files?)";
    case -EPERM: return "the manifest does not let the host run it (cella.exec)";
    case -ENOEXEC: return "not an x86-64 Linux executable, or damaged";
    case -ELIBBAD: return "its interpreter is not an x86-64 Linux executable, or damaged";
    case -ELOOP: return "too many symbolic links or #! levels";
    case -EISDIR: return "is a directory";
    case -ENOMEM: return "not enough enclave memory; raise sgx.enclave_size";
    case -E2BIG: return "too many arguments";
    case -EIO: return "could not be read or verified";
    default: return "error";
    }
}

static int exit_code(int err)
{
    if (err == -ENOENT || err == -ENOTDIR)
        return EXIT_NOT_FOUND;
    return err == -ENOMEM ? EXIT_FAILED : EXIT_NOT_EXECUTABLE;
}

/* what: the file that it is about; needed_by: the program, when that is another one, or NULL. */
static NORETURN void root_failed(struct root *r, const char *what, const char *needed_by, int err)
{
    char text[512];
    int code = exit_code(err);

    if (needed_by && strcmp(what, needed_by) != 0)
        snprintf(text, sizeof(text), "%s, needed by %s: %s (%d)", what, needed_by, why(err), -err);
    else
        snprintf(text, sizeof(text), "%s: %s (%d)", what, why(err), -err);
    if (!r->id) {
        if (!fs_complained()) /* one line is enough */
            log_warn("%s", text);
        ocall_exit(code << 8);
    }
    control_tell(r->id, HOST_CONTROL_FAILED, code, text);
    root_drop(r);
    process_exit(code << 8);
}

/* Opens what may be run there: 0 or -errno. */
static int open_candidate(const struct root *r, const char *path, struct file **out)
{
    if (!r->given.first && !config_may_exec(kernel.config, path))
        return -EPERM;
    int err = vfs_open(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0, out);
    if (err || r->given.first)
        return err;
    const struct inode *i = (*out)->inode;
    if (i && S_ISREG(i->mode) && (i->mode & 0111))
        return 0;
    err = i && S_ISDIR(i->mode) ? -EISDIR : -EACCES;
    file_put(*out);
    return err;
}

static const char *env_value(const struct strings *envp, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < envp->n; i++)
        if (strncmp(envp->v[i], name, n) == 0 && envp->v[i][n] == '=')
            return envp->v[i] + n + 1;
    return NULL;
}

/* A name without a slash along PATH, as execvp does; r->found is where it was found. */
static int open_along_path(struct root *r, const char *name, struct file **out)
{
    const char *d = env_value(&r->envp, "PATH");
    int last = -ENOENT;

    for (d = d ? d : PATH_DEFAULT;; d++) {
        size_t n = 0;
        while (d[n] && d[n] != ':')
            n++;
        if (n + strlen(name) + 2 <= sizeof(r->found)) {
            memcpy(r->found, d, n);
            snprintf(r->found + n, sizeof(r->found) - n, "%s%s", n ? "/" : "", name);
            int err = open_candidate(r, r->found, out);
            if (!err)
                return 0;
            if (err != -ENOENT && err != -ENOTDIR)
                last = last == -ENOENT ? err : last;
        }
        d += n;
        if (!*d)
            return last;
    }
}

/* *path: where it is, or what was looked for. */
static int open_program(struct root *r, const char **path, struct file **out)
{
    if (r->given.first || strchr(*path, '/'))
        return open_candidate(r, *path, out);
    int err = open_along_path(r, *path, out);
    if (!err)
        *path = r->found;
    return err;
}

/* Loads the program; without success it does not come back. */
static void root_load(struct root *r, const char *path)
{
    struct exec_blame blame = {""};
    struct file *f;

    int err = open_program(r, &path, &f);
    if (err)
        root_failed(r, path, NULL, err);
    err = given_argv(&r->given, path, &r->argv);
    if (!err)
        err = exec_program(f, path, r->argv.v, r->envp.v, &blame);
    file_put(f);
    if (err && thread_told_to_die(current)) /* a signal came first, and that is what happened */
        thread_die();
    if (err)
        root_failed(r, blame.path[0] ? blame.path : path, path, err);
}

static void root_main(void *arg)
{
    struct root *r = arg;

    int err = open_stdio(r);
    if (err)
        root_failed(r, "standard streams", NULL, err);
    err = vfs_chdir(given_cwd(&r->given));
    if (err)
        root_failed(r, given_cwd(&r->given), NULL, err);
    const char *program = given_program(&r->given);
    if (!program)
        root_failed(r, "the program", NULL, -ENOENT);
    err = given_env(&r->given, &r->envp);
    if (err)
        root_failed(r, program, NULL, err);
    root_load(r, program);
    root_drop(r);
    control_tell(r->id, HOST_CONTROL_STARTED, current_process()->pid, "");
}

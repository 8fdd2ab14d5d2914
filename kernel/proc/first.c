/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first process: what the measured configuration says to run, filled up with what it lets the
 * host give (arguments, environment, directory, ids), and nothing else.
 *
 * The process is made on the boot thread; everything that needs a current process, from opening
 * the standard streams to loading the program, is done by its first thread when that runs.  What
 * goes wrong there ends the enclave with one line and the shell's exit status: 127 for a program
 * that is not found, 126 for one that cannot be executed.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>

#include "kernel/arch/fpu.h"
#include "kernel/boot/args.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/host/host.h"
#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/ocall/ocall.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/proc_impl.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/signal/signal.h"
#include "kernel/vfs/vfs.h"
#include "lib/config.h"
#include "lib/string.h"

#define EXIT_FAILED (125 << 8)
#define EXIT_NOT_EXECUTABLE (126 << 8)
#define EXIT_NOT_FOUND (127 << 8)

#define NPROC_LIMIT 65536
#define SIGPENDING_LIMIT 4096
#define MSGQUEUE_LIMIT 819200

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

static struct process *process_new(void)
{
    const struct config *c = kernel.config;
    const struct boot_args *a = kernel.boot_args;
    bool host_ids = config_flag(c, CONFIG_F_HOST_IDS);
    struct process *p = process_alloc();
    if (!p)
        return NULL;
    limits_init(p, c->head);
    kernel.uid = host_ids ? a->uid : c->head->uid;
    p->cred = cred_first(kernel.uid, host_ids ? a->gid : c->head->gid);
    p->fds = fdtable_new();
    p->fs = fs_context_new();
    if (p->fs && host_ids)
        fs_context_set_umask(p->fs, a->umask);
    p->sighand = sighand_new();
    if (p->cred && p->fds && p->fs && p->sighand)
        return p;
    return NULL; /* boot fails and the enclave ends: nothing is given back */
}

static int add_string(struct strings *s, const char *text)
{
    return strings_add(s, text, strlen(text));
}

static int take_argv(struct strings *argv, const char *program)
{
    const struct config *c = kernel.config;
    int err = 0;

    if (config_flag(c, CONFIG_F_HOST_ARGV)) {
        for (char **v = kernel.boot_args->argv; !err && *v; v++)
            err = add_string(argv, *v);
    } else {
        for (uint32_t i = 0; !err && i < c->head->args.count; i++) {
            const char *arg = config_string(c, c->args[i]);
            err = add_string(argv, arg ? arg : "");
        }
    }
    if (!err && argv->n == 0)
        err = add_string(argv, program);
    return err;
}

/* The length of NAME in "NAME=value", 0 when it is no assignment. */
static size_t name_len(const char *env)
{
    const char *eq = strchr(env, '=');
    return eq ? (size_t)(eq - env) : 0;
}

static bool env_named(const char *env, const char *name)
{
    size_t n = name_len(env);
    return n && strlen(name) == n && memcmp(env, name, n) == 0;
}

/* NULL when the host gave none. */
static const char *host_env(const char *name)
{
    for (char **v = kernel.boot_args->envp; *v; v++)
        if (env_named(*v, name))
            return *v;
    return NULL;
}

static int add_assignment(struct strings *s, const char *name, const char *value)
{
    size_t n = strlen(name), m = strlen(value);
    char *text = kmalloc(n + m + 2);
    if (!text)
        return -ENOMEM;
    memcpy(text, name, n);
    text[n] = '=';
    memcpy(text + n + 1, value, m + 1);
    int err = strings_add(s, text, n + 1 + m);
    kfree(text);
    return err;
}

static bool config_has_env(const struct config *c, const char *env)
{
    for (uint32_t i = 0; i < c->head->env.count; i++)
        if (env_named(env, config_string(c, c->env[i].name)))
            return true;
    return false;
}

static int take_env(struct strings *envp)
{
    const struct config *c = kernel.config;
    int err = 0;

    if (config_flag(c, CONFIG_F_HOST_ENV))
        for (char **v = kernel.boot_args->envp; !err && *v; v++)
            if (!config_has_env(c, *v))
                err = add_string(envp, *v);
    for (uint32_t i = 0; !err && i < c->head->env.count; i++) {
        const struct config_env *e = &c->env[i];
        const char *name = config_string(c, e->name);
        if (e->kind == CONFIG_ENV_SET) {
            const char *value = config_string(c, e->value);
            err = add_assignment(envp, name, value ? value : "");
        } else if (host_env(name)) {
            err = add_string(envp, host_env(name));
        }
    }
    return err;
}

static int open_stdio(void)
{
    for (int fd = 0; fd < 3; fd++) {
        struct file *f;
        int err = host_stdio_open(fd, &f);
        if (err == -EBADF)
            continue; /* the host closed it; so it is here */
        if (err)
            return err;
        err = fd_install(f, false, fd);
        if (err < 0)
            return err;
    }
    host_tty_first(current_process());
    return 0;
}

static const char *program_path(void)
{
    const struct config *c = kernel.config;
    const char *path = config_string(c, c->head->entrypoint);

    if (config_flag(c, CONFIG_F_HOST_ENTRY))
        path = kernel.boot_args->program;
    return path && path[0] ? path : NULL;
}

static const char *start_dir(void)
{
    const struct config *c = kernel.config;
    const char *dir = config_string(c, c->head->start_dir);

    if (config_flag(c, CONFIG_F_HOST_CWD))
        dir = kernel.boot_args->cwd;
    return dir && dir[0] ? dir : "/";
}

static const char *why(int err)
{
    switch (err) {
    case -ENOENT: return "no such file";
    case -ENOTDIR: return "not a directory on the way";
    case -EACCES:
        return "not allowed, or not executable (in a signed enclave: is it in sgx.trusted_files?)";
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

/* what: the file that it is about; needed_by: the program, when that is another one, or NULL. */
static NORETURN void first_failed(const char *what, const char *needed_by, int err)
{
    if (fs_complained())
        ; /* one line is enough */
    else if (needed_by && strcmp(what, needed_by) != 0)
        log_warn("%s, needed by %s: %s (%d)", what, needed_by, why(err), -err);
    else
        log_warn("%s: %s (%d)", what, why(err), -err);
    if (err == -ENOENT || err == -ENOTDIR)
        ocall_exit(EXIT_NOT_FOUND);
    ocall_exit(err == -ENOMEM ? EXIT_FAILED : EXIT_NOT_EXECUTABLE);
}

/* The first thread: from nothing to the program's entry point. */
static void first_main(void *arg)
{
    struct strings argv, envp;
    struct exec_blame blame;
    struct file *f;

    (void)arg;
    strings_init(&argv);
    strings_init(&envp);
    int err = open_stdio();
    if (err)
        first_failed("standard streams", NULL, err);
    err = vfs_chdir(start_dir());
    if (err)
        first_failed(start_dir(), NULL, err);
    const char *path = program_path();
    if (!path)
        first_failed("the program", NULL, -ENOENT);
    err = take_argv(&argv, path);
    if (!err)
        err = strings_copy_in(&envp, 0, 0); /* an empty vector */
    if (!err)
        err = take_env(&envp);
    if (!err)
        err = vfs_open(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0, &f);
    if (err)
        first_failed(path, NULL, err);
    err = exec_program(f, path, argv.v, envp.v, &blame);
    file_put(f);
    if (err)
        first_failed(blame.path, path, err);
    strings_free(&argv);
    strings_free(&envp);
}

int process_first(void)
{
    struct thread *t;
    struct process *p = process_new();
    int err = p ? thread_new(p, first_main, NULL, &t) : -ENOMEM;

    if (!err) {
        signal_thread_init(t);
        err = process_attach(t, kernel.init, false);
    }
    if (err) {
        log_warn("not enough enclave memory for the first process; raise sgx.enclave_size");
        return err;
    }
    p->pgid = p->sid = p->pid;
    fpu_reset(t);
    str_copy(t->comm, "cella", sizeof(t->comm));
    kernel.first = p;
    thread_start(t);
    thread_put(t);  /* the scheduler has its own */
    process_put(p); /* its thread has its own */
    return 0;
}

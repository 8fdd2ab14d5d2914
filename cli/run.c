/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cella run: a bundle, or any program in a development enclave.
 *
 * The argument's content decides: a file that begins as a bundle does is one.  Everything that can
 * be refused is refused before the runtime starts: a missing program (127), one that is no file or
 * not executable (126), a damaged bundle or kernel image (125).  The exit status is the program's;
 * if a signal killed it, the same signal kills this process, so that a shell sees what it would
 * see natively (without a core file, which would be ours and not the program's).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/host/layout.h"
#include "cli/argp.h"
#include "cli/dev.h"
#include "cli/mem.h"
#include "cli/paths.h"
#include "cli/say.h"
#include "cli/size.h"
#include "cli/verbs.h"
#include "host/enclave/bundle.h"
#include "host/enclave/layout.h"
#include "host/runtime.h"
#include "lib/sha256.h"

extern char **environ;

/* Everything one run holds; `opt` first, so that einit_refused gets back to it. */
struct run {
    struct runtime_options opt;
    const char *kernel_path; /* --kernel */
    const char *cwd;         /* -C */
    int first;               /* index in argv of PROGRAM */
    char *target;            /* path of the program or bundle on the host */
    int fd;                  /* the same, open */
    struct kernel_file kernel;
    struct enclave_layout layout;
    struct bundle bundle; /* if is_bundle */
    bool is_bundle;
    void *dev_blob; /* else */
    size_t dev_len;
    struct config dev_config;
    struct sigstruct dev_sig;
    char **argv;
};

enum { OPT_SGX = 256, OPT_IO, OPT_TRACE, OPT_TRACE_FILE, OPT_STATS, OPT_KERNEL, OPT_VCPUS };

static const struct argp_option options[] = {
    {"quiet", 'q', NULL, 0, "Print nothing of our own but errors", 0},
    {"verbose", 'v', NULL, 0, "Say more; twice for more still", 0},
    {"env", 'e', "NAME[=VALUE]", 0,
     "Set a variable of the program's environment; without =VALUE remove it", 0},
    {"cwd", 'C', "DIR", 0, "Start the program in DIR", 0},
    {"memory", 'm', "SIZE", 0, "Limit the enclave's memory (512M, 4G …)", 0},
    {"vcpus", OPT_VCPUS, "N", 0, "Run on N host threads (as many as there are CPUs)", 0},
    {"sgx", OPT_SGX, "auto|hw|soft", 0, "Which SGX: this CPU's, softsgx's, or what there is", 0},
    {"io", OPT_IO, "auto|uring|threads", 0, "How the host serves I/O", 0},
    {"trace", OPT_TRACE, "CALL,…", OPTION_ARG_OPTIONAL, "Print system calls, as strace does", 0},
    {"trace-file", OPT_TRACE_FILE, "FILE", 0, "Trace to FILE instead of standard error", 0},
    {"stats", OPT_STATS, NULL, 0, "Print counters at the end", 0},
    {"kernel", OPT_KERNEL, "FILE", 0, "Use this kernel image", 0},
    {0},
};

static const char doc[] =
    "Run PROGRAM, or the bundle that `cella sign` made, inside an SGX enclave.\v"
    "Options end at PROGRAM; what follows is passed to it.\n"
    "\n"
    "A PROGRAM without a manifest runs in a development enclave: no file is verified.\n"
    "\n"
    "Examples:\n"
    "  cella run /usr/bin/python3 -c 'print(1)'\n"
    "  cella run --trace=openat,read ls -l\n"
    "  cella sign python.manifest && cella run python.cella\n"
    "\n"
    "Exit status: the program's; 125 if Cella failed, 126 if PROGRAM cannot be executed, 127 if "
    "it was not found.  If a signal ends the program, it ends `cella run` too.\n";

static int choice(struct argp_state *state, const char *option, const char *arg, const char *a,
                  const char *b, const char *c)
{
    const char *names[] = {a, b, c};
    for (int i = 0; i < 3; i++)
        if (!strcmp(arg, names[i]))
            return i;
    argp_error(state, "--%s=%s: must be %s, %s or %s", option, arg, a, b, c);
    return 0;
}

static unsigned parse_vcpus(struct argp_state *state, const char *arg)
{
    char *end;
    unsigned long n = strtoul(arg, &end, 10);
    if (*end || end == arg || n < 1 || n > VCPU_MAX)
        argp_error(state, "--vcpus=%s: not a number from 1 to %d", arg, VCPU_MAX);
    return (unsigned)n;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct run *r = state->input;
    switch (key) {
    case 'q': say_level = -1; return 0;
    case 'v': say_level++; return 0;
    case 'e':
        if (arg[0] == '=' || !arg[0])
            argp_error(state, "-e %s: no variable's name; write -e NAME=VALUE", arg);
        if (strchr(arg, '=') ? putenv(arg) : unsetenv(arg))
            argp_error(state, "-e %s: %s", arg, strerror(errno));
        return 0;
    case 'C': r->cwd = arg; return 0;
    case 'm':
        if (!size_parse(arg, &r->opt.memory_limit) || !r->opt.memory_limit)
            argp_error(state, "--memory=%s: not a size; write for example 512M or 4G", arg);
        return 0;
    case OPT_VCPUS: r->opt.vcpus = parse_vcpus(state, arg); return 0;
    case OPT_SGX:
        r->opt.sgx = (enum runtime_sgx)choice(state, "sgx", arg, "auto", "hw", "soft");
        return 0;
    case OPT_IO:
        r->opt.io = (enum runtime_io)choice(state, "io", arg, "auto", "uring", "threads");
        return 0;
    case OPT_TRACE:
        r->opt.trace = true;
        r->opt.trace_calls = arg;
        return 0;
    case OPT_TRACE_FILE:
        r->opt.trace = true;
        r->opt.trace_file = arg;
        return 0;
    case OPT_STATS: r->opt.stats = true; return 0;
    case OPT_KERNEL: r->kernel_path = arg; return 0;
    case ARGP_KEY_ARG:
        r->first = state->next - 1;
        state->next = state->argc;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "nothing to run; name a PROGRAM or a BUNDLE");
        return EINVAL;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* Tries one path; true if it is the one to use or to complain about (r->fd or errno then tell). */
static bool try_path(struct run *r, char *path)
{
    struct stat st;
    free(r->target);
    r->target = path;
    r->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (r->fd < 0)
        return errno != ENOENT && errno != ENOTDIR;
    if (!fstat(r->fd, &st) && S_ISREG(st.st_mode))
        return true;
    close(r->fd);
    r->fd = -1;
    errno = S_ISDIR(st.st_mode) ? EISDIR : EACCES;
    return true;
}

/* As execvp looks: a name without a slash along PATH, where only executable files count. */
static bool search_path(struct run *r, const char *name)
{
    const char *path = getenv("PATH");
    if (!path)
        path = "/usr/local/bin:/bin:/usr/bin";
    for (const char *p = path;; p++) {
        size_t len = strcspn(p, ":");
        char *file = mem_format("%.*s%s%s", (int)len, p, len ? "/" : "", name);
        if (!access(file, X_OK) && try_path(r, file) && r->fd >= 0)
            return true;
        if (file != r->target)
            free(file);
        p += len;
        if (!*p)
            break;
    }
    errno = ENOENT;
    return false;
}

/* 0, or the exit status after a message. */
static int find_target(struct run *r, const char *name)
{
    bool found = strchr(name, '/') ? try_path(r, mem_string(name)) : search_path(r, name);
    if (!found && !strchr(name, '/')) /* a bundle in the current directory needs no "./" */
        found = try_path(r, mem_string(name)) && r->fd >= 0 && bundle_probe(r->fd);
    if (!found) {
        say_error("%s: not found%s", name, strchr(name, '/') ? "" : " in PATH");
        return EXIT_NOT_FOUND;
    }
    if (r->fd < 0) {
        say_error("%s: cannot be run: %s", name, strerror(errno));
        return EXIT_NOT_EXEC;
    }
    r->is_bundle = bundle_probe(r->fd);
    if (!r->is_bundle && access(r->target, X_OK)) {
        say_error("%s: cannot be run: %s", name, strerror(errno));
        return EXIT_NOT_EXEC;
    }
    return 0;
}

static bool changed(const void *data, size_t len, const uint8_t digest[32])
{
    uint8_t now[32];
    sha256(data, len, now);
    return memcmp(now, digest, 32) != 0;
}

static void einit_refused(const struct runtime_options *o, int sgx_error)
{
    const struct run *r = (const struct run *)o;
    const struct bundle_header *h = r->bundle.head;
    if (!r->is_bundle) {
        dev_forget(&r->kernel, r->dev_blob, r->dev_len);
        say_error("the kept development signature does not fit %s (SGX error %d); run again",
                  r->kernel.path, sgx_error);
    } else if (changed(r->bundle.config.head, h->config_len, h->config_sha256)) {
        say_error("%s: the configuration was changed after signing (SGX error %d)", r->target,
                  sgx_error);
    } else if (changed(r->kernel.map, r->kernel.len, h->kernel_sha256)) {
        say_error("%s: signed for another kernel image than %s (SGX error %d); sign the manifest "
                  "again",
                  r->target, r->kernel.path, sgx_error);
    } else {
        say_error("%s: the signature is not valid (SGX error %d); sign the manifest again",
                  r->target, sgx_error);
    }
}

static bool open_dev(struct run *r)
{
    const char *why;
    static char cwd[PATH_MAX];
    struct sysinfo info;
    r->dev_blob = dev_config(&r->dev_len);
    if (config_check(&r->dev_config, r->dev_blob, r->dev_len, &why))
        return false;
    if (!dev_sigstruct(&r->kernel, r->dev_blob, r->dev_len, &r->dev_sig))
        return false;
    r->opt.config = &r->dev_config;
    r->opt.sigstruct = &r->dev_sig;
    r->opt.program = r->target;
    r->opt.cwd = getcwd(cwd, sizeof cwd) ? cwd : "/";
    if (!r->opt.memory_limit && !sysinfo(&info))
        r->opt.memory_limit = (uint64_t)info.totalram * info.mem_unit;
    say_note("development enclave: the files of %s are not verified (-q hides this line)",
             r->target);
    return true;
}

/* Mount sources that are relative start at the manifest's directory. */
static bool enter_base(const struct run *r)
{
    const char *slash = strrchr(r->target, '/');
    char *dir = slash ? mem_string_n(r->target, (size_t)(slash - r->target) + 1) : mem_string("./");
    char *base = mem_format("%s%s", dir, r->bundle.head->base);
    bool ok = !chdir(base);
    if (!ok)
        say_error("%s: cannot enter its directory %s: %s", r->target, base, strerror(errno));
    free(base);
    free(dir);
    return ok;
}

static bool open_bundle(struct run *r, int argc)
{
    const char *why;
    int err = bundle_open(&r->bundle, r->fd, &why);
    if (err) {
        say_error("%s: damaged bundle: %s", r->target, why ? why : strerror(-err));
        return false;
    }
    const struct config *c = &r->bundle.config;
    r->opt.config = c;
    r->opt.sigstruct = r->bundle.sigstruct;
    r->opt.leaves = r->bundle.leaves;
    r->opt.leaves_len = r->bundle.leaves_len;
    if (r->first + 1 < argc && !config_flag(c, CONFIG_F_HOST_ARGV)) {
        say_error("%s: its arguments are fixed; to give them here, sign it with "
                  "loader.insecure__use_cmdline_argv = true",
                  r->target);
        return false;
    }
    if (r->opt.trace && !config_flag(c, CONFIG_F_HOST_LOG)) {
        say_error("%s: does not permit --trace; sign it with sgx.debug = true or "
                  "loader.log_level = \"trace\"",
                  r->target);
        return false;
    }
    if (r->cwd && !config_flag(c, CONFIG_F_HOST_CWD)) {
        say_error("%s: its working directory is fixed (fs.start_dir)", r->target);
        return false;
    }
    return enter_base(r);
}

/* argv as the program shall see it; a bundle's argv[0] is its entry point. */
static void set_arguments(struct run *r, int argc, char **argv)
{
    int n = argc - r->first;
    r->argv = mem_grow(NULL, (size_t)n + 1, sizeof *r->argv);
    memcpy(r->argv, argv + r->first, (size_t)n * sizeof *r->argv);
    r->argv[n] = NULL;
    if (r->is_bundle) {
        const struct config *c = r->opt.config;
        r->argv[0] = (char *)config_string(c, c->head->entrypoint);
    }
    r->opt.argv = r->argv;
    r->opt.envp = environ;
}

static bool prepare(struct run *r, int argc, char **argv)
{
    const char *why;
    if (!kernel_file_open(&r->kernel, r->kernel_path))
        return false;
    if (!(r->is_bundle ? open_bundle(r, argc) : open_dev(r)))
        return false;
    set_arguments(r, argc, argv);
    int err = layout_init(&r->layout, &r->kernel.img, r->opt.config, &why);
    if (err) {
        say_error("%s: %s", r->kernel.path, why);
        return false;
    }
    r->opt.layout = &r->layout;
    r->opt.uid = getuid();
    r->opt.gid = getgid();
    r->opt.verbosity = say_level;
    r->opt.einit_refused = einit_refused;
    close(r->fd);
    return true;
}

/* Ends as the program ended, whatever the other threads are doing: no exit handlers run. */
static __attribute__((noreturn)) void finish(int status)
{
    const struct rlimit none = {0, 0};
    sigset_t set;
    fflush(NULL);
    if (!WIFSIGNALED(status))
        _exit(WEXITSTATUS(status));
    int sig = WTERMSIG(status);
    setrlimit(RLIMIT_CORE, &none);
    signal(sig, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, sig);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(sig);
    _exit(128 + sig);
}

int verb_run(int argc, char **argv)
{
    static const struct argp argp = {options, parse_option, "PROGRAM [ARG…]\nBUNDLE [ARG…]", doc};
    static struct run r = {.fd = -1};
    argp_err_exit_status = EXIT_CELLA;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &r);
    if (r.cwd && chdir(r.cwd)) { /* before PROGRAM is looked up, as env -C does */
        say_error("--cwd=%s: %s", r.cwd, strerror(errno));
        return EXIT_CELLA;
    }
    int status = find_target(&r, argv[r.first]);
    if (status)
        return status;
    if (!prepare(&r, argc, argv))
        return EXIT_CELLA;
    r.opt.finish = finish;
    (void)runtime_run(&r.opt);
    return EXIT_CELLA;
}

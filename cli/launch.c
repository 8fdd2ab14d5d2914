/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a command line to what host/runtime.h wants to know.
 *
 * The argument's content decides: a file that begins as a bundle does is one.  Everything that can
 * be refused is refused here, before the runtime starts: a missing program (127), one that is no file
 * or not executable (126), a damaged bundle or kernel image (125).
 */
#include "cli/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "abi/host/layout.h"
#include "abi/host/start.h"
#include "cli/dev/dev.h"
#include "cli/mem.h"
#include "cli/say.h"
#include "cli/size.h"
#include "cli/variable.h"
#include "lib/sha256.h"

extern char **environ;

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

static unsigned parse_count(struct argp_state *state, const char *option, const char *arg,
                            unsigned least, unsigned most)
{
    char *end;
    unsigned long n = strtoul(arg, &end, 10);
    if (*end || end == arg || n < least || n > most)
        argp_error(state, "--%s=%s: not a number from %u to %u", option, arg, least, most);
    return (unsigned)n;
}

error_t launch_option(struct launch *l, int key, char *arg, struct argp_state *state)
{
    switch (key) {
    case 'q': say_level = -1; return 0;
    case 'v': say_level++; return 0;
    case 'e': variable_option(arg, state); return 0;
    case 'C': l->cwd = arg; return 0;
    case 'm':
        if (!size_parse(arg, &l->opt.memory_limit) || !l->opt.memory_limit)
            argp_error(state, "--memory=%s: not a size; write for example 512M or 4G", arg);
        return 0;
    case LAUNCH_VCPUS: l->opt.vcpus = parse_count(state, "vcpus", arg, 1, VCPU_MAX); return 0;
    case LAUNCH_SATELLITES:
        l->opt.satellites = (int)parse_count(state, "satellites", arg, 0, SATELLITE_MAX);
        return 0;
    case LAUNCH_SGX:
        l->opt.sgx = (enum runtime_sgx)choice(state, "sgx", arg, "auto", "hw", "soft");
        return 0;
    case LAUNCH_IO:
        l->opt.io = (enum runtime_io)choice(state, "io", arg, "auto", "uring", "threads");
        return 0;
    case LAUNCH_TRACE:
        l->opt.trace = true;
        l->opt.trace_calls = arg;
        return 0;
    case LAUNCH_TRACE_FILE:
        l->opt.trace = true;
        l->opt.trace_file = arg;
        return 0;
    case LAUNCH_STATS: l->opt.stats = true; return 0;
    case LAUNCH_KERNEL: l->kernel_path = arg; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* Tries one path; true if it is the one to use or to complain about (l->fd or errno then tell). */
static bool try_path(struct launch *l, char *path)
{
    struct stat st;
    free(l->target);
    l->target = path;
    l->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (l->fd < 0)
        return errno != ENOENT && errno != ENOTDIR;
    if (!fstat(l->fd, &st) && S_ISREG(st.st_mode))
        return true;
    close(l->fd);
    l->fd = -1;
    errno = S_ISDIR(st.st_mode) ? EISDIR : EACCES;
    return true;
}

/* As execvp looks: a name without a slash along PATH, where only executable files count. */
static bool search_path(struct launch *l, const char *name)
{
    const char *path = getenv("PATH");
    if (!path)
        path = "/usr/local/bin:/bin:/usr/bin";
    for (const char *p = path;; p++) {
        size_t len = strcspn(p, ":");
        char *file = mem_format("%.*s%s%s", (int)len, p, len ? "/" : "", name);
        if (!access(file, X_OK) && try_path(l, file) && l->fd >= 0)
            return true;
        if (file != l->target)
            free(file);
        p += len;
        if (!*p)
            break;
    }
    errno = ENOENT;
    return false;
}

/* 0, or the exit status after a message. */
int launch_find(struct launch *l, const char *name)
{
    bool found = strchr(name, '/') ? try_path(l, mem_string(name)) : search_path(l, name);
    if (!found && !strchr(name, '/')) /* a bundle in the current directory needs no "./" */
        found = try_path(l, mem_string(name)) && l->fd >= 0 && bundle_probe(l->fd);
    if (!found) {
        say_error("%s: not found%s", name, strchr(name, '/') ? "" : " in PATH");
        return EXIT_NOT_FOUND;
    }
    if (l->fd < 0) {
        say_error("%s: cannot be run: %s", name, strerror(errno));
        return EXIT_NOT_EXEC;
    }
    l->is_bundle = bundle_probe(l->fd);
    if (!l->is_bundle && access(l->target, X_OK)) {
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
    const struct launch *l = (const struct launch *)o;
    const struct bundle_header *h = l->bundle.head;
    if (!l->is_bundle) {
        dev_forget(&l->kernel, l->dev_blob, l->dev_len);
        say_error("the kept development signature does not fit %s (SGX error %d); run again",
                  l->kernel.path, sgx_error);
    } else if (changed(l->bundle.config.head, h->config_len, h->config_sha256)) {
        say_error("%s: the configuration was changed after signing (SGX error %d)", l->target,
                  sgx_error);
    } else if (changed(l->kernel.map, l->kernel.len, h->kernel_sha256)) {
        say_error("%s: signed for another kernel image than %s (SGX error %d); sign the manifest "
                  "again",
                  l->target, l->kernel.path, sgx_error);
    } else {
        say_error("%s: the signature is not valid (SGX error %d); sign the manifest again",
                  l->target, sgx_error);
    }
}

static bool open_dev(struct launch *l)
{
    const char *why;
    static char cwd[PATH_MAX];
    struct sysinfo info;
    l->dev_blob = dev_config(&l->dev_len);
    if (config_check(&l->dev_config, l->dev_blob, l->dev_len, &why))
        return false;
    if (!dev_sigstruct(&l->kernel, l->dev_blob, l->dev_len, &l->dev_sig))
        return false;
    l->opt.config = &l->dev_config;
    l->opt.sigstruct = &l->dev_sig;
    l->opt.program = l->target;
    l->opt.cwd = getcwd(cwd, sizeof cwd) ? cwd : "/";
    if (!l->opt.memory_limit && !sysinfo(&info))
        l->opt.memory_limit = (uint64_t)info.totalram * info.mem_unit;
    say_note("development enclave: %s%s not verified (-q hides this line)",
             l->target ? "the files of " : "files are", l->target ? l->target : "");
    return true;
}

/* Mount sources that are relative start at the manifest's directory. */
static bool enter_base(const struct launch *l)
{
    const char *slash = strrchr(l->target, '/');
    char *dir = slash ? mem_string_n(l->target, (size_t)(slash - l->target) + 1) : mem_string("./");
    char *base = mem_format("%s%s", dir, l->bundle.head->base);
    bool ok = !chdir(base);
    if (!ok)
        say_error("%s: cannot enter its directory %s: %s", l->target, base, strerror(errno));
    free(base);
    free(dir);
    return ok;
}

static bool open_bundle(struct launch *l, int argc)
{
    const char *why;
    int err = bundle_open(&l->bundle, l->fd, &why);
    if (err) {
        say_error("%s: damaged bundle: %s", l->target, why ? why : strerror(-err));
        return false;
    }
    const struct config *c = &l->bundle.config;
    l->opt.config = c;
    l->opt.sigstruct = l->bundle.sigstruct;
    l->opt.leaves = l->bundle.leaves;
    l->opt.leaves_len = l->bundle.leaves_len;
    if (l->first + 1 < argc && !config_flag(c, CONFIG_F_HOST_ARGV)) {
        say_error("%s: its arguments are fixed; to give them here, sign it with "
                  "loader.insecure__use_cmdline_argv = true",
                  l->target);
        return false;
    }
    if (l->opt.trace && !config_flag(c, CONFIG_F_HOST_LOG)) {
        say_error("%s: does not permit --trace; sign it with sgx.debug = true or "
                  "loader.log_level = \"trace\"",
                  l->target);
        return false;
    }
    if (l->cwd && !config_flag(c, CONFIG_F_HOST_CWD)) {
        say_error("%s: its working directory is fixed (fs.start_dir)", l->target);
        return false;
    }
    return enter_base(l);
}

/* argv as the program shall see it; a bundle's argv[0] is its entry point. */
static void set_arguments(struct launch *l, int argc, char **argv)
{
    int n = argc - l->first;
    l->argv = mem_grow(NULL, (size_t)n + 1, sizeof *l->argv);
    memcpy(l->argv, argv + l->first, (size_t)n * sizeof *l->argv);
    l->argv[n] = NULL;
    if (l->is_bundle) {
        const struct config *c = l->opt.config;
        l->argv[0] = (char *)config_string(c, c->head->entrypoint);
    }
    l->opt.argv = l->argv;
    l->opt.envp = environ;
}

bool launch_prepare(struct launch *l, int argc, char **argv)
{
    const char *why;
    if (!kernel_file_open(&l->kernel, l->kernel_path))
        return false;
    if (!(l->is_bundle ? open_bundle(l, argc) : open_dev(l)))
        return false;
    set_arguments(l, argc, argv);
    int err = layout_init(&l->layout, &l->kernel.img, l->opt.config, &why);
    if (err) {
        say_error("%s: %s", l->kernel.path, why);
        return false;
    }
    l->opt.layout = &l->layout;
    l->opt.uid = getuid();
    l->opt.gid = getgid();
    l->opt.verbosity = say_level;
    l->opt.einit_refused = einit_refused;
    close(l->fd);
    return true;
}

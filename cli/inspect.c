/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cella inspect: what is in a bundle or in a SIGSTRUCT file.
 *
 * Shows what the file says.  Whether the signature is valid is for EINIT to judge, and whether
 * MRENCLAVE belongs to this kernel image is measured anew here, so that a user sees which of the
 * two was changed.
 */
#include <errno.h>
#include <signal.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/argp.h"
#include "cli/mem.h"
#include "cli/paths.h"
#include "cli/report.h"
#include "cli/say.h"
#include "cli/verbs.h"
#include "host/enclave/bundle.h"
#include "host/enclave/layout.h"
#include "host/enclave/measure.h"

struct inspect {
    const char *file;
    const char *kernel;
    bool json;
    bool files;
};

enum { OPT_JSON = 256, OPT_KERNEL };

static const struct argp_option options[] = {
    {"json", OPT_JSON, NULL, 0, "Print JSON", 0},
    {"files", 'f', NULL, 0, "List every trusted and allowed file (JSON always does)", 0},
    {"kernel", OPT_KERNEL, "FILE", 0, "Measure with this kernel image", 0},
    {0},
};

static const char doc[] = "Show what is in a bundle (NAME.cella) or in a SIGSTRUCT.\v"
                          "Examples:\n"
                          "  cella inspect python.cella\n"
                          "  cella inspect --json python.cella | jq -r .sigstruct.mrenclave\n";

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct inspect *in = state->input;
    switch (key) {
    case OPT_JSON: in->json = true; return 0;
    case 'f': in->files = true; return 0;
    case OPT_KERNEL: in->kernel = arg; return 0;
    case ARGP_KEY_ARG:
        if (in->file)
            argp_error(state, "more than one file");
        in->file = arg;
        return 0;
    case ARGP_KEY_NO_ARGS: argp_error(state, "name a bundle or a SIGSTRUCT"); return EINVAL;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static void report_attributes(struct report *r, const struct sigstruct *s)
{
    report_bool(r, "debug", s->flags & SGX_ATTR_DEBUG);
    report_bits(r, "attributes", s->flags);
    report_bits(r, "attributes_mask", s->flags_mask);
    report_bits(r, "xfrm", s->xfrm);
    report_bits(r, "xfrm_mask", s->xfrm_mask);
    report_bits(r, "miscselect", s->miscselect);
    report_bits(r, "miscselect_mask", s->miscmask);
}

static void report_sigstruct(struct report *r, const struct sigstruct *s)
{
    uint8_t mrsigner[32];
    char date[16];
    sigstruct_mrsigner(s, mrsigner);
    snprintf(date, sizeof date, "%04x-%02x-%02x", s->date >> 16, s->date >> 8 & 0xff,
             s->date & 0xff);
    report_object(r, "sigstruct");
    report_hex(r, "mrenclave", s->mrenclave, sizeof s->mrenclave);
    report_hex(r, "mrsigner", mrsigner, sizeof mrsigner);
    report_number(r, "isvprodid", s->isvprodid);
    report_number(r, "isvsvn", s->isvsvn);
    report_string(r, "date", date);
    report_attributes(r, s);
    report_close(r);
}

static const struct {
    uint64_t flag;
    const char *name;
} flag_names[] = {
    {CONFIG_F_DEV, "development"},           {CONFIG_F_DEBUG, "debug"},
    {CONFIG_F_HOST_ENTRY, "host_program"},   {CONFIG_F_HOST_ARGV, "host_arguments"},
    {CONFIG_F_HOST_ENV, "host_environment"}, {CONFIG_F_HOST_CWD, "host_directory"},
    {CONFIG_F_HOST_IDS, "host_ids"},         {CONFIG_F_HOST_LOG, "host_log"},
    {CONFIG_F_HOST_SIGNALS, "host_signals"}, {CONFIG_F_HOST_SIGTERM, "host_sigterm"},
    {CONFIG_F_NO_ASLR, "no_aslr"},           {CONFIG_F_NO_FORK, "no_fork"},
    {CONFIG_F_HOST_EXEC, "host_exec"},
};

static void report_start(struct report *r, const struct config *c)
{
    const struct config_header *h = c->head;
    const char *entry = config_string(c, h->entrypoint), *dir = config_string(c, h->start_dir);
    report_list(r, "flags");
    for (size_t i = 0; i < sizeof flag_names / sizeof flag_names[0]; i++)
        if (h->flags & flag_names[i].flag)
            report_string(r, NULL, flag_names[i].name);
    report_close(r);
    report_string(r, "entrypoint", entry ? entry : "");
    report_string(r, "start_dir", dir ? dir : "");
    report_list(r, "argv");
    for (uint32_t i = 0; i < h->args.count; i++)
        report_string(r, NULL, config_string(c, c->args[i]));
    report_close(r);
    report_list(r, "exec");
    for (uint32_t i = 0; i < h->exec.count; i++)
        report_string(r, NULL, config_string(c, c->exec[i]));
    report_close(r);
    report_list(r, "env");
    for (uint32_t i = 0; i < h->env.count; i++) {
        const char *name = config_string(c, c->env[i].name);
        const char *value = config_string(c, c->env[i].value);
        char *text = value ? mem_format("%s=%s", name, value) : mem_format("%s (from host)", name);
        report_string(r, NULL, text);
        free(text);
    }
    report_close(r);
}

/* Those that a manifest can name; sigabbrev_np is not in every C library. */
static const char *signal_name(int sig)
{
    static const char *const names[] = {
        [SIGHUP] = "HUP",   [SIGINT] = "INT",    [SIGQUIT] = "QUIT", [SIGUSR1] = "USR1",
        [SIGUSR2] = "USR2", [SIGALRM] = "ALRM",  [SIGTERM] = "TERM", [SIGCONT] = "CONT",
        [SIGTSTP] = "TSTP", [SIGWINCH] = "WINCH"};
    const char *name = (size_t)sig < sizeof names / sizeof names[0] ? names[sig] : NULL;
    return name ? name : "?";
}

static void report_limits(struct report *r, const struct config_header *h)
{
    report_size(r, "enclave_size", h->memory_size);
    report_number(r, "max_threads", h->vcpu_count); /* 0: one a CPU of the host */
    report_size(r, "stack_size", h->stack_size);
    report_size(r, "brk_max_size", h->brk_max);
    report_number(r, "fds_limit", h->fds_limit);
    report_number(r, "uid", h->uid);
    report_number(r, "gid", h->gid);
    report_string(r, "file_check_policy",
                  h->file_policy == CONFIG_FILES_STRICT ? "strict" : "allow_all_but_log");
    report_number(r, "log_level", h->log_level);
    report_list(r, "host_signals");
    for (int sig = 1; sig <= 64; sig++)
        if (h->host_signals >> (sig - 1) & 1)
            report_string(r, NULL, signal_name(sig));
    report_close(r);
    report_number(r, "elrange_bits", h->elrange_bits);
    report_number(r, "ssa_frame_pages", h->ssa_frame_pages);
}

static void report_mounts(struct report *r, const struct config *c)
{
    static const char *const kinds[] = {
        [CONFIG_MOUNT_HOST] = "host",   [CONFIG_MOUNT_TRUSTED] = "trusted",
        [CONFIG_MOUNT_TMPFS] = "tmpfs", [CONFIG_MOUNT_DEV] = "dev",
        [CONFIG_MOUNT_PROC] = "proc",
    };
    report_list(r, "mounts");
    for (uint32_t i = 0; i < c->head->mounts.count; i++) {
        const struct config_mount *m = &c->mounts[i];
        const char *source = config_string(c, m->source);
        report_object(r, NULL);
        report_string(r, "type", kinds[m->kind]);
        report_string(r, "path", config_string(c, m->path));
        if (source)
            report_string(r, "source", source);
        report_close(r);
    }
    report_close(r);
}

/* The node's path, from the root down; free it. */
static char *node_path(const struct config *c, uint32_t node)
{
    char *path = mem_string("");
    for (; node; node = c->nodes[node].parent) {
        char *longer = mem_format("/%s%s", config_node_name(c, node), path);
        free(path);
        path = longer;
    }
    return path;
}

static void report_file(struct report *r, const struct config *c, uint32_t i)
{
    const struct config_node *n = &c->nodes[i];
    char *path = node_path(c, i);
    report_object(r, NULL);
    report_string(r, "path", path);
    free(path);
    if (n->kind == CONFIG_NODE_REG) {
        report_string(r, "kind", "trusted");
        report_number(r, "size", n->size);
        report_number(r, "mtime", (uint64_t)n->mtime);
        report_hex(r, "root", n->root, sizeof n->root);
    } else if (n->kind == CONFIG_NODE_LNK) {
        report_string(r, "kind", "link");
        report_string(r, "target", config_node_target(c, i));
    } else {
        report_string(r, "kind", "allowed");
    }
    report_close(r);
}

static void report_files(struct report *r, const struct config *c, bool all)
{
    uint64_t trusted = 0, allowed = 0, links = 0, bytes = 0;
    for (uint32_t i = 0; i < c->head->nodes.count; i++) {
        trusted += c->nodes[i].kind == CONFIG_NODE_REG;
        allowed += c->nodes[i].kind == CONFIG_NODE_HOST;
        links += c->nodes[i].kind == CONFIG_NODE_LNK;
        bytes += c->nodes[i].kind == CONFIG_NODE_REG ? c->nodes[i].size : 0;
    }
    report_number(r, "trusted_files", trusted);
    report_number(r, "trusted_bytes", bytes);
    report_number(r, "links", links);
    report_number(r, "allowed_files", allowed);
    if (!all)
        return;
    report_list(r, "files");
    for (uint32_t i = 0; i < c->head->nodes.count; i++)
        if (c->nodes[i].kind != CONFIG_NODE_DIR)
            report_file(r, c, i);
    report_close(r);
}

/* Says whether the kernel image at hand gives the MRENCLAVE that was signed. */
static void report_match(struct report *r, const struct inspect *in, const struct bundle *b)
{
    struct kernel_file k;
    struct enclave_layout l;
    const char *why;
    uint8_t now[32];
    if (!kernel_file_open(&k, in->kernel))
        return;
    if (!layout_init(&l, &k.img, &b->config, &why)) {
        layout_measure(&l, now);
        layout_fini(&l);
        report_hex(r, "mrenclave_here", now, sizeof now);
        report_bool(r, "matches", !memcmp(now, b->sigstruct->mrenclave, sizeof now));
    }
    kernel_file_close(&k);
}

static void report_bundle(struct report *r, const struct inspect *in, const struct bundle *b)
{
    report_sigstruct(r, b->sigstruct);
    report_match(r, in, b);
    report_hex(r, "kernel_sha256", b->head->kernel_sha256, 32);
    report_string(r, "base", b->head->base);
    report_object(r, "configuration");
    report_start(r, &b->config);
    report_limits(r, b->config.head);
    report_mounts(r, &b->config);
    report_files(r, &b->config, in->files || in->json);
    report_close(r);
}

static int inspect_bundle(const struct inspect *in, int fd)
{
    struct report r;
    struct bundle b;
    const char *why;
    int err = bundle_open(&b, fd, &why);
    if (!err) {
        err = bundle_check_config(&b, &why);
        if (err)
            bundle_close(&b);
    }
    if (err) {
        say_error("%s: damaged bundle: %s", in->file, why ? why : strerror(-err));
        return EXIT_CELLA;
    }
    report_begin(&r, stdout, in->json);
    report_bundle(&r, in, &b);
    bundle_close(&b);
    return report_end(&r) ? 0 : EXIT_CELLA;
}

static int inspect_sigstruct(const struct inspect *in, int fd)
{
    struct report r;
    struct sigstruct s;
    struct stat st;
    const char *why = "neither a bundle nor a SIGSTRUCT";
    if (fstat(fd, &st) || st.st_size != sizeof s || pread(fd, &s, sizeof s, 0) != sizeof s ||
        !sigstruct_check(&s, &why)) {
        say_error("%s: %s", in->file, why);
        return EXIT_CELLA;
    }
    report_begin(&r, stdout, in->json);
    report_sigstruct(&r, &s);
    return report_end(&r) ? 0 : EXIT_CELLA;
}

int verb_inspect(int argc, char **argv)
{
    static const struct argp argp = {options, parse_option, "FILE", doc};
    struct inspect in = {0};
    argp_err_exit_status = EXIT_CELLA;
    argp_parse(&argp, argc, argv, 0, NULL, &in);
    int fd = open(in.file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        say_error("%s: %s", in.file, strerror(errno));
        return EXIT_CELLA;
    }
    int status = bundle_probe(fd) ? inspect_bundle(&in, fd) : inspect_sigstruct(&in, fd);
    close(fd);
    return status;
}

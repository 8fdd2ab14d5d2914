/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cella sign: from a manifest to a bundle.
 *
 * Reads the manifest, hashes the files, compiles the configuration, lays out and measures the
 * enclave, signs, and writes NAME.cella, which appears whole or not at all.  The same input gives
 * the same bytes: the date is fixed unless told, and nothing random goes in.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/argp.h"
#include "cli/manifest/files.h"
#include "cli/manifest/leaves.h"
#include "cli/manifest/manifest.h"
#include "cli/mem.h"
#include "cli/outfile.h"
#include "cli/paths.h"
#include "cli/say.h"
#include "cli/manifest/template.h"
#include "cli/manifest/path.h"
#include "cli/sign/key.h"
#include "cli/sign/signing.h"
#include "cli/verbs.h"
#include "host/enclave/bundle.h"
#include "lib/sha256.h"

#define MANIFEST_MAX (64L << 20)

struct sign {
    char *manifest; /* path */
    const char *key;
    const char *kernel;
    char *out;
    uint32_t date; /* 0: not given */
    struct template_vars vars;

    char *dir; /* the manifest's, absolute */
    struct manifest m;
    struct leaves leaves;
    struct kernel_file k;
    void *config;
    size_t config_len;
    struct settings_hashes table_hashes;
    struct sigstruct sigstruct;
};

enum { OPT_DATE = 256, OPT_KERNEL };

static const struct argp_option options[] = {
    {"key", 'k', "FILE", 0, "Sign with this key (default ~/.config/cella/enclave-key.pem)", 0},
    {"output", 'o', "FILE", 0, "Write the bundle here (default: beside the manifest)", 0},
    {"define", 'D', "NAME=VALUE", 0, "Replace {{ NAME }} in the manifest", 0},
    {"date", OPT_DATE, "YYYY-MM-DD", 0,
     "Date in the signature (default: of SOURCE_DATE_EPOCH, or a fixed one)", 0},
    {"kernel", OPT_KERNEL, "FILE", 0, "Sign for this kernel image", 0},
    {"quiet", 'q', NULL, 0, "Print nothing but errors", 0},
    {"verbose", 'v', NULL, 0, "Say more", 0},
    {0},
};

static const char doc[] =
    "Hash, measure and sign what MANIFEST describes: makes NAME.cella.\v"
    "A manifest is a TOML file with Gramine's keys.  A small one:\n"
    "\n"
    "  libos.entrypoint = \"/usr/bin/python3\"\n"
    "  loader.argv = [\"python3\", \"-c\", \"print(1)\"]\n"
    "  fs.root.uri = \"file:/\"\n"
    "  sgx.trusted_files = [\"file:/usr/bin/python3\", \"file:/usr/lib/python3.11/\",\n"
    "    \"file:/lib64/ld-linux-x86-64.so.2\", \"file:/lib/x86_64-linux-gnu/libc.so.6\"]\n"
    "\n"
    "Examples:\n"
    "  cella sign python.manifest\n"
    "  cella sign -k key.pem -o /tmp/app.cella -D root=/srv/app app.manifest\n";

/* YYYY-MM-DD to BCD; 0000-00-00 is allowed. */
static bool parse_date(const char *text, uint32_t *bcd)
{
    static const char form[] = "dddd-dd-dd";
    uint32_t n = 0;
    if (strlen(text) != sizeof form - 1)
        return false;
    for (size_t i = 0; form[i]; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (form[i] == '-' ? text[i] != '-' : !digit)
            return false;
        if (digit)
            n = n << 4 | (uint32_t)(text[i] - '0');
    }
    *bcd = n;
    return (n >> 8 & 0xff) <= 0x12 && (n & 0xff) <= 0x31;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct sign *s = state->input;
    switch (key) {
    case 'k': s->key = arg; return 0;
    case 'o': s->out = arg; return 0;
    case 'D':
        if (!strchr(arg, '=') || arg[0] == '=')
            argp_error(state, "-D %s: write -D NAME=VALUE", arg);
        s->vars.define = mem_push(s->vars.define, s->vars.count, sizeof *s->vars.define);
        s->vars.define[s->vars.count++] = arg;
        return 0;
    case OPT_DATE:
        if (!parse_date(arg, &s->date))
            argp_error(state, "--date=%s: write YYYY-MM-DD", arg);
        return 0;
    case OPT_KERNEL: s->kernel = arg; return 0;
    case 'q': say_level = -1; return 0;
    case 'v': say_level++; return 0;
    case ARGP_KEY_ARG:
        if (s->manifest)
            argp_error(state, "more than one MANIFEST");
        s->manifest = arg;
        return 0;
    case ARGP_KEY_NO_ARGS: argp_error(state, "name a MANIFEST"); return EINVAL;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* "app.manifest.template" and the like without their endings, with ".cella". */
static char *default_output(const char *manifest)
{
    static const char *const endings[] = {".template", ".toml", ".manifest", NULL};
    size_t len = strlen(manifest);
    for (int i = 0; endings[i]; i++) {
        size_t n = strlen(endings[i]);
        if (len > n && manifest[len - n - 1] != '/' && !strncmp(manifest + len - n, endings[i], n))
            len -= n;
    }
    return mem_format("%.*s.cella", (int)len, manifest);
}

/* The manifest's text, expanded; NULL after one line. */
static char *read_manifest(const struct sign *s, size_t *len)
{
    struct stat st;
    char *error = NULL, *text = NULL, *out = NULL;
    int fd = open(s->manifest, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) {
        say_error("%s: %s", s->manifest, strerror(errno));
        goto out;
    }
    if (!S_ISREG(st.st_mode) || st.st_size > MANIFEST_MAX) {
        say_error("%s: not a manifest", s->manifest);
        goto out;
    }
    text = mem_new((size_t)st.st_size + 1);
    ssize_t n = read(fd, text, (size_t)st.st_size);
    if (n < 0) {
        say_error("%s: %s", s->manifest, strerror(errno));
        goto out;
    }
    *len = (size_t)n;
    out = template_expand(text, len, &s->vars, &error);
    if (!out)
        say_error("%s:%s", s->manifest, error);
out:
    if (fd >= 0)
        close(fd);
    free(text);
    free(error);
    return out;
}

/* Absolute directory of a path that need not exist itself; NULL after one line. */
static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dir = slash ? mem_string_n(path, (size_t)(slash - path) + 1) : mem_string(".");
    char *real = realpath(dir, NULL);
    if (!real)
        say_error("%s: %s", dir, strerror(errno));
    free(dir);
    return real;
}

static bool compile(struct sign *s)
{
    size_t len;
    const char *why;
    char *text = read_manifest(s, &len);
    bool ok = text;
    if (!ok)
        return false;
    s->dir = directory_of(s->manifest);
    ok = s->dir && manifest_parse(&s->m, s->manifest, text, len) &&
         files_visit(&s->m, s->dir, &s->leaves);
    if (!ok && s->m.error[0])
        say_error("%s", s->m.error);
    free(text);
    if (!ok)
        return false;
    s->config = settings_write(&s->m.settings, &s->config_len, &s->table_hashes, &why);
    if (!s->config)
        say_error("%s: cannot make the configuration: %s", s->manifest, why);
    return s->config;
}

/* The date from --date, SOURCE_DATE_EPOCH or the default. */
static void choose_date(struct sign *s)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    char text[16];
    struct tm tm;
    if (s->date) {
        s->m.sign.date = s->date;
    } else if (epoch && *epoch) {
        time_t t = (time_t)strtoll(epoch, NULL, 10);
        if (gmtime_r(&t, &tm) && strftime(text, sizeof text, "%Y-%m-%d", &tm) == 10)
            parse_date(text, &s->m.sign.date);
    }
}

static bool sign(struct sign *s)
{
    char *path = s->key ? mem_string(s->key) : paths_config("enclave-key.pem");
    if (!path) {
        say_error("neither HOME nor XDG_CONFIG_HOME is set; name a key with -k");
        return false;
    }
    EVP_PKEY *key = key_load(path);
    free(path);
    choose_date(s);
    bool ok = key && signing_make(&s->m.sign, &s->k, s->config, s->config_len, key, &s->sigstruct);
    EVP_PKEY_free(key);
    return ok;
}

static bool fill_header(const struct sign *s, struct bundle_header *h)
{
    char *out_dir = directory_of(s->out);
    char *base = out_dir ? path_relative(out_dir, s->dir) : NULL;
    bool ok = base && strlen(base) < sizeof h->base;
    if (ok)
        memcpy(h->base, base, strlen(base));
    else if (base)
        say_error("%s: too far from the manifest's directory; write the bundle nearer", s->out);
    free(base);
    free(out_dir);
    memcpy(h->magic, BUNDLE_MAGIC, sizeof h->magic);
    h->version = BUNDLE_VERSION;
    h->header_size = sizeof *h;
    h->config_len = s->config_len;
    h->leaves_len = s->leaves.len + s->table_hashes.len;
    sha256(s->k.map, s->k.len, h->kernel_sha256);
    sha256(s->config, s->config_len, h->config_sha256);
    return ok;
}

static bool write_bundle(struct sign *s)
{
    struct bundle_header h = {0};
    struct outfile o;
    if (!fill_header(s, &h))
        return false;
    int err = outfile_open(&o, s->out, 0644);
    if (!err) {
        outfile_write(&o, &h, sizeof h);
        outfile_align(&o, 4096);
        h.config_off = o.written;
        outfile_write(&o, s->config, s->config_len);
        outfile_align(&o, 4096);
        h.sigstruct_off = o.written;
        outfile_write(&o, &s->sigstruct, sizeof s->sigstruct);
        outfile_align(&o, 4096);
        h.leaves_off = o.written;
        outfile_write(&o, s->leaves.data, s->leaves.len);
        outfile_write(&o, s->table_hashes.data, s->table_hashes.len);
        h.file_size = o.written;
        bundle_header_digest(&h, h.header_sha256);
        outfile_rewrite(&o, 0, &h, sizeof h);
        err = outfile_commit(&o, true);
    }
    if (err)
        say_error("cannot write the bundle %s: %s", s->out, strerror(-err));
    return !err;
}

static void tell(const struct sign *s)
{
    char hex[65];
    for (int i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", s->sigstruct.mrenclave[i]);
    if (s->m.insecure)
        say_note("%s: insecure settings: %s", s->manifest, s->m.insecure);
    say_note("%s: mrenclave %s, %lu trusted files, %lu MB", s->out, hex, s->leaves.files,
             s->leaves.bytes >> 20);
}

int verb_sign(int argc, char **argv)
{
    static const struct argp argp = {options, parse_option, "MANIFEST", doc};
    struct sign s = {0};
    argp_err_exit_status = EXIT_CELLA;
    argp_parse(&argp, argc, argv, 0, NULL, &s);
    char *out = s.out ? NULL : default_output(s.manifest);
    if (out)
        s.out = out;
    leaves_init(&s.leaves);
    bool ok = compile(&s) && kernel_file_open(&s.k, s.kernel) && sign(&s) && write_bundle(&s);
    if (ok)
        tell(&s);
    kernel_file_close(&s.k);
    leaves_fini(&s.leaves);
    manifest_fini(&s.m);
    free(s.vars.define);
    free(s.config);
    free(s.table_hashes.data);
    free(s.dir);
    free(out);
    return ok ? 0 : EXIT_CELLA;
}

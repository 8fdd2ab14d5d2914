/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the keys of a manifest mean.
 *
 * The table `keys` is Gramine's manifest syntax (version 1.9) line by line.  Most keys store one
 * value; the others have a function.  After the walk manifest_finish puts together what depends on
 * several keys.
 */
#include "cli/manifest/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "abi/host/layout.h"
#include "cli/manifest/manifest_impl.h"
#include "cli/mem.h"
#include "cli/manifest/path.h"

#define MEMORY_MIN (8UL << 20)
#define MEMORY_MAX (1UL << (ELRANGE_BITS_MAX - 1))

void manifest_insecure(struct manifest *m, const char *name)
{
    char *list = m->insecure ? mem_format("%s, %s", m->insecure, name) : mem_string(name);
    free(m->insecure);
    m->insecure = list;
}

/* "file:…" of a value; NULL after an error. */
static const char *take_uri(struct manifest *m, const char *path, const struct toml_value *v)
{
    const char *text = schema_text(m, path, v);
    const char *file = text ? uri_path(text) : NULL;
    if (text && (!file || !*file)) {
        manifest_fail(m, v->place, "%s = \"%.80s\" is no file; write \"file:PATH\"", path, text);
        return NULL;
    }
    return file;
}

static bool take_log_level(struct manifest *m, void *target, const char *path,
                           const struct toml_value *v)
{
    static const char *const words[] = {"none", "error", "warning", "debug", "trace", "all", NULL};
    (void)target;
    int level = schema_word(m, path, v, words);
    if (level < 0)
        return false;
    m->settings.log_level = (uint32_t)level;
    if (level > 1)
        manifest_insecure(m, path);
    if (level > 2)
        m->settings.flags |= CONFIG_F_HOST_LOG;
    return true;
}

static bool take_argv(struct manifest *m, void *target, const char *path,
                      const struct toml_value *v)
{
    (void)target;
    if (!schema_is(m, path, v, TOML_ARRAY))
        return false;
    for (size_t i = 0; i < v->array.count; i++) {
        const char *text = schema_text(m, path, v->array.items[i]);
        if (!text)
            return false;
        settings_add_arg(&m->settings, text);
    }
    if (!v->array.count)
        return manifest_fail(m, v->place, "%s is empty; write at least the program's name", path);
    return true;
}

/* { value = "…" } or { passthrough = true }. */
static bool take_env_table(struct manifest *m, const char *path, const struct toml_entry *e)
{
    struct toml_value *value = toml_get(e->value, "value"),
                      *pass = toml_get(e->value, "passthrough");
    if (e->value->table.count != 1 || (!value && !pass))
        return manifest_fail(m, e->place,
                             "%s.%.80s: write a string, { value = \"…\" } or "
                             "{ passthrough = true }",
                             path, e->key);
    if (value) {
        const char *text = schema_text(m, path, value);
        if (text)
            settings_add_env(&m->settings, e->key, text);
        return text;
    }
    if (!schema_is(m, path, pass, TOML_BOOL))
        return false;
    if (!pass->boolean)
        return manifest_fail(m, pass->place,
                             "%s.%.80s: passthrough = false has no meaning; "
                             "remove the variable",
                             path, e->key);
    settings_add_env(&m->settings, e->key, NULL);
    return true;
}

static bool take_env(struct manifest *m, void *target, const char *path, const struct toml_value *v)
{
    (void)target;
    if (!schema_is(m, path, v, TOML_TABLE))
        return false;
    for (size_t i = 0; i < v->table.count; i++) {
        const struct toml_entry *e = &v->table.entries[i];
        if (!e->len || strcspn(e->key, "=") != e->len)
            return manifest_fail(m, e->place, "\"%.80s\" is no name for a variable; rename it",
                                 e->key);
        if (e->value->kind == TOML_TABLE) {
            if (!take_env_table(m, path, e))
                return false;
            continue;
        }
        char *name = mem_format("%s.%.80s", path, e->key);
        const char *text = schema_text(m, name, e->value);
        free(name);
        if (!text)
            return false;
        settings_add_env(&m->settings, e->key, text);
    }
    return true;
}

/* A key that names one file whose contents the signer takes in. */
static bool take_source_file(struct manifest *m, void *target, const char *path,
                             const struct toml_value *v)
{
    struct manifest_file *f = strstr(path, "argv") ? &m->argv_file : &m->env_file;
    const char *file = take_uri(m, path, v);
    (void)target;
    if (!file)
        return false;
    free(f->path);
    *f = (struct manifest_file){.path = mem_string(file), .place = v->place};
    return true;
}

static bool take_entrypoint(struct manifest *m, void *target, const char *path,
                            const struct toml_value *v)
{
    const char *text = schema_text(m, path, v);
    (void)target;
    if (!text)
        return false;
    if (!*text || uri_path(text))
        return manifest_fail(m, v->place,
                             "%s must be a path inside the enclave; write for example "
                             "\"/usr/bin/python3\"",
                             path);
    free(m->settings.entrypoint);
    m->settings.entrypoint = mem_string(text);
    m->entry_place = v->place;
    return true;
}

/* A mount's table while it is read. */
struct mount_text {
    uint32_t kind;
    char *path;
    char *source;
};

static bool take_mount_type(struct manifest *m, void *target, const char *path,
                            const struct toml_value *v)
{
    static const char *const words[] = {"chroot", "tmpfs", "encrypted", "untrusted_shm", NULL};
    static const uint32_t kinds[] = {CONFIG_MOUNT_TRUSTED, CONFIG_MOUNT_TMPFS};
    struct mount_text *t = target;
    int i = schema_word(m, path, v, words);
    if (i > 1)
        return manifest_fail(m, v->place,
                             "%s = \"%s\" is not supported yet; write \"chroot\" or "
                             "\"tmpfs\"",
                             path, words[i]);
    if (i >= 0)
        t->kind = kinds[i];
    return i >= 0;
}

static bool take_mount_uri(struct manifest *m, void *target, const char *path,
                           const struct toml_value *v)
{
    struct mount_text *t = target;
    const char *file = take_uri(m, path, v);
    if (!file)
        return false;
    free(t->source);
    t->source = mem_string(file);
    return true;
}

#define MOUNT(name, ...)          \
    {                             \
        .path = name, __VA_ARGS__ \
    }

static const struct key mount_keys[] = {
    MOUNT("type", .kind = KEY_CALL, .call = take_mount_type),
    MOUNT("uri", .kind = KEY_CALL, .call = take_mount_uri),
    MOUNT("path", .kind = KEY_STRING, .offset = offsetof(struct mount_text, path)),
    MOUNT("key_name", .kind = KEY_LATER, .word = "default"),
    MOUNT("enable_recovery", .kind = KEY_LATER, .word = ""),
};

static bool check_mount(struct manifest *m, struct mount_text *t, const char *what,
                        struct toml_place place)
{
    bool host = t->kind == CONFIG_MOUNT_TRUSTED;
    if (host && !t->source)
        return manifest_fail(m, place, "%s has no uri; write uri = \"file:PATH\"", what);
    if (!host && t->source) { /* Gramine's examples write one; it means nothing */
        free(t->source);
        t->source = NULL;
    }
    return true;
}

static bool read_mount(struct manifest *m, struct mount_text *t, const struct toml_value *v)
{
    if (!schema_is(m, "fs.mounts", v, TOML_TABLE) ||
        !schema_apply(m, mount_keys, sizeof mount_keys / sizeof mount_keys[0], "fs.mounts.", t, v))
        return false;
    if (!t->path)
        return manifest_fail(m, v->place, "a mount has no path; write path = \"/…\"");
    if (t->path[0] != '/')
        return manifest_fail(m, v->place,
                             "fs.mounts.path = \"%.80s\" is not absolute; begin it "
                             "with \"/\"",
                             t->path);
    return check_mount(m, t, "fs.mounts", v->place);
}

static bool take_mounts(struct manifest *m, void *target, const char *path,
                        const struct toml_value *v)
{
    (void)target;
    if (!schema_is(m, path, v, TOML_ARRAY))
        return false;
    for (size_t i = 0; i < v->array.count; i++) {
        struct mount_text t = {.kind = CONFIG_MOUNT_TRUSTED};
        bool ok = read_mount(m, &t, v->array.items[i]);
        char *normal = ok ? path_normal("/", t.path) : NULL;
        if (ok && !normal[1])
            ok = manifest_fail(m, v->array.items[i]->place,
                               "a mount at \"/\" is written as "
                               "fs.root; move it there");
        if (ok)
            settings_add_mount(&m->settings, t.kind, normal, t.source);
        free(normal);
        free(t.path);
        free(t.source);
        if (!ok)
            return false;
    }
    return true;
}

static bool take_root(struct manifest *m, void *target, const char *path,
                      const struct toml_value *v)
{
    struct mount_text t = {.kind = CONFIG_MOUNT_TRUSTED};
    (void)target;
    bool ok =
        schema_is(m, path, v, TOML_TABLE) &&
        schema_apply(m, mount_keys, sizeof mount_keys / sizeof mount_keys[0], "fs.root.", &t, v);
    if (ok && t.path)
        ok = manifest_fail(m, v->place, "fs.root has a path; remove it");
    if (ok && t.kind == CONFIG_MOUNT_TRUSTED && !t.source)
        t.source = mem_string(".");
    if (ok)
        ok = check_mount(m, &t, path, v->place);
    free(t.path);
    free(m->root_source);
    m->root_source = t.source;
    m->root_kind = t.kind;
    m->root_seen = true;
    return ok;
}

static void add_file(struct manifest_files *f, const char *path, const char *sha256,
                     struct toml_place place)
{
    f->list = mem_push(f->list, f->count, sizeof *f->list);
    f->list[f->count++] = (struct manifest_file){
        .path = mem_string(path), .sha256 = sha256 ? mem_string(sha256) : NULL, .place = place};
}

/* { uri = "file:…", sha256 = "…" } */
static bool take_file_table(struct manifest *m, const char *path, const struct toml_value *v)
{
    struct toml_value *uri = toml_get(v, "uri"), *digest = toml_get(v, "sha256");
    if (!uri || v->table.count != 1u + !!digest)
        return manifest_fail(m, v->place,
                             "%s: write \"file:PATH\" or { uri = \"file:PATH\", "
                             "sha256 = \"…\" }",
                             path);
    const char *file = take_uri(m, path, uri), *hex = NULL;
    if (!file)
        return false;
    if (digest) {
        hex = schema_text(m, path, digest);
        if (!hex)
            return false;
        if (strlen(hex) != 64 || strspn(hex, "0123456789abcdefABCDEF") != 64)
            return manifest_fail(m, digest->place,
                                 "sha256 is no digest; write 64 hexadecimal "
                                 "digits, as sha256sum prints");
        if (file[strlen(file) - 1] == '/')
            return manifest_fail(m, digest->place, "a directory has no sha256; remove it");
    }
    add_file(&m->trusted, file, hex, v->place);
    return true;
}

static bool take_files(struct manifest *m, const char *path, const struct toml_value *v,
                       struct manifest_files *to)
{
    if (v->kind == TOML_TABLE)
        return manifest_fail(m, v->place,
                             "%s.NAME = … is an old syntax; write %s = [ \"file:…\", "
                             "… ]",
                             path, path);
    if (!schema_is(m, path, v, TOML_ARRAY))
        return false;
    for (size_t i = 0; i < v->array.count; i++) {
        const struct toml_value *item = v->array.items[i];
        if (item->kind == TOML_TABLE && to == &m->trusted) {
            if (!take_file_table(m, path, item))
                return false;
            continue;
        }
        const char *file = take_uri(m, path, item);
        if (!file)
            return false;
        add_file(to, file, NULL, item->place);
    }
    return true;
}

static bool take_trusted(struct manifest *m, void *target, const char *path,
                         const struct toml_value *v)
{
    (void)target;
    return take_files(m, path, v, &m->trusted);
}

static bool take_allowed(struct manifest *m, void *target, const char *path,
                         const struct toml_value *v)
{
    (void)target;
    if (!take_files(m, path, v, &m->allowed))
        return false;
    if (m->allowed.count)
        manifest_insecure(m, path);
    return true;
}

static bool take_policy(struct manifest *m, void *target, const char *path,
                        const struct toml_value *v)
{
    static const char *const words[] = {"strict", "allow_all_but_log", NULL};
    (void)target;
    int i = schema_word(m, path, v, words);
    if (i < 0)
        return false;
    m->settings.file_policy = i ? CONFIG_FILES_LOG : CONFIG_FILES_STRICT;
    if (i)
        manifest_insecure(m, path);
    return true;
}

static bool take_feature(struct manifest *m, void *target, const char *path,
                         const struct toml_value *v)
{
    static const char *const words[] = {"unspecified", "disabled", "required", NULL};
    static const struct {
        const char *name;
        uint64_t bits;
    } features[] = {
        {"sgx.cpu_features.avx", SGX_XFRM_AVX},   {"sgx.cpu_features.avx512", SGX_XFRM_AVX512},
        {"sgx.cpu_features.amx", SGX_XFRM_AMX},   {"sgx.cpu_features.mpx", SGX_XFRM_MPX},
        {"sgx.cpu_features.pkru", SGX_XFRM_PKRU},
    };
    size_t i = 0;
    (void)target;
    while (strcmp(path, features[i].name) != 0)
        i++;
    int word = schema_word(m, path, v, i < 3 ? words : words + 1);
    if (word < 0)
        return false;
    word += i < 3 ? 0 : 1;
    m->sign.xfrm_free &= ~features[i].bits;
    if (word == 0)
        m->sign.xfrm_free |= features[i].bits;
    if (word == 2)
        m->sign.xfrm_required |= features[i].bits;
    return true;
}

#define AT(field) offsetof(struct manifest, field)
#define FLAG(name, flag, danger)                                                    \
    {                                                                               \
        .path = name, .kind = KEY_BOOL, .offset = AT(settings.flags), .bits = flag, \
        .insecure = danger                                                          \
    }
#define NOOP(name)                     \
    {                                  \
        .path = name, .kind = KEY_BOOL \
    }
#define CALL(name, function)                             \
    {                                                    \
        .path = name, .kind = KEY_CALL, .call = function \
    }
#define LATER(name, unless)                             \
    {                                                   \
        .path = name, .kind = KEY_LATER, .word = unless \
    }
#define IGNORE(name)                     \
    {                                    \
        .path = name, .kind = KEY_IGNORE \
    }
#define SIZE(name, field, least, most)                                                 \
    {                                                                                  \
        .path = name, .kind = KEY_SIZE, .offset = AT(field), .min = least, .max = most \
    }
#define NUMBER(name, field, least, most)                                              \
    {                                                                                 \
        .path = name, .kind = KEY_U32, .offset = AT(field), .min = least, .max = most \
    }

static const struct key keys[] = {
    IGNORE("loader.entrypoint"),
    CALL("loader.log_level", take_log_level),
    LATER("loader.log_file", ""),
    CALL("loader.argv", take_argv),
    CALL("loader.argv_src_file", take_source_file),
    FLAG("loader.insecure__use_cmdline_argv", CONFIG_F_HOST_ARGV, ""),
    FLAG("loader.insecure__use_host_env", CONFIG_F_HOST_ENV, ""),
    CALL("loader.env", take_env),
    CALL("loader.env_src_file", take_source_file),
    NUMBER("loader.uid", settings.uid, 0, INT32_MAX),
    NUMBER("loader.gid", settings.gid, 0, INT32_MAX),
    FLAG("loader.insecure__disable_aslr", CONFIG_F_NO_ASLR, ""),

    CALL("libos.entrypoint", take_entrypoint),
    NOOP("libos.check_invalid_pointers"),
    LATER("libos.sync.enable", ""),

    SIZE("sys.stack.size", settings.stack_size, 4096, 1UL << 36),
    SIZE("sys.brk.max_size", settings.brk_max, 0, 1UL << 39),
    NUMBER("sys.fds.limit", settings.fds_limit, 3, 1048576),
    NOOP("sys.insecure__allow_eventfd"),
    FLAG("sys.enable_sigterm_injection", CONFIG_F_HOST_SIGTERM, NULL),
    CALL("cella.host_signals", manifest_host_signals),
    CALL("cella.exec", manifest_exec),
    FLAG("sys.disallow_subprocesses", CONFIG_F_NO_FORK, NULL),
    LATER("sys.debug__mock_syscalls", ""),
    LATER("sys.enable_extra_runtime_domain_names_conf", ""),
    LATER("sys.ioctl_structs", ""),
    LATER("sys.allowed_ioctls", ""),
    NOOP("sys.experimental__enable_flock"),

    CALL("fs.root", take_root),
    CALL("fs.mounts", take_mounts),
    {.path = "fs.start_dir", .kind = KEY_STRING, .offset = AT(settings.start_dir)},
    LATER("fs.insecure__keys", ""),

    FLAG("sgx.debug", CONFIG_F_DEBUG | CONFIG_F_HOST_LOG, ""),
    SIZE("sgx.enclave_size", settings.memory_size, MEMORY_MIN, MEMORY_MAX),
    NOOP("sgx.edmm_enable"),
    NUMBER("sgx.max_threads", settings.vcpu_count, 1, 4096),
    IGNORE("sgx.insecure__rpc_thread_num"),
    NOOP("sgx.use_exinfo"),
    NOOP("sgx.insecure__allow_memfaults_without_exinfo"),
    CALL("sgx.cpu_features.avx", take_feature),
    CALL("sgx.cpu_features.avx512", take_feature),
    CALL("sgx.cpu_features.amx", take_feature),
    CALL("sgx.cpu_features.mpx", take_feature),
    CALL("sgx.cpu_features.pkru", take_feature),
    {.path = "sgx.isvprodid", .kind = KEY_U16, .offset = AT(sign.isvprodid)},
    {.path = "sgx.isvsvn", .kind = KEY_U16, .offset = AT(sign.isvsvn)},
    LATER("sgx.seal_key.flags_mask", "0xffffffffffffffff"),
    LATER("sgx.seal_key.xfrm_mask", "0xfffffffffff9ff1b"),
    LATER("sgx.seal_key.misc_mask", "0xffffffff"),
    LATER("sgx.remote_attestation", "none"),
    NOOP("sgx.preheat_enclave"),
    NOOP("sgx.enable_stats"),
    LATER("sgx.vtune_profile", ""),
    LATER("sgx.profile.enable", "none"),
    IGNORE("sgx.profile.mode"),
    IGNORE("sgx.profile.with_stack"),
    IGNORE("sgx.profile.frequency"),
    CALL("sgx.trusted_files", take_trusted),
    CALL("sgx.allowed_files", take_allowed),
    CALL("sgx.file_check_policy", take_policy),
};

/* The mounts in their final order: root, then ours, then the manifest's. */
static void order_mounts(struct manifest *m)
{
    struct settings *s = &m->settings;
    struct settings_mount *own = s->mounts;
    size_t count = s->mount_count;
    s->mounts = NULL;
    s->mount_count = 0;
    settings_add_mount(s, m->root_kind, "/", m->root_seen ? m->root_source : ".");
    settings_add_mount(s, CONFIG_MOUNT_PROC, "/proc", NULL);
    settings_add_mount(s, CONFIG_MOUNT_DEV, "/dev", NULL);
    for (size_t i = 0; i < count; i++) {
        s->mounts = mem_push(s->mounts, s->mount_count, sizeof *s->mounts);
        s->mounts[s->mount_count++] = own[i];
    }
    free(own);
}

static bool finish_argv(struct manifest *m)
{
    struct settings *s = &m->settings;
    bool host = s->flags & CONFIG_F_HOST_ARGV;
    if (!!s->arg_count + !!m->argv_file.path + host > 1)
        return manifest_fail(m, m->entry_place,
                             "more than one of loader.argv, "
                             "loader.argv_src_file and loader.insecure__use_cmdline_argv; keep "
                             "one");
    if (!s->arg_count && !m->argv_file.path && !host)
        settings_add_arg(s, s->entrypoint);
    return true;
}

static bool manifest_finish(struct manifest *m)
{
    const struct toml_place top = {1, 1};
    struct settings *s = &m->settings;
    if (!s->entrypoint)
        return manifest_fail(m, top,
                             "no libos.entrypoint; write libos.entrypoint = \"/path/of/the/"
                             "program\"");
    if (s->stack_size > s->memory_size / 2)
        return manifest_fail(m, top,
                             "sys.stack.size takes more than half of sgx.enclave_size; "
                             "raise that");
    if (!finish_argv(m))
        return false;
    char *dir = path_normal("/", s->start_dir ? s->start_dir : "/");
    char *entry = path_normal(dir, s->entrypoint);
    free(s->start_dir);
    free(s->entrypoint);
    s->start_dir = dir;
    s->entrypoint = entry;
    if (s->vcpu_count > VCPU_MAX)
        s->vcpu_count = VCPU_MAX; /* threads share vCPUs: more would not run more */
    while (s->memory_size > 1UL << (s->elrange_bits - 1))
        s->elrange_bits++;
    if (!((m->sign.xfrm_free | m->sign.xfrm_required) & SGX_XFRM_AMX))
        s->ssa_frame_pages = 1;
    m->sign.debug = s->flags & CONFIG_F_DEBUG;
    order_mounts(m);
    return true;
}

bool manifest_parse(struct manifest *m, const char *name, const char *text, size_t len)
{
    struct toml_error err;
    *m = (struct manifest){
        .name = name, .sign = SIGN_DATA_DEFAULT, .root_kind = CONFIG_MOUNT_TRUSTED};
    settings_init(&m->settings);
    struct toml_value *doc = toml_parse(text, len, &err);
    if (!doc)
        return manifest_fail(m, err.place, "%s", err.text);
    bool ok = schema_apply(m, keys, sizeof keys / sizeof keys[0], "", m, doc) && manifest_finish(m);
    toml_free(doc);
    return ok;
}

static void files_fini(struct manifest_files *f)
{
    for (size_t i = 0; i < f->count; i++) {
        free(f->list[i].path);
        free(f->list[i].sha256);
    }
    free(f->list);
}

void manifest_fini(struct manifest *m)
{
    settings_fini(&m->settings);
    files_fini(&m->trusted);
    files_fini(&m->allowed);
    free(m->argv_file.path);
    free(m->env_file.path);
    free(m->insecure);
    free(m->root_source);
    *m = (struct manifest){0};
}

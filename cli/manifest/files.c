/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the manifest's lists to the file tree.
 *
 * A trusted or allowed file is named by its host path; the mounts say under which paths it is seen
 * inside.  Such a path is walked component by component, on the host and in the tree at once.  A
 * symbolic link on the way becomes a link in the tree if, followed inside, it leads to the same
 * file; then the walk goes on at its target, so that both names work inside as they do outside.
 * Where that cannot be (the target is not mounted) the link is taken for what it points to, as
 * Gramine does always.  Directories have mode 0755 and time 0, whatever the host says, since those
 * change without the trusted files; files keep their permission bits and modification time.
 */
#include "cli/manifest/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/manifest/interp.h"
#include "cli/manifest/leaves.h"
#include "cli/manifest/manifest.h"
#include "cli/mem.h"
#include "cli/say.h"
#include "cli/manifest/tree.h"
#include "cli/manifest/path.h"

#define LINKS_MAX 40

struct visit {
    struct manifest *m;
    const char *base;
    char **host; /* absolute host path of each mount, NULL without a host side */
    struct leaves *leaves;
    struct file_node *root;
    const struct manifest_file *file; /* the entry at hand, for messages */
};

static bool refuse(struct visit *v, const char *path, const char *what, const char *fix)
{
    return manifest_fail(v->m, v->file ? v->file->place : v->m->entry_place, "%s: %s; %s", path,
                         what, fix);
}

static bool refuse_errno(struct visit *v, const char *path, int error)
{
    const char *fix = error == ENOENT   ? "correct the path or remove it"
                      : error == EACCES ? "sign as a user who may read it, or remove it"
                      : error == EAGAIN ? "sign again when nothing writes to it"
                                        : "correct the path or remove it";
    return refuse(v, path, error == EAGAIN ? "changed while it was hashed" : strerror(error), fix);
}

/* Index of the mount that a path inside belongs to: the last one mounted at or above it. */
static size_t mount_of(const struct visit *v, const char *path, const char **rest)
{
    const char *r;
    size_t found = 0;
    for (size_t i = 0; i < v->m->settings.mount_count; i++) {
        if (!path_below(path, v->m->settings.mounts[i].path, &r))
            continue;
        found = i;
        *rest = r;
    }
    return found;
}

/* The host path behind a path inside, or NULL if that mount has none; free it. */
static char *host_path(const struct visit *v, const char *path)
{
    const char *rest = "";
    size_t i = mount_of(v, path, &rest);
    return v->host[i] ? path_join(v->host[i], rest) : NULL;
}

static bool is_mount_point(const struct visit *v, const char *path)
{
    for (size_t i = 1; i < v->m->settings.mount_count; i++)
        if (!strcmp(path, v->m->settings.mounts[i].path))
            return true;
    return false;
}

/* True if both names lead to one file, or both to nothing. */
static bool same_file(const char *a, const char *b)
{
    struct stat sa, sb;
    bool none_a = stat(a, &sa), none_b = stat(b, &sb);
    return none_a || none_b ? none_a && none_b : sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/*
 * The target of the symbolic link `host`, which lies in the directory `dir` inside, if it leads to
 * the same file inside as outside; else NULL.  free() it.  *pseudo (may be NULL): it leads to /dev
 * or /proc, where nothing can be hashed.
 */
static char *link_target(const struct visit *v, const char *dir, const char *host, bool *pseudo)
{
    char buf[PATH_MAX];
    ssize_t n = readlink(host, buf, sizeof buf - 1);
    if (n <= 0)
        return NULL;
    char *target = mem_string_n(buf, (size_t)n);
    char *there = path_normal(dir, target);
    char *there_host = host_path(v, there);
    const char *rest;
    uint32_t kind = v->m->settings.mounts[mount_of(v, there, &rest)].kind;
    bool same = there_host ? same_file(host, there_host)
                           : kind == CONFIG_MOUNT_DEV || kind == CONFIG_MOUNT_PROC;
    if (pseudo)
        *pseudo = !there_host;
    free(there);
    free(there_host);
    if (same)
        return target;
    free(target);
    return NULL;
}

/* What a walk does with a component that is not in the tree yet. */
enum step { STEP_ERROR, STEP_NODE, STEP_LINK, STEP_MISSING };

/* A walk: `at` is the canonical path so far, whose node is `node`. */
struct walk {
    struct visit *v;
    struct file_node *node;
    char *at;
    char *todo; /* what is left, relative to `at` */
    int links;
};

static void walk_set(char **to, char *value)
{
    free(*to);
    *to = value;
}

/* Puts the component at path `here` (host path `host`) into the tree. */
static enum step walk_new(struct walk *w, const char *name, size_t len, const char *host, bool last,
                          struct file_node **made)
{
    struct stat st;
    char *target = NULL;
    if (lstat(host, &st))
        return STEP_MISSING;
    if (S_ISLNK(st.st_mode)) {
        target = link_target(w->v, w->at, host, NULL);
        if (!target && stat(host, &st))
            return STEP_MISSING;
    }
    if (target) {
        *made = tree_add(w->node, name, len, CONFIG_NODE_LNK);
        (*made)->mode = 0777;
        (*made)->target = target;
        return STEP_LINK;
    }
    if (!last && !S_ISDIR(st.st_mode)) {
        refuse_errno(w->v, host, ENOTDIR);
        return STEP_ERROR;
    }
    /* A file is marked as not hashed yet by its size; see add_trusted. */
    *made = tree_add(w->node, name, len, S_ISDIR(st.st_mode) ? CONFIG_NODE_DIR : CONFIG_NODE_REG);
    if (!S_ISDIR(st.st_mode))
        (*made)->size = UINT64_MAX;
    return STEP_NODE;
}

/* Follows a link: what is left is its target and what was left. */
static bool walk_link(struct walk *w, const struct file_node *link)
{
    if (++w->links > LINKS_MAX)
        return refuse_errno(w->v, w->v->file->path, ELOOP);
    char *todo = mem_format("%s/%s", link->target, w->todo);
    char *path = path_normal(w->at, todo);
    walk_set(&w->todo, path);
    walk_set(&w->at, mem_string("/"));
    free(todo);
    w->node = w->v->root;
    return true;
}

/* What to do at the end of a walk. */
enum goal { GOAL_TRUSTED, GOAL_ALLOWED };

/* One component; false after an error. */
static bool walk_step(struct walk *w, enum goal goal)
{
    char *p = w->todo + strspn(w->todo, "/");
    size_t len = strcspn(p, "/");
    bool last = !p[len + strspn(p + len, "/")];
    char *name = mem_string_n(p, len), *rest = mem_string(p + len);
    char *here = path_normal(w->at, name), *host = NULL;
    struct file_node *next = tree_child(w->node, name, len);
    enum step step = next ? next->kind == CONFIG_NODE_LNK ? STEP_LINK : STEP_NODE : STEP_MISSING;
    bool ok = true;
    walk_set(&w->todo, rest);
    if (!next && last && goal == GOAL_ALLOWED) {
        next = tree_add(w->node, name, len, CONFIG_NODE_HOST);
        step = STEP_NODE;
    } else if (!next) {
        host = host_path(w->v, here);
        if (!host) /* a tmpfs, say: it has no files to begin with */
            ok = refuse(w->v, here, "lies in a mount without files of the host", "remove it");
        else
            step = walk_new(w, name, len, host, last, &next);
        if (ok && step == STEP_MISSING)
            ok = refuse_errno(w->v, host, errno);
    }
    if (ok && step == STEP_NODE && next && next->kind == CONFIG_NODE_REG && !last)
        ok = refuse_errno(w->v, here, ENOTDIR);
    if (ok && step == STEP_LINK && next && !(last && goal == GOAL_ALLOWED)) {
        ok = walk_link(w, next);
    } else if (ok && step != STEP_ERROR) {
        w->node = next;
        walk_set(&w->at, mem_string(here));
    }
    free(name);
    free(here);
    free(host);
    return ok && step != STEP_ERROR;
}

/* Walks to `path` inside; NULL after an error.  *at (if not NULL) gets the canonical path. */
static struct file_node *walk(struct visit *v, const char *path, enum goal goal, char **at)
{
    struct walk w = {v, v->root, mem_string("/"), mem_string(path), 0};
    bool ok = true;
    while (ok && w.todo[strspn(w.todo, "/")])
        ok = walk_step(&w, goal);
    free(w.todo);
    if (ok && at)
        *at = w.at;
    else
        free(w.at);
    return ok ? w.node : NULL;
}

static bool check_digest(struct visit *v, const char *host, const uint8_t digest[32])
{
    char hex[65];
    for (int i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    if (!strcasecmp(hex, v->file->sha256))
        return true;
    return refuse(v, host, "its SHA-256 is not the manifest's",
                  "restore the file or correct sha256");
}

/* Hashes the file behind `path` inside into its node. */
static bool hash_file(struct visit *v, const char *path, struct file_node *n, bool digest)
{
    uint8_t whole[32];
    struct stat st;
    char *host = host_path(v, path);
    int fd = open(host, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool ok = fd >= 0 && !fstat(fd, &st);
    if (!ok) {
        refuse_errno(v, host, errno);
    } else if (!S_ISREG(st.st_mode)) {
        ok = refuse(v, host, "is no regular file", "list it in sgx.allowed_files or remove it");
    } else {
        int err = leaves_hash(v->leaves, fd, n, digest ? whole : NULL);
        ok = !err || refuse_errno(v, host, -err);
        if (ok && digest)
            ok = check_digest(v, host, whole);
    }
    if (fd >= 0)
        close(fd);
    free(host);
    return ok;
}

static bool expand(struct visit *v, const char *path, struct file_node *n);

/*
 * A symbolic link in a directory that is trusted as a whole.  The file that it leads to is trusted
 * too, wherever it is; a directory is not, nor is what is missing.
 */
static bool expand_link(struct visit *v, struct file_node *dir, const char *path, const char *name,
                        const char *host)
{
    struct stat end;
    bool pseudo, ok = true;
    char *target = link_target(v, path, host, &pseudo);
    bool file = !stat(host, &end) && S_ISREG(end.st_mode) && !(target && pseudo);
    if (file) {
        char *at = NULL, *here = mem_format("%s/%s", path[1] ? path : "", name);
        struct file_node *n = walk(v, here, GOAL_TRUSTED, &at);
        ok = n && (n->size != UINT64_MAX || hash_file(v, at, n, false));
        free(at);
        free(here);
    } else if (target) {
        struct file_node *n = tree_add(dir, name, strlen(name), CONFIG_NODE_LNK);
        n->mode = 0777;
        n->target = mem_string(target);
    }
    free(target);
    return ok;
}

/* One name of a directory that is trusted as a whole. */
static bool expand_name(struct visit *v, struct file_node *dir, const char *path, const char *name)
{
    char *here = mem_format("%s/%s", path[1] ? path : "", name);
    char *host = host_path(v, here);
    struct stat st;
    bool ok = true;
    struct file_node *n = tree_child(dir, name, strlen(name));
    if (!host || is_mount_point(v, here)) {
        ; /* another mount covers it */
    } else if (lstat(host, &st)) {
        ok = errno == ENOENT || refuse_errno(v, host, errno);
    } else if (S_ISDIR(st.st_mode)) {
        if (!n)
            n = tree_add(dir, name, strlen(name), CONFIG_NODE_DIR);
        ok = expand(v, here, n);
    } else if (S_ISREG(st.st_mode)) {
        if (!n)
            n = tree_add(dir, name, strlen(name), CONFIG_NODE_REG);
        ok = hash_file(v, here, n, false);
    } else if (S_ISLNK(st.st_mode) && !n) {
        ok = expand_link(v, dir, path, name, host);
    }
    free(here);
    free(host);
    return ok;
}

static int name_filter(const struct dirent *e)
{
    return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

static int name_order(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* All below the directory at the canonical path `path` inside. */
static bool expand(struct visit *v, const char *path, struct file_node *n)
{
    struct dirent **names;
    char *host = host_path(v, path);
    int count = host ? scandir(host, &names, name_filter, name_order) : 0;
    bool ok = count >= 0 || refuse_errno(v, host, errno);
    for (int i = 0; i < count; i++) {
        ok = ok && expand_name(v, n, path, names[i]->d_name);
        free(names[i]);
    }
    if (host && count >= 0)
        free(names);
    free(host);
    return ok;
}

static bool add_trusted(struct visit *v, const char *path, bool directory)
{
    char *at = NULL;
    struct file_node *n = walk(v, path, GOAL_TRUSTED, &at);
    bool ok = n;
    if (ok && directory) {
        if (n->kind == CONFIG_NODE_REG)
            ok = refuse(v, path, "is no directory", "remove the slash at the end");
        else
            ok = expand(v, at, n);
    } else if (ok && n->kind != CONFIG_NODE_REG) {
        ok = refuse(v, path, "is a directory", "add a slash to trust all that is in it");
    } else if (ok && (n->size == UINT64_MAX || v->file->sha256)) {
        ok = hash_file(v, at, n, v->file->sha256);
    }
    free(at);
    return ok;
}

static bool add_allowed(struct visit *v, const char *path)
{
    struct file_node *n = walk(v, path, GOAL_ALLOWED, NULL);
    if (!n)
        return false;
    if (n->kind != CONFIG_NODE_DIR && n->kind != CONFIG_NODE_HOST)
        return refuse(v, path, "is both trusted and allowed", "remove it from one of the lists");
    n->kind = CONFIG_NODE_HOST;
    return true;
}

static bool is_directory(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* Everywhere that the file is seen inside. */
static bool add_file(struct visit *v, const struct manifest_file *f, enum goal goal)
{
    char *host = path_normal(v->base, f->path);
    bool directory = f->path[strlen(f->path) - 1] == '/', ok = true;
    size_t seen = 0;
    v->file = f;
    for (size_t i = 0; ok && i < v->m->settings.mount_count; i++) {
        const char *rest, *covered = "", *top = v->m->settings.mounts[i].path;
        char *inside = NULL;
        bool whole = directory;
        if (v->host[i] && path_below(host, v->host[i], &rest)) {
            inside = path_join(top, rest);
        } else if (v->host[i] && (directory || goal == GOAL_ALLOWED) &&
                   path_below(v->host[i], host, &rest)) {
            inside = mem_string(top); /* the mount shows a part of it */
            whole = is_directory(v->host[i]);
        }
        if (inside && mount_of(v, inside, &covered) == i) {
            ok = goal == GOAL_TRUSTED ? add_trusted(v, inside, whole) : add_allowed(v, inside);
            seen++;
        }
        free(inside);
    }
    if (ok && !seen)
        say_note("%s:%u: %s is not visible in any mount; left out", v->m->name, f->place.line,
                 f->path);
    free(host);
    return ok;
}

/* Mount points and the directories above them are there whatever the host has. */
static void add_mount_points(struct visit *v)
{
    for (size_t i = 1; i < v->m->settings.mount_count; i++) {
        struct file_node *n = v->root;
        const char *p = v->m->settings.mounts[i].path;
        bool file = v->host[i] && !is_directory(v->host[i]);
        while (*p) {
            size_t len = strcspn(++p, "/");
            struct file_node *c = tree_child(n, p, len);
            if (!p[len] && file && !c) /* a mounted file: it comes with the list that names it */
                break;
            n = c ? c : tree_add(n, p, len, CONFIG_NODE_DIR);
            p += len;
        }
    }
}

/* A whole small file of the host as a string; NULL with an error. */
static char *read_file(struct visit *v, const struct manifest_file *f, size_t *len)
{
    char *path = path_normal(v->base, f->path), *text = NULL;
    FILE *file = fopen(path, "re");
    size_t room = 0;
    ssize_t n = file ? getdelim(&text, &room, EOF, file) : -1;
    v->file = f;
    if (!file || (n < 0 && ferror(file))) {
        refuse_errno(v, path, errno);
        free(text);
        text = NULL;
    } else {
        *len = n < 0 ? 0 : (size_t)n;
    }
    if (file)
        fclose(file);
    free(path);
    return text;
}

/* loader.argv_src_file and loader.env_src_file: strings that each end with a NUL byte. */
static bool take_strings(struct visit *v, const struct manifest_file *f, bool env)
{
    size_t len = 0;
    if (!f->path)
        return true;
    char *text = read_file(v, f, &len);
    bool ok = text && len && !text[len - 1];
    if (text && !ok)
        refuse(v, f->path, "does not consist of strings that end with a NUL byte",
               "make it with gramine-argv-serializer or printf '%s\\0'");
    for (char *p = text; ok && p < text + len; p += strlen(p) + 1) {
        char *equals = strchr(p, '=');
        if (!env) {
            settings_add_arg(&v->m->settings, p);
        } else if (!equals || equals == p) {
            ok = refuse(v, f->path, "has a string that is not NAME=VALUE", "correct it");
        } else {
            char *name = mem_string_n(p, (size_t)(equals - p));
            settings_add_env(&v->m->settings, name, equals + 1);
            free(name);
        }
    }
    free(text);
    return ok;
}

/* A program whose loader is missing inside would end with "not found", which misleads. */
static void hint_interpreter(struct visit *v, const char *entry)
{
    char head[16384], interp[256] = "", *at = NULL;
    struct file_node *n = walk(v, entry, GOAL_TRUSTED, &at);
    char *host = n ? host_path(v, at) : NULL;
    int fd = host ? open(host, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t len = fd >= 0 ? read(fd, head, sizeof head) : -1;
    if (len > 0)
        interp_find(head, (size_t)len, interp, sizeof interp);
    if (interp[0] && !tree_resolve(v->root, interp))
        say_note("%s: %s needs %s, which is neither trusted nor allowed: it will not start",
                 v->m->name, entry, interp);
    if (fd >= 0)
        close(fd);
    free(host);
    free(at);
}

static bool check_entry(struct visit *v)
{
    const char *entry = v->m->settings.entrypoint, *rest;
    uint32_t kind = v->m->settings.mounts[mount_of(v, entry, &rest)].kind;
    struct file_node *n = tree_resolve(v->root, entry);
    if (v->m->settings.file_policy != CONFIG_FILES_STRICT || kind != CONFIG_MOUNT_TRUSTED)
        return true;
    if (n && n->kind == CONFIG_NODE_REG)
        hint_interpreter(v, entry);
    if (n && (n->kind == CONFIG_NODE_REG || n->kind == CONFIG_NODE_HOST))
        return true;
    return manifest_fail(v->m, v->m->entry_place,
                         "libos.entrypoint = \"%s\" is neither trusted nor "
                         "allowed; add it to sgx.trusted_files",
                         entry);
}

bool files_visit(struct manifest *m, const char *base, struct leaves *l)
{
    struct settings *s = &m->settings;
    struct visit v = {.m = m, .base = base, .leaves = l, .root = tree_new()};
    bool ok = true;
    s->files = v.root;
    v.host = mem_new(s->mount_count * sizeof *v.host);
    for (size_t i = 0; i < s->mount_count; i++)
        if (s->mounts[i].source)
            v.host[i] = path_normal(base, s->mounts[i].source);
    add_mount_points(&v);
    for (size_t i = 0; ok && i < m->trusted.count; i++)
        ok = add_file(&v, &m->trusted.list[i], GOAL_TRUSTED);
    for (size_t i = 0; ok && i < m->allowed.count; i++)
        ok = add_file(&v, &m->allowed.list[i], GOAL_ALLOWED);
    leaves_done(l);
    s->leaves_len = l->len;
    ok = ok && take_strings(&v, &m->argv_file, false) && take_strings(&v, &m->env_file, true) &&
         check_entry(&v);
    for (size_t i = 0; i < s->mount_count; i++)
        free(v.host[i]);
    free(v.host);
    return ok;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths.  An executable in PREFIX/bin has its kernel in PREFIX/LIBDIR/cella and its helper in
 * PREFIX/LIBEXECDIR/cella (the build says which directories these are); one in a build directory
 * has both beside it.
 */
#include "cli/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/host/layout.h"
#include "cli/mem.h"
#include "cli/say.h"

#ifndef CELLA_LIBDIR
#define CELLA_LIBDIR "lib"
#endif
#ifndef CELLA_LIBEXECDIR
#define CELLA_LIBEXECDIR "libexec"
#endif

/* Directory of the running executable, without a trailing slash; free it. */
static char *own_directory(void)
{
    char buf[4096];
    ssize_t n = readlink("/proc/self/exe", buf, sizeof buf - 1);
    while (n > 0 && buf[n - 1] != '/')
        n--;
    return mem_string_n(n > 1 ? buf : "/", n > 1 ? (size_t)n - 1 : 1);
}

/*
 * The file beside this executable; else PREFIX/installed/name, where this executable lies in
 * PREFIX/bin or PREFIX/libexec/cella.  If there is none, the first of these.
 */
static char *own_file(const char *name, const char *installed)
{
    static const char *const up[] = {"/..", "/../.."};
    char *dir = own_directory();
    char *file = mem_format("%s/%s", dir, name);
    for (size_t i = 0; i < 2 && access(file, F_OK); i++) {
        char *there = mem_format("%s%s/%s/cella/%s", dir, up[i], installed, name);
        if (access(there, F_OK)) {
            free(there);
            continue;
        }
        free(file);
        file = there;
    }
    free(dir);
    return file;
}

char *paths_signer(void)
{
    return own_file("cella-sign", CELLA_LIBEXECDIR);
}

bool kernel_file_open(struct kernel_file *k, const char *path)
{
    struct stat st;
    const char *why = NULL;
    *k = (struct kernel_file){.path =
                                  path ? mem_string(path) : own_file("cella-kernel", CELLA_LIBDIR)};
    int fd = open(k->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) {
        say_error("cannot open the kernel image %s: %s", k->path, strerror(errno));
        goto fail;
    }
    k->len = (size_t)st.st_size;
    k->map = k->len ? mmap(NULL, k->len, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    if (k->map == MAP_FAILED) {
        k->map = NULL;
        say_error("cannot map the kernel image %s: %s", k->path, strerror(errno));
        goto fail;
    }
    close(fd);
    fd = -1;
    if (!image_parse(&k->img, k->map, k->len, CONFIG_OFF, &why))
        return true;
    say_error("damaged kernel image %s: %s; build or install Cella again", k->path, why);
fail:
    if (fd >= 0)
        close(fd);
    kernel_file_close(k);
    return false;
}

void kernel_file_close(struct kernel_file *k)
{
    if (k->map)
        munmap(k->map, k->len);
    free(k->path);
    *k = (struct kernel_file){0};
}

static char *user_file(const char *variable, const char *fallback, const char *name)
{
    const char *dir = getenv(variable), *home = getenv("HOME");
    if (dir && dir[0] == '/')
        return mem_format("%s/cella/%s", dir, name);
    if (home && home[0] == '/')
        return mem_format("%s/%s/cella/%s", home, fallback, name);
    return NULL;
}

char *paths_config(const char *name)
{
    return user_file("XDG_CONFIG_HOME", ".config", name);
}

char *paths_cache(const char *name)
{
    return user_file("XDG_CACHE_HOME", ".cache", name);
}

void paths_make_parents(const char *file)
{
    char *copy = mem_string(file);
    for (char *p = copy + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = 0;
        mkdir(copy, 0700); /* EEXIST is the rule; others show later */
        *p = '/';
    }
    free(copy);
}

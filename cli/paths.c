/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths.  An executable in PREFIX/bin has its kernel in PREFIX/lib/cella and its helper in
 * PREFIX/libexec/cella; one in a build directory has both beside it.
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

/* Directory of the running executable, without a trailing slash; free it. */
static char *own_directory(void)
{
    char buf[4096];
    ssize_t n = readlink("/proc/self/exe", buf, sizeof buf - 1);
    while (n > 0 && buf[n - 1] != '/')
        n--;
    return mem_string_n(n > 1 ? buf : "/", n > 1 ? (size_t)n - 1 : 1);
}

/* DIR/name, or DIR/../installed/name if only that exists. */
static char *own_file(const char *name, const char *installed)
{
    char *dir = own_directory();
    char *beside = mem_format("%s/%s", dir, name);
    char *there = mem_format("%s/../%s/%s", dir, installed, name);
    bool pick = access(beside, F_OK) && !access(there, F_OK);
    free(dir);
    free(pick ? beside : there);
    return pick ? there : beside;
}

char *paths_signer(void)
{
    return own_file("cella-sign", "libexec/cella");
}

static char *kernel_path(void)
{
    char *path = own_file("cella-kernel", "lib/cella");
    if (!access(path, F_OK))
        return path;
    free(path);
    return own_file("cella-kernel", "../lib/cella"); /* from libexec/cella */
}

bool kernel_file_open(struct kernel_file *k, const char *path)
{
    struct stat st;
    const char *why = NULL;
    *k = (struct kernel_file){.path = path ? mem_string(path) : kernel_path()};
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

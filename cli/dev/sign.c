/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of development SIGSTRUCTs.
 *
 * An entry's name is a digest of the kernel image's identity (device, inode, size, times) and the
 * configuration, not MRENCLAVE, because measuring would cost each start a millisecond that EINIT
 * spends again anyway.  A stale or spoilt entry is refused by EINIT and then forgotten.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/dev/dev.h"
#include "cli/mem.h"
#include "cli/outfile.h"
#include "cli/paths.h"
#include "cli/say.h"
#include "lib/sha256.h"

extern char **environ;

/* Path of the cache entry, or NULL; free it. */
static char *cache_entry(const struct kernel_file *k, const void *config, size_t config_len)
{
    struct stat st;
    uint8_t digest[SHA256_SIZE];
    char name[2 * 16 + sizeof ".sigstruct"];
    const size_t digits = 2 * 16;
    struct sha256 s;
    if (stat(k->path, &st))
        return NULL;
    uint64_t id[] = {st.st_dev,
                     st.st_ino,
                     (uint64_t)st.st_size,
                     (uint64_t)st.st_mtim.tv_sec,
                     (uint64_t)st.st_mtim.tv_nsec,
                     (uint64_t)st.st_ctim.tv_sec,
                     (uint64_t)st.st_ctim.tv_nsec};
    sha256_init(&s);
    sha256_update(&s, id, sizeof id);
    sha256_update(&s, config, config_len);
    sha256_final(&s, digest);
    for (int i = 0; i < 16; i++)
        snprintf(name + 2 * i, 3, "%02x", digest[i]);
    snprintf(name + digits, sizeof name - digits, ".sigstruct");
    return paths_cache(name);
}

/* Reads exactly one SIGSTRUCT. */
static bool read_sigstruct(int fd, struct sigstruct *s)
{
    const char *why;
    char extra, *p = (char *)s;
    size_t have = 0;
    while (have < sizeof *s) {
        ssize_t n = read(fd, p + have, sizeof *s - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        have += (size_t)n;
    }
    return read(fd, &extra, 1) == 0 && sigstruct_check(s, &why);
}

static bool cache_load(const char *entry, struct sigstruct *s)
{
    int fd = entry ? open(entry, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return false;
    bool ok = read_sigstruct(fd, s);
    close(fd);
    return ok;
}

/* A cache that cannot be written is no error: the next start signs again. */
static void cache_store(const char *entry, const struct sigstruct *s)
{
    struct outfile o;
    if (!entry)
        return;
    paths_make_parents(entry);
    int err = outfile_open(&o, entry, 0600);
    if (!err) {
        outfile_write(&o, s, sizeof *s);
        err = outfile_commit(&o, true);
    }
    if (err)
        say_detail("cannot keep the development signature in %s: %s", entry, strerror(-err));
}

/* Runs `cella-sign dev`, which writes a SIGSTRUCT to its standard output. */
static bool sign(const struct kernel_file *k, struct sigstruct *s)
{
    int pipefd[2], status = -1;
    pid_t pid;
    char *signer = paths_signer();
    char *argv[] = {signer, (char *)"dev", (char *)"--kernel", k->path, NULL};
    posix_spawn_file_actions_t act;
    if (pipe2(pipefd, O_CLOEXEC)) {
        free(signer);
        return false;
    }
    posix_spawn_file_actions_init(&act);
    posix_spawn_file_actions_adddup2(&act, pipefd[1], STDOUT_FILENO);
    int err = posix_spawn(&pid, signer, &act, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&act);
    close(pipefd[1]);
    bool ok = !err && read_sigstruct(pipefd[0], s);
    close(pipefd[0]);
    if (err)
        say_error("cannot run %s: %s", signer, strerror(err));
    free(signer);
    if (err)
        return false;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!ok && status == 0)
        say_error("cella-sign gave no signature");
    return ok && status == 0;
}

bool dev_sigstruct(const struct kernel_file *k, const void *config, size_t config_len,
                   struct sigstruct *s)
{
    char *entry = cache_entry(k, config, config_len);
    bool ok = cache_load(entry, s);
    if (!ok) {
        ok = sign(k, s);
        if (ok)
            cache_store(entry, s);
    }
    free(entry);
    return ok;
}

void dev_forget(const struct kernel_file *k, const void *config, size_t config_len)
{
    char *entry = cache_entry(k, config, config_len);
    if (entry)
        unlink(entry);
    free(entry);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's secret, which stands for the fuses of a CPU: 32 random bytes in a file that only
 * its owner can read.  $SOFTSGX_ROOT_KEY names it; else /var/lib/softsgx/root.key for root, else
 * $XDG_STATE_HOME/softsgx/root.key.  Made when it is first needed: written under another name and
 * linked, so that of two processes that race both use the one that got there first.
 */
#include "softsgx/driver/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_SIZE 32
#define PATH_SIZE 4096

static uint8_t key[KEY_SIZE];
static bool loaded;

const uint8_t *rootkey(void)
{
    return key;
}

static int path_find(char path[PATH_SIZE])
{
    const char *set = getenv("SOFTSGX_ROOT_KEY"), *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int n;
    if (set && *set)
        n = snprintf(path, PATH_SIZE, "%s", set);
    else if (geteuid() == 0)
        n = snprintf(path, PATH_SIZE, "/var/lib/softsgx/root.key");
    else if (state && state[0] == '/')
        n = snprintf(path, PATH_SIZE, "%s/softsgx/root.key", state);
    else if (home && *home)
        n = snprintf(path, PATH_SIZE, "%s/.local/state/softsgx/root.key", home);
    else
        return why(-ENOENT, "no place for the root key: set HOME or SOFTSGX_ROOT_KEY");
    return n < PATH_SIZE - 32 ? 0 : why(-ENAMETOOLONG, "the root key's path is too long");
}

static void parents_make(const char *path)
{
    char dir[PATH_SIZE];
    snprintf(dir, sizeof(dir), "%s", path);
    for (char *p = dir + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = 0;
        mkdir(dir, 0700);
        *p = '/';
    }
}

static int file_make(const char *path)
{
    char tmp[PATH_SIZE + 32];
    uint8_t fresh[KEY_SIZE];
    parents_make(path);
    snprintf(tmp, sizeof(tmp), "%s.%ld.tmp", path, (long)getpid());
    int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int err = 0;
    if (getrandom(fresh, sizeof(fresh), 0) != KEY_SIZE || write(fd, fresh, KEY_SIZE) != KEY_SIZE ||
        fsync(fd))
        err = errno ? -errno : -EIO;
    close(fd);
    if (!err && link(tmp, path) && errno != EEXIST)
        err = -errno;
    unlink(tmp);
    return err;
}

static int file_read(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    uint8_t buf[KEY_SIZE + 1];
    ssize_t n = read(fd, buf, sizeof(buf));
    int err = n < 0 ? -errno : n == KEY_SIZE ? 0 : -EBADMSG;
    close(fd);
    if (!err)
        memcpy(key, buf, KEY_SIZE);
    return err;
}

int rootkey_load(void)
{
    char path[PATH_SIZE];
    if (loaded)
        return 0;
    int err = path_find(path);
    if (err)
        return err;
    err = file_read(path);
    if (err == -ENOENT) {
        err = file_make(path);
        if (err)
            return why(err, "cannot make the root key %s: %s; set SOFTSGX_ROOT_KEY to another file",
                       path, strerror(-err));
        err = file_read(path);
    }
    if (err == -EBADMSG)
        return why(-EIO, "the root key %s is damaged (not 32 bytes)", path);
    if (err)
        return why(err, "cannot read the root key %s: %s", path, strerror(-err));
    loaded = true;
    return 0;
}

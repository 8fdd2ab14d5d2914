/* SPDX-License-Identifier: Apache-2.0 */
/* Where live enclaves are found: see place.h. */
#include "cli/live/place.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/mem.h"
#include "cli/say.h"

#define SAME_NAME_MAX 1000

static char *base_path(void)
{
    const char *run = getenv("XDG_RUNTIME_DIR");
    struct stat st;
    if (run && run[0] == '/')
        return mem_format("%s/cella", run);
    char *dir = mem_format("/run/user/%u", geteuid());
    bool there = !stat(dir, &st) && st.st_uid == geteuid();
    char *path = there ? mem_format("%s/cella", dir) : mem_format("/run/cella-%u", geteuid());
    free(dir);
    return path;
}

/* Opens a directory if it is ours and nobody else's; -1 with errno. */
static int open_private(int at, const char *path)
{
    struct stat st;
    int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (!fstat(fd, &st) && st.st_uid == geteuid() && !(st.st_mode & 077))
        return fd;
    close(fd);
    errno = EPERM;
    return -1;
}

static const char *why(int err)
{
    return err == EPERM ? "it is not yours alone (mode 0700)" : strerror(err);
}

/* The directory of all enclaves; -1 after a message, if `must` or if there is something wrong with it. */
static int open_base(bool must)
{
    char *path = base_path();
    if (must)
        (void)mkdir(path, 0700);
    int fd = open_private(AT_FDCWD, path);
    if (fd < 0 && (must || (errno != ENOENT && errno != ENOTDIR)))
        say_error("cannot use %s: %s; set XDG_RUNTIME_DIR to a private directory", path,
                  why(errno));
    free(path);
    return fd;
}

static bool name_ok(const char *name)
{
    size_t n = strlen(name);
    if (!n || n > PLACE_NAME_MAX || !isalnum((unsigned char)name[0]))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("._-", name[i]))
            return false;
    return true;
}

static bool check_name(const char *name)
{
    if (!name_ok(name))
        say_error("\"%s\" is no name of an enclave: letters, digits and ._-, %d at most", name,
                  PLACE_NAME_MAX);
    return name_ok(name);
}

/* 1: ours now; 0: it is somebody's; -1 with errno. */
static int try_take(struct place *p, int base)
{
    (void)mkdirat(base, p->name, 0700);
    p->dir = open_private(base, p->name);
    if (p->dir < 0)
        return -1;
    p->lock = openat(p->dir, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (p->lock >= 0 && !fcntl(p->lock, F_OFD_SETLK, &whole))
        return 1;
    int err = errno;
    if (p->lock >= 0)
        close(p->lock);
    close(p->dir);
    errno = err;
    return err == EAGAIN || err == EACCES ? 0 : -1;
}

/* What a file's name makes a good name of: app of ./app.cella. */
static void name_like(char *out, const char *file)
{
    const char *slash = strrchr(file, '/'), *dot = strrchr(file, '.');
    const char *from = slash ? slash + 1 : file;
    size_t n = dot > from ? (size_t)(dot - from) : strlen(from);
    n = n < PLACE_NAME_MAX ? n : PLACE_NAME_MAX;
    for (size_t i = 0; i < n; i++)
        out[i] = isalnum((unsigned char)from[i]) || strchr("._-", from[i]) ? from[i] : '-';
    out[n] = '\0';
    if (!name_ok(out))
        snprintf(out, PLACE_NAME_MAX, "enclave");
}

static int take_some(struct place *p, int base, const char *like)
{
    char stem[PLACE_NAME_MAX + 1];
    name_like(stem, like);
    for (int i = 1; i < SAME_NAME_MAX; i++) {
        snprintf(p->name, sizeof p->name, i > 1 ? "%s-%d" : "%s", stem, i);
        int taken = try_take(p, base);
        if (taken)
            return taken;
    }
    errno = EEXIST;
    return -1;
}

bool place_take(struct place *p, const char *name, const char *like)
{
    int taken;
    if (name && !check_name(name))
        return false;
    int base = open_base(true);
    if (base < 0)
        return false;
    if (name) {
        snprintf(p->name, sizeof p->name, "%s", name);
        taken = try_take(p, base);
    } else {
        taken = take_some(p, base, like);
    }
    if (!taken)
        say_error("an enclave named %s runs already", name);
    else if (taken < 0)
        say_error("cannot use the directory of %s: %s", p->name, why(errno));
    close(base);
    return taken > 0;
}

/* By the descriptor, as a socket's path may only have 107 bytes, and is the one that was checked. */
static void address(struct sockaddr_un *a, int dir)
{
    *a = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(a->sun_path, sizeof a->sun_path, "/proc/self/fd/%d/control", dir);
}

int place_listen(struct place *p)
{
    struct sockaddr_un a;
    mode_t mask = umask(077);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    address(&a, p->dir);
    (void)unlinkat(p->dir, "control", 0);
    bool ok = fd >= 0 && !bind(fd, (struct sockaddr *)&a, sizeof a) && !listen(fd, 128);
    if (!ok)
        say_error("cannot make a socket for %s: %s", p->name, strerror(errno));
    umask(mask);
    if (!ok && fd >= 0)
        close(fd);
    return ok ? fd : -1;
}

int place_log(struct place *p)
{
    int fd = openat(p->dir, "log", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
                    0600);
    if (fd < 0)
        say_error("cannot make the log of %s: %s", p->name, strerror(errno));
    return fd;
}

void place_leave(struct place *p)
{
    (void)unlinkat(p->dir, "control", 0);
}

/* The enclave's directory; -1, silently. */
static int open_place(const char *name)
{
    int base = open_base(false);
    if (base < 0)
        return -1;
    int dir = open_private(base, name);
    close(base);
    return dir;
}

static bool peer_is_us(int fd, int *pid)
{
    struct ucred c;
    socklen_t len = sizeof c;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len) || c.uid != geteuid())
        return false;
    if (pid)
        *pid = c.pid;
    return true;
}

int place_connect(const char *name, int *pid)
{
    struct sockaddr_un a;
    if (!check_name(name))
        return -1;
    int dir = open_place(name);
    int fd = dir >= 0 ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
    address(&a, dir);
    bool ok = fd >= 0 && !connect(fd, (struct sockaddr *)&a, sizeof a) && peer_is_us(fd, pid);
    if (!ok)
        say_error("no enclave named %s runs; see cella list", name);
    if (!ok && fd >= 0)
        close(fd);
    if (dir >= 0)
        close(dir);
    return ok ? fd : -1;
}

static bool lives_at(int base, const char *name)
{
    int dir = open_private(base, name);
    int lock = dir >= 0 ? openat(dir, "lock", O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
    struct flock whole = {.l_type = F_RDLCK,
                          .l_whence = SEEK_SET}; /* a look, which takes nothing */
    bool lives = lock >= 0 && !fcntl(lock, F_OFD_GETLK, &whole) && whole.l_type != F_UNLCK;
    if (lock >= 0)
        close(lock);
    if (dir >= 0)
        close(dir);
    return lives;
}

bool place_lives(const char *name)
{
    int base = open_base(false);
    bool lives = base >= 0 && lives_at(base, name);
    if (base >= 0)
        close(base);
    return lives;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **place_list(void)
{
    char **list = mem_push(NULL, 0, sizeof *list);
    size_t n = 0;
    int base = open_base(false);
    DIR *d = base >= 0 ? fdopendir(base) : NULL;
    for (struct dirent *e; d && (e = readdir(d));) {
        if (!name_ok(e->d_name) || !lives_at(base, e->d_name))
            continue;
        list[n++] = mem_string(e->d_name);
        list = mem_push(list, n, sizeof *list);
    }
    list[n] = NULL;
    qsort(list, n, sizeof *list, compare);
    if (d)
        closedir(d);
    return list;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of /proc/<pid> that are written and read back: comm, oom_score_adj and oom_adj, coredump_filter,
 * timerslack_ns, autogroup; those that refuse; namespaces; what a thread in a call shows in `syscall`.
 */
#include "check.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static char text[8192];

/* The text of /proc/self/NAME, or "errno N". */
static const char *rd(const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "/proc/self/%s", name);
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (n < 0)
        snprintf(text, sizeof(text), "errno %d", errno);
    else
        text[n] = 0;
    if (fd >= 0)
        close(fd);
    return text;
}

static int wr(const char *name, const char *value)
{
    char path[128];
    snprintf(path, sizeof(path), "/proc/self/%s", name);
    int fd = open(path, O_WRONLY);
    if (fd < 0)
        return -errno;
    int err = write(fd, value, strlen(value)) == (ssize_t)strlen(value) ? 0 : -errno;
    close(fd);
    return err;
}

#define check_text(name, want) check(!strcmp(rd(name), want))

static int has_cap(int cap)
{
    const char *at = strstr(rd("status"), "CapEff:\t");
    return at && strtoull(at + 8, NULL, 16) >> cap & 1;
}

static void check_comm(void)
{
    char name[16];
    check_eq(wr("comm", "renamed"), 0);
    check_text("comm", "renamed\n");
    check(!prctl(PR_GET_NAME, name) && !strcmp(name, "renamed"));
    check_eq(wr("comm", "0123456789abcdefghi"), 0);
    check_text("comm", "0123456789abcde\n");
    check_eq(wr("comm", "line\n"), 0);
    check_text("comm", "line\n\n");
}

static void check_oom(void)
{
    int privileged = has_cap(24); /* CAP_SYS_RESOURCE */

    check_eq(wr("oom_score_adj", "500\n"), 0);
    check_text("oom_score_adj", "500\n");
    check_text("oom_adj", "8\n");
    check(atoi(rd("oom_score")) >= 990);
    check_eq(wr("oom_score_adj", " 0x200 "), 0);
    check_text("oom_score_adj", "512\n");
    check_eq(wr("oom_score_adj", "1001"), -EINVAL);
    check_eq(wr("oom_score_adj", "-1001"), -EINVAL);
    check_eq(wr("oom_score_adj", "x"), -EINVAL);
    check_eq(wr("oom_score_adj", "1 2"), -EINVAL);
    check_eq(wr("oom_adj", "16"), -EINVAL);
    check_eq(wr("oom_adj", "-18"), -EINVAL);
    check_eq(wr("oom_adj", "15"), 0);
    check_text("oom_score_adj", "1000\n");
    check_text("oom_adj", "15\n");
    check_eq(wr("oom_adj", "-17"), privileged ? 0 : -EACCES);
    check_text("oom_score_adj", privileged ? "-1000\n" : "1000\n");
    if (privileged)
        check_text("oom_score", "0\n");
    check_eq(wr("oom_score", "1"), -EINVAL);
}

static void check_rest(void)
{
    check_eq(wr("coredump_filter", "0x31"), 0);
    check_text("coredump_filter", "00000031\n");
    check_eq(wr("coredump_filter", "y"), -EINVAL);
    check_text("timerslack_ns", "50000\n");
    check_eq(wr("timerslack_ns", "70000"), 0);
    check_eq(prctl(PR_GET_TIMERSLACK), 70000);
    check_eq(wr("timerslack_ns", "0"), 0);
    check_text("timerslack_ns", "50000\n");
    check(!prctl(PR_SET_TIMERSLACK, 1000));
    check_text("timerslack_ns", "1000\n");
    check_eq(wr("autogroup", "5"), 0);
    check(strstr(rd("autogroup"), " nice 5\n") != NULL);
    check_eq(wr("autogroup", "20"), -EINVAL);
    check_text("personality", "00000000\n");
    check_text("wchan", "0");
    check_text("cpuset", "/\n");
    check_text("setgroups", "allow\n");
    check_text("uid_map", "         0          0 4294967295\n");
    check_eq(wr("uid_map", "0 0 1"), -EPERM);
    check_text("attr/current", "errno 22");
    check_eq(wr("attr/exec", "x"), -EINVAL);
    check(strstr(rd("limits"), "\nMax nice priority         ") != NULL);
    check(!strncmp(rd("sched"), "line\n (", 6));
    check(strtoull(rd("schedstat"), NULL, 10) > 0);
    check(!strncmp(rd("mountstats"), "device ", 7));
}

static void check_namespaces(void)
{
    char link[64];
    struct stat st, other;
    long n = readlink("/proc/self/ns/uts", link, sizeof(link) - 1);
    need(n > 0);
    link[n] = 0;
    check(!strncmp(link, "uts:[", 5));
    check_ok(stat("/proc/self/ns/uts", &st));
    check_eq(st.st_ino, strtoul(link + 5, NULL, 10));
    check_eq(st.st_mode, S_IFREG | 0444);
    check_ok(stat("/proc/thread-self/ns/uts", &other));
    check(st.st_ino == other.st_ino && st.st_dev == other.st_dev);
    int fd = (int)check_ok(open("/proc/self/ns/pid", O_RDONLY));
    check_ok(fstat(fd, &st));
    check(st.st_ino != other.st_ino);
    check_err(read(fd, link, 1), EINVAL);
    check_err(open("/proc/self/ns/nothing", O_RDONLY), ENOENT);
}

static int ends[2], other_tid;

static void *reader_main(void *arg)
{
    char c;
    (void)arg;
    prctl(PR_SET_NAME, "reader");
    __atomic_store_n(&other_tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
    check_eq(read(ends[0], &c, 1), 1);
    return NULL;
}

/* The thread waits in read(2). */
static void check_syscall(void)
{
    pthread_t thread;
    char name[64], want[64];
    int tid;

    need(!pipe(ends));
    need(!pthread_create(&thread, NULL, reader_main, NULL));
    while (!(tid = __atomic_load_n(&other_tid, __ATOMIC_ACQUIRE)))
        usleep(1000);
    snprintf(name, sizeof(name), "task/%d/syscall", tid);
    snprintf(want, sizeof(want), "0 0x%x 0x", ends[0]);
    for (int i = 0; i < 1000 && strncmp(rd(name), want, strlen(want)); i++)
        usleep(1000);
    check(!strncmp(rd(name), want, strlen(want)));
    snprintf(name, sizeof(name), "task/%d/stat", tid);
    check(strstr(rd(name), " (reader) S ") != NULL);
    snprintf(name, sizeof(name), "task/%d/comm", tid);
    check_eq(wr(name, "named"), 0);
    check_text(name, "named\n");
    check_eq(write(ends[1], "x", 1), 1);
    pthread_join(thread, NULL);
    check(!strncmp(rd("syscall"), "0 0x", 4)); /* the reader itself */
}

int main(void)
{
    check_comm();
    check_oom();
    check_rest();
    check_namespaces();
    check_syscall();
    return check_done();
}

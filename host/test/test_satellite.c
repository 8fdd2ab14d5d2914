/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Satellites as processes: this program is the base, and run anew ("satellite") the other side.  Its enclave is a
 * loop that gives messages back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/plan.c"
#include "host/satellite.c"

#define FAILS 13       /* a memory limit by which the enclave cannot be built */
#define PATIENCE 20000 /* ms; only a failure waits so long */

struct host host;
const struct sgx_device sgx_device_soft;
static uint64_t rate;
static unsigned cpus = 2, vcpus = 2;

unsigned cpu_count(void)
{
    return cpus;
}

unsigned vcpus_wanted(void)
{
    return vcpus;
}

void clock_rate_set(uint64_t khz)
{
    rate = khz;
}

void host_say(const char *fmt, ...)
{
}

void signals_block_all(sigset_t *old)
{
    sigset_t set;
    sigfillset(&set);
    sigdelset(&set, TICK_SIGNAL);
    pthread_sigmask(SIG_BLOCK, &set, old);
}

/* The pages, the signature and the settings are those of the base. */
int enclave_prepare(void)
{
    const struct runtime_options *o = host.options;
    const struct enclave_layout *l = o->layout;
    bool same = l->run_count == 2 && l->runs[0].len == PAGE_SIZE &&
                l->runs[1].len == 2 * PAGE_SIZE && l->runs[1].addr == 0x7000 &&
                ((const char *)l->runs[0].src)[5] == 'a' &&
                ((const char *)l->runs[1].src)[2 * PAGE_SIZE - 1] == 'b' &&
                !((uint64_t)l->runs[1].src % PAGE_SIZE) && o->sigstruct->date == 0x20260101 &&
                o->vcpus == 2 && rate == 2000000 && o->sgx == RUNTIME_SGX_SOFT && o->trace &&
                !strcmp(o->trace_calls, "open,read") && host.log_fd == -1;
    return same && o->memory_limit != FAILS ? 0 : -ENOMEM;
}

static volatile sig_atomic_t ticked;

static void on_tick(int sig)
{
    ticked = 1;
}

/* A kick ends a receive that waits: "kicked" goes to the base then. */
int vcpu_run(unsigned index)
{
    static const struct sigaction tick = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
    static char buf[HOST_LINK_MAX];
    ssize_t n;

    sigaction(TICK_SIGNAL, &tick, NULL);
    (void)!write(host.log_fd, "in", 2);
    for (;;) {
        ticked = 0;
        n = recv(host.link_fd, buf, sizeof(buf), 0);
        if (n < 0 && errno == EINTR && !ticked)
            continue; /* a receive that has a timeout is ended by a stop, too */
        if (n < 0 && errno == EINTR)
            n = (ssize_t)strlen(strcpy(buf, "kicked"));
        if (n <= 0)
            host.options->finish(0);
        while (send(host.link_fd, buf, (size_t)n, 0) < 0 && errno == EINTR)
            ;
    }
}

/* --- the base ------------------------------------------------------------------------------ */

static struct runtime_options options;
static int log_end; /* what is read of the log */

static int base_setup(void **state)
{
    static char a[PAGE_SIZE], b[2 * PAGE_SIZE];
    static struct enclave_run runs[] = {{0x1000, sizeof(a), a, SECINFO_R},
                                        {0x7000, sizeof(b), b, SECINFO_R | SECINFO_W}};
    static const struct enclave_layout layout = {.runs = runs, .run_count = 2};
    static const struct sigstruct sig = {.date = 0x20260101};
    static struct host_start start = {.clock.tsc_khz = 2000000};
    int ends[2];

    memset(a, 'a', sizeof(a));
    memset(b, 'b', sizeof(b));
    options = (struct runtime_options){.layout = &layout,
                                       .sigstruct = &sig,
                                       .satellites = -1,
                                       .trace = true,
                                       .trace_calls = "open,read"};
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    log_end = ends[0];
    host = (struct host){.options = &options,
                         .device = &sgx_device_soft,
                         .start = &start,
                         .vcpu_count = 4,
                         .log_fd = ends[1],
                         .trace_fd = ends[1],
                         .link_fd = -1};
    pthread_mutex_init(&satellites.lock, NULL);
    memset(satellites.pids, 0, sizeof(satellites.pids));
    satellites.plan = 0;
    return 0;
}

static bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, PATIENCE) == 1;
}

static ssize_t receive(int fd, void *buf, size_t size)
{
    return readable(fd) ? recv(fd, buf, size, MSG_DONTWAIT | MSG_TRUNC) : -1;
}

static void echo(int fd)
{
    char byte = 'x', back = 0;
    assert_int_equal(send(fd, &byte, 1, 0), 1);
    assert_int_equal(receive(fd, &back, 1), 1);
    assert_int_equal(back, byte);
}

/* It ends when nobody but the base can have the log, nor anything else. */
static void end_and_look(void)
{
    char buf[64];
    satellites_end();
    close(host.log_fd);
    while (read(log_end, buf, sizeof(buf)) > 0)
        ;
    close(log_end);
    for (unsigned i = 0; i < SATELLITE_MAX; i++)
        assert_true(!satellites.pids[i] || kill(satellites.pids[i], 0) < 0);
    if (satellites.plan)
        close(satellites.plan);
}

static pid_t only_pid(void)
{
    pid_t pid = 0;
    for (unsigned i = 0; i < SATELLITE_MAX; i++)
        if (satellites.pids[i])
            pid = satellites.pids[i];
    return pid;
}

/* Messages of every length arrive whole, and several have room on the way. */
static void test_messages(void **state)
{
    static const size_t lengths[] = {1, 100, 8192, HOST_LINK_MAX, HOST_LINK_MAX, HOST_LINK_MAX};
    static char out[HOST_LINK_MAX], in[HOST_LINK_MAX];
    int fd = satellite_start();

    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    for (size_t i = 0; i < sizeof(out); i++)
        out[i] = (char)(i * 7);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(send(fd, out, lengths[i], 0), lengths[i]);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(receive(fd, in, sizeof(in)), lengths[i]);
        assert_memory_equal(in, out, lengths[i]);
    }
    close(fd);
    end_and_look();
}

/* Of what the base has inherited, a satellite keeps nothing open. */
static void test_descriptors(void **state)
{
    char byte;
    int ends[2], fd;

    assert_int_equal(pipe(ends), 0); /* as a shell's: open across exec */
    fd = satellite_start();
    assert_true(fd >= 0);
    close(ends[1]);
    assert_true(readable(ends[0])); /* at the latest when it runs the enclave */
    assert_int_equal(read(ends[0], &byte, 1), 0);
    close(ends[0]);
    echo(fd);
    close(fd);
    end_and_look();
}

/* An enclave that cannot be built is the end of its link, and leaves its place to others. */
static void test_failure(void **state)
{
    char byte;
    options.memory_limit = FAILS;
    int fd = satellite_start();
    pid_t pid = only_pid();

    assert_true(fd >= 0);
    assert_int_equal(receive(fd, &byte, 1), 0);
    close(fd);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_non_null(place_find());
    assert_int_equal(only_pid(), 0);
    end_and_look();
}

/* The end of the link is the end of the satellite. */
static void test_link_ends(void **state)
{
    siginfo_t info;
    int fd = satellite_start();

    assert_true(fd >= 0);
    echo(fd);
    close(fd);
    assert_int_equal(waitid(P_PID, (id_t)only_pid(), &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(info.si_code, CLD_EXITED);
    end_and_look();
}

/* What the terminal sends does not reach it, and what is sent to it does not end it. */
static void test_signals(void **state)
{
    int fd = satellite_start();
    pid_t pid = only_pid();

    assert_true(fd >= 0);
    assert_int_equal(getpgid(pid), pid);
    assert_int_not_equal(getpgrp(), pid);
    kill(pid, SIGINT);
    kill(pid, SIGTERM);
    kill(pid, SIGTSTP);
    kill(pid, SIGTTOU);
    echo(fd);
    close(fd);
    end_and_look();
}

/* It stops and goes on with the job. */
static void test_stop(void **state)
{
    siginfo_t info;
    int fd = satellite_start();
    pid_t pid = only_pid();

    assert_true(fd >= 0);
    echo(fd);
    satellites_signal(SIGSTOP);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WSTOPPED), 0);
    assert_int_equal(info.si_code, CLD_STOPPED);
    satellites_signal(SIGCONT);
    echo(fd);
    close(fd);
    end_and_look();
}

/* A base that is killed takes them along. */
static void test_base_dies(void **state)
{
    char byte;
    int told[2];

    assert_int_equal(pipe2(told, O_CLOEXEC), 0);
    pid_t base = fork();
    if (!base) {
        int fd[2] = {satellite_start(), satellite_start()};
        for (int i = 0; i < 2; i++)
            if (send(fd[i], "x", 1, 0) != 1 || receive(fd[i], &byte, 1) != 1)
                _exit(1);
        (void)!write(told[1], "", 1);
        pause();
    }
    close(told[1]);
    assert_int_equal(read(told[0], &byte, 1), 1);
    close(told[0]);
    kill(base, SIGKILL);
    assert_int_equal(waitpid(base, NULL, 0), base);
    close(host.log_fd);
    host.log_fd = -1;
    do
        assert_true(readable(log_end)); /* the end of the satellites is the end of the log */
    while (read(log_end, &byte, 1) > 0);
    close(log_end);
}

static void test_wanted(void **state)
{
    assert_int_equal(satellites_wanted(), 1);
    cpus = 1;
    assert_int_equal(satellites_wanted(), 0);
    cpus = 200;
    assert_int_equal(satellites_wanted(), SATELLITE_MAX);
    vcpus = 1;
    assert_int_equal(satellites_wanted(), 0);
    options.satellites = 3;
    assert_int_equal(satellites_wanted(), 3);
    options.satellites = 0;
    assert_int_equal(satellites_wanted(), 0);
    cpus = vcpus = 2;
    end_and_look();
}

/* A kick ends a wait for a message, in that satellite alone. */
static void test_kick(void **state)
{
    char buf[16] = "";
    int one = satellite_start(), two = satellite_start();

    assert_true(one >= 0 && two >= 0);
    echo(one);
    echo(two);
    struct pollfd p = {.fd = two, .events = POLLIN};
    do /* it may not wait yet */
        assert_int_equal(satellite_kick(two), 0);
    while (poll(&p, 1, 20) == 0);
    assert_int_equal(receive(two, buf, sizeof(buf)), 6);
    assert_string_equal(buf, "kicked");
    assert_int_equal(recv(one, buf, sizeof(buf), MSG_DONTWAIT), -1);
    echo(one);
    assert_int_equal(satellite_kick(STDIN_FILENO), -ENOENT);
    close(one);
    close(two);
    end_and_look();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_messages, base_setup),
        cmocka_unit_test_setup(test_kick, base_setup),
        cmocka_unit_test_setup(test_descriptors, base_setup),
        cmocka_unit_test_setup(test_failure, base_setup),
        cmocka_unit_test_setup(test_link_ends, base_setup),
        cmocka_unit_test_setup(test_signals, base_setup),
        cmocka_unit_test_setup(test_stop, base_setup),
        cmocka_unit_test_setup(test_base_dies, base_setup),
        cmocka_unit_test_setup(test_wanted, base_setup),
    };
    if (argc > 1 && !strcmp(argv[1], "satellite"))
        return runtime_satellite() ? 125 : 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

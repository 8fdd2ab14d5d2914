/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/sys: the settings that programs read.  Most are constants; some can be written, by root: the
 * limits of IPC (sysctl_number.c).
 */
#include "kernel/fs/proc/proc_impl.h"
#include "kernel/fs/tty/pty.h"
#include "kernel/ipc/limits.h"
#include "kernel/mm/epage.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/id/cred.h"
#include "kernel/sgx/random.h"
#include "kernel/sys/sysinfo.h"
#include "kernel/vfs/aio.h"
#include "kernel/vfs/lock/lease.h"

#define SETTING(n, fn)                                                                        \
    {                                                                                         \
        .name = (n), .mode = S_IFREG | 0444, .show = (fn), .allowed = pseudo_allowed_strictly \
    }

#define CONST_FILE(fn, text)                                   \
    static int fn(struct seq *s, const struct pseudo_inode *i) \
    {                                                          \
        (void)i;                                               \
        seq_puts(s, text "\n");                                \
        return 0;                                              \
    }

CONST_FILE(zero_show, "0")
CONST_FILE(one_show, "1")
CONST_FILE(two_show, "2")
CONST_FILE(rr_slice_show, "4")
CONST_FILE(mount_max_show, "100000")
CONST_FILE(pid_max_show, "4194304")
CONST_FILE(threads_max_show, "131072")
CONST_FILE(overflow_show, "65534")
CONST_FILE(ngroups_max_show, "65536")
CONST_FILE(cap_last_cap_show, "40")
CONST_FILE(core_pattern_show, "core")
CONST_FILE(aslr_show, "2")
CONST_FILE(entropy_show, "256")
CONST_FILE(max_map_count_show, "65530")
CONST_FILE(swappiness_show, "60")
CONST_FILE(overcommit_ratio_show, "50")
CONST_FILE(mmap_min_addr_show, "65536")
CONST_FILE(nr_open_show, "1048576")
CONST_FILE(file_max_show, "9223372036854775807")
CONST_FILE(pipe_max_show, "1048576")
CONST_FILE(aio_max_show, "65536")
CONST_FILE(watches_show, "1048576")
CONST_FILE(instances_show, "128")
CONST_FILE(queued_show, "16384")
CONST_FILE(pipe_soft_show, "16384")
CONST_FILE(somaxconn_show, "4096")
CONST_FILE(port_range_show, "32768\t60999")

/* Open files, not counted per processor and therefore never stale. */
static int file_nr_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    seq_printf(s, "%u\t0\t9223372036854775807\n", files_count());
    return 0;
}

static int pty_max_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    seq_printf(s, "%u\n", PTY_MAX);
    return 0;
}

static int pty_nr_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    seq_printf(s, "%u\n", pty_count());
    return 0;
}

static int ns_last_pid_show(struct seq *s, const struct pseudo_inode *i)
{
    uint64_t given;
    (void)i;
    seq_printf(s, "%d\n", numbers_last(&given));
    return 0;
}

static int ns_last_pid_store(const struct pseudo_inode *i, const char *text, size_t n)
{
    int64_t v;
    (void)i;
    if (!capable(CAP_SYS_ADMIN) && !capable(CAP_CHECKPOINT_RESTORE))
        return -EPERM;
    int err = proc_number_parse(text, n, &v);
    if (!err && (v < 0 || v >= PID_MAX))
        err = -EINVAL;
    if (!err)
        numbers_set_last((int)v);
    return err;
}

/* Caches of pages (1), of names and what hangs on them (2), or both. */
static int drop_caches_store(const struct pseudo_inode *i, const char *text, size_t n)
{
    int64_t v;
    (void)i;
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    int err = proc_number_parse(text, n, &v);
    if (err || v < 1 || v > 4)
        return err ? err : -EINVAL;
    if (v & 2) {
        host_said_drop();
        dcache_drop_unused();
    }
    if (v & 1)
        mm_drop_caches(current_process()->mm);
    return 0;
}

static int aio_nr_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    seq_printf(s, "%u\n", aio_nr());
    return 0;
}

static int osrelease_show(struct seq *s, const struct pseudo_inode *i)
{
    struct new_utsname uts;
    (void)i;
    uts_get(&uts);
    seq_printf(s, "%s\n", uts.release);
    return 0;
}

static int ostype_show(struct seq *s, const struct pseudo_inode *i)
{
    struct new_utsname uts;
    (void)i;
    uts_get(&uts);
    seq_printf(s, "%s\n", uts.sysname);
    return 0;
}

static int version_show(struct seq *s, const struct pseudo_inode *i)
{
    struct new_utsname uts;
    (void)i;
    uts_get(&uts);
    seq_printf(s, "%s\n", uts.version);
    return 0;
}

static int hostname_show(struct seq *s, const struct pseudo_inode *i)
{
    struct new_utsname uts;
    (void)i;
    uts_get(&uts);
    seq_printf(s, "%s\n", uts.nodename);
    return 0;
}

static int domainname_show(struct seq *s, const struct pseudo_inode *i)
{
    struct new_utsname uts;
    (void)i;
    uts_get(&uts);
    seq_printf(s, "%s\n", uts.domainname);
    return 0;
}

/* A version 4 UUID. */
static void uuid_show_bytes(struct seq *s, uint8_t b[16])
{
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
    for (int i = 0; i < 16; i++)
        seq_printf(s, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
    seq_puts(s, "\n");
}

static int uuid_show(struct seq *s, const struct pseudo_inode *i)
{
    uint8_t b[16];
    (void)i;
    random_bytes(b, sizeof(b));
    uuid_show_bytes(s, b);
    return 0;
}

/* The same for the enclave's whole life. */
static int boot_id_show(struct seq *s, const struct pseudo_inode *i)
{
    static struct spinlock lock;
    static uint8_t boot_id[16];
    static bool made;
    uint8_t fresh[16], b[16];
    (void)i;
    random_bytes(fresh, sizeof(fresh));
    spin_lock(&lock);
    if (!made)
        memcpy(boot_id, fresh, sizeof(boot_id));
    made = true;
    memcpy(b, boot_id, sizeof(b));
    spin_unlock(&lock);
    uuid_show_bytes(s, b);
    return 0;
}

static const struct pseudo_entry pty_dir[] = {
    SETTING("max", pty_max_show),
    SETTING("nr", pty_nr_show),
    SETTING("reserve", zero_show),
    PSEUDO_END,
};

static const struct pseudo_entry random_dir[] = {
    SETTING("boot_id", boot_id_show),
    SETTING("uuid", uuid_show),
    SETTING("entropy_avail", entropy_show),
    SETTING("poolsize", entropy_show),
    PSEUDO_END,
};

/* What can be written: each number with its least and greatest value. */
#define NUMBERS(n, table)                                                \
    {                                                                    \
        .name = (n), .mode = S_IFREG | 0644, .show = proc_numbers_show,  \
        .store = proc_numbers_store, .allowed = pseudo_allowed_strictly, \
        .data = &(const struct proc_numbers)                             \
        {                                                                \
            (table), ARRAY_SIZE(table)                                   \
        }                                                                \
    }
#define PLACES_MAX (1 << 15) /* of what has System V ids */

static const struct proc_number sem_numbers[] = {{&ipc_limits.sem_per_set, 0, INT32_MAX},
                                                 {&ipc_limits.sem_total, 0, INT32_MAX},
                                                 {&ipc_limits.sem_ops, 0, INT32_MAX},
                                                 {&ipc_limits.sem_sets, 0, PLACES_MAX}};
static const struct proc_number msgmax_number[] = {{&ipc_limits.msg_size, 0, INT32_MAX}};
static const struct proc_number msgmnb_number[] = {{&ipc_limits.msg_queue, 0, INT32_MAX}};
static const struct proc_number msgmni_number[] = {{&ipc_limits.msg_queues, 0, PLACES_MAX}};
static const struct proc_number shmmax_number[] = {{&ipc_limits.shm_size, 0, UINT64_MAX}};
static const struct proc_number shmall_number[] = {{&ipc_limits.shm_total, 0, UINT64_MAX}};
static const struct proc_number shmmni_number[] = {{&ipc_limits.shm_segments, 0, PLACES_MAX}};
static const struct proc_number queues_number[] = {{&ipc_limits.mq_queues, 0, INT32_MAX}};
static const struct proc_number count_number[] = {{&ipc_limits.mq_count, 1, 65536}};
static const struct proc_number size_number[] = {{&ipc_limits.mq_size, 128, 16 << 20}};
static const struct proc_number count_default[] = {{&ipc_limits.mq_count_default, 1, 65536}};
static const struct proc_number size_default[] = {{&ipc_limits.mq_size_default, 128, 16 << 20}};

static const struct proc_number lease_number[] = {{&lease_break_time, 0, INT32_MAX}};

static const struct pseudo_entry kernel_dir[] = {
    SETTING("osrelease", osrelease_show),
    SETTING("ostype", ostype_show),
    SETTING("version", version_show),
    SETTING("hostname", hostname_show),
    SETTING("domainname", domainname_show),
    SETTING("pid_max", pid_max_show),
    SETTING("threads-max", threads_max_show),
    {
        .name = "ns_last_pid",
        .mode = S_IFREG | 0666,
        .show = ns_last_pid_show,
        .store = ns_last_pid_store,
    },
    SETTING("overflowuid", overflow_show),
    SETTING("overflowgid", overflow_show),
    SETTING("ngroups_max", ngroups_max_show),
    SETTING("cap_last_cap", cap_last_cap_show),
    SETTING("core_pattern", core_pattern_show),
    SETTING("randomize_va_space", aslr_show),
    SETTING("perf_event_paranoid", aslr_show),
    NUMBERS("sem", sem_numbers),
    NUMBERS("msgmax", msgmax_number),
    NUMBERS("msgmnb", msgmnb_number),
    NUMBERS("msgmni", msgmni_number),
    NUMBERS("shmmax", shmmax_number),
    NUMBERS("shmall", shmall_number),
    NUMBERS("shmmni", shmmni_number),
    SETTING("shm_rmid_forced", zero_show),
    SETTING("tainted", zero_show),
    SETTING("core_uses_pid", zero_show),
    SETTING("sched_rr_timeslice_ms", rr_slice_show),
    SETTING("sched_autogroup_enabled", one_show),
    SETTING("io_uring_disabled", two_show),
    SETTING("unprivileged_bpf_disabled", two_show),
    PSEUDO_DIR("pty", pty_dir),
    PSEUDO_DIR("random", random_dir),
    PSEUDO_END,
};
static const struct pseudo_entry vm_dir[] = {
    {.name = "drop_caches", .mode = S_IFREG | 0200, .store = drop_caches_store},
    SETTING("overcommit_memory", zero_show),
    SETTING("overcommit_ratio", overcommit_ratio_show),
    SETTING("max_map_count", max_map_count_show),
    SETTING("mmap_min_addr", mmap_min_addr_show),
    SETTING("swappiness", swappiness_show),
    SETTING("nr_hugepages", zero_show),
    PSEUDO_END,
};
static const struct pseudo_entry inotify_dir[] = {
    SETTING("max_user_watches", watches_show),
    SETTING("max_user_instances", instances_show),
    SETTING("max_queued_events", queued_show),
    PSEUDO_END,
};
static const struct pseudo_entry epoll_dir[] = {SETTING("max_user_watches", watches_show),
                                                PSEUDO_END};
static const struct pseudo_entry mqueue_dir[] = {
    NUMBERS("queues_max", queues_number),     NUMBERS("msg_max", count_number),
    NUMBERS("msgsize_max", size_number),      NUMBERS("msg_default", count_default),
    NUMBERS("msgsize_default", size_default), PSEUDO_END,
};
static const struct pseudo_entry fs_dir[] = {
    SETTING("file-max", file_max_show),
    SETTING("file-nr", file_nr_show),
    NUMBERS("lease-break-time", lease_number),
    SETTING("leases-enable", one_show),
    SETTING("dir-notify-enable", one_show),
    SETTING("nr_open", nr_open_show),
    SETTING("pipe-max-size", pipe_max_show),
    SETTING("pipe-user-pages-soft", pipe_soft_show),
    SETTING("pipe-user-pages-hard", zero_show),
    SETTING("aio-max-nr", aio_max_show),
    SETTING("aio-nr", aio_nr_show),
    SETTING("protected_hardlinks", one_show),
    SETTING("protected_symlinks", one_show),
    SETTING("protected_fifos", one_show),
    SETTING("protected_regular", one_show),
    SETTING("suid_dumpable", zero_show),
    SETTING("overflowuid", overflow_show),
    SETTING("overflowgid", overflow_show),
    SETTING("mount-max", mount_max_show),
    PSEUDO_DIR("inotify", inotify_dir),
    PSEUDO_DIR("epoll", epoll_dir),
    PSEUDO_DIR("mqueue", mqueue_dir),
    PSEUDO_END,
};
static const struct pseudo_entry core_dir[] = {SETTING("somaxconn", somaxconn_show), PSEUDO_END};
static const struct pseudo_entry ipv4_dir[] = {SETTING("ip_local_port_range", port_range_show),
                                               PSEUDO_END};
static const struct pseudo_entry net_dir[] = {PSEUDO_DIR("core", core_dir),
                                              PSEUDO_DIR("ipv4", ipv4_dir), PSEUDO_END};

const struct pseudo_entry proc_sysctl_dir[] = {
    PSEUDO_DIR("kernel", kernel_dir),
    PSEUDO_DIR("vm", vm_dir),
    PSEUDO_DIR("fs", fs_dir),
    PSEUDO_DIR("net", net_dir),
    PSEUDO_END,
};

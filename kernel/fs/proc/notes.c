/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be written about a process and read back (proc/notes.h): comm, oom_score_adj and its like, loginuid,
 * coredump_filter, timerslack_ns, autogroup, personality.
 */
#include "kernel/fs/proc/proc_impl.h"
#include "kernel/mm/epage.h"
#include "kernel/proc/id/cred.h"

#define OOM_ADJ_MIN (-1000)
#define OOM_ADJ_MAX 1000
#define OLD_ADJ_MIN (-17) /* oom_adj, of the days before */
#define OLD_ADJ_MAX 15
#define NUMBER_MAX 24 /* no number is longer */

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Digits, in the base that they say, up to the end. */
static int digits_parse(const char *s, uint64_t *out)
{
    unsigned base = 10;
    *out = 0;
    if (s[0] == '0' && (s[1] | 0x20) == 'x') {
        base = 16;
        s += 2;
    } else if (s[0] == '0' && s[1]) {
        base = 8;
    }
    if (!*s)
        return -EINVAL;
    for (; *s; s++) {
        unsigned d = (unsigned)digit_of(*s);
        if (d >= base)
            return -EINVAL;
        if (__builtin_mul_overflow(*out, base, out) || __builtin_add_overflow(*out, d, out))
            return -ERANGE;
    }
    return 0;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

int proc_number_parse(const char *text, size_t n, int64_t *out)
{
    char s[NUMBER_MAX + 1];
    uint64_t v;
    while (n && is_space(*text))
        text++, n--;
    while (n && is_space(text[n - 1]))
        n--;
    bool minus = n && *text == '-';
    if (n && (minus || *text == '+'))
        text++, n--;
    if (n > NUMBER_MAX)
        return -EINVAL;
    memcpy(s, text, n);
    s[n] = '\0';
    int err = digits_parse(s, &v);
    if (!err && v > INT64_MAX)
        err = -ERANGE;
    *out = minus ? -(int64_t)v : (int64_t)v;
    return err;
}

/* --- comm --------------------------------------------------------------------------------- */

int proc_comm_show(struct seq *s, const struct pseudo_inode *i)
{
    struct facts f;
    int err = facts_get(i, &f);
    if (err)
        return err;
    seq_printf(s, "%s\n", f.comm);
    facts_put(&f);
    return 0;
}

/* Only a process gives names to its threads. */
int proc_comm_store(const struct pseudo_inode *i, const char *text, size_t n)
{
    struct thread *t = proc_thread(i);
    char name[sizeof(t->comm)] = {0};
    if (!t)
        return -ESRCH;
    bool mine = t->process == current_process();
    memcpy(name, text, MIN(n, sizeof(name) - 1));
    if (mine)
        memcpy(t->comm, name, sizeof(name));
    thread_put(t);
    return mine ? 0 : -EINVAL;
}

/* --- notes -------------------------------------------------------------------------------- */

/* A copy of the process's notes. */
static int notes_read(const struct pseudo_inode *i, struct process_notes *out)
{
    struct process *p = proc_process(i);
    if (!p)
        return -ESRCH;
    spin_lock(&p->lock);
    *out = p->notes;
    spin_unlock(&p->lock);
    process_put(p);
    return 0;
}

/* Runs a change of the notes, which may refuse, under the process's lock. */
static int notes_change(const struct pseudo_inode *i,
                        int (*change)(struct process_notes *, int64_t), int64_t value)
{
    struct process *p = proc_process(i);
    if (!p)
        return -ESRCH;
    spin_lock(&p->lock);
    int err = change(&p->notes, value);
    spin_unlock(&p->lock);
    process_put(p);
    return err;
}

/* A number within bounds, then notes_change. */
static int notes_store(const struct pseudo_inode *i, const char *text, size_t n, int64_t bounds[2],
                       int (*change)(struct process_notes *, int64_t))
{
    int64_t v;
    int err = proc_number_parse(text, n, &v);
    if (!err && (v < bounds[0] || v > bounds[1]))
        err = -EINVAL;
    return err ? err : notes_change(i, change, v);
}

static int oom_change(struct process_notes *notes, int64_t v)
{
    bool privileged = capable(CAP_SYS_RESOURCE);
    if (v < notes->oom_score_adj_min && !privileged)
        return -EACCES;
    notes->oom_score_adj = (int16_t)v;
    if (privileged)
        notes->oom_score_adj_min = (int16_t)v;
    return 0;
}

/* The old scale's rule: never down. */
static int old_oom_change(struct process_notes *notes, int64_t v)
{
    v = v == OLD_ADJ_MAX ? OOM_ADJ_MAX : v * OOM_ADJ_MAX / -OLD_ADJ_MIN;
    if (v < notes->oom_score_adj && !capable(CAP_SYS_RESOURCE))
        return -EACCES;
    notes->oom_score_adj = (int16_t)v;
    return 0;
}

int proc_oom_score_adj_show(struct seq *s, const struct pseudo_inode *i)
{
    struct process_notes notes;
    int err = notes_read(i, &notes);
    if (!err)
        seq_printf(s, "%d\n", notes.oom_score_adj);
    return err;
}

int proc_oom_score_adj_store(const struct pseudo_inode *i, const char *text, size_t n)
{
    return notes_store(i, text, n, (int64_t[]){OOM_ADJ_MIN, OOM_ADJ_MAX}, oom_change);
}

int proc_oom_adj_show(struct seq *s, const struct pseudo_inode *i)
{
    struct process_notes notes;
    int err = notes_read(i, &notes);
    if (!err)
        seq_printf(s, "%d\n",
                   notes.oom_score_adj == OOM_ADJ_MAX
                       ? OLD_ADJ_MAX
                       : notes.oom_score_adj * -OLD_ADJ_MIN / OOM_ADJ_MAX);
    return err;
}

int proc_oom_adj_store(const struct pseudo_inode *i, const char *text, size_t n)
{
    return notes_store(i, text, n, (int64_t[]){OLD_ADJ_MIN, OLD_ADJ_MAX}, old_oom_change);
}

/* How much of all memory it has, in thousandths, moved by what was asked for, in Linux's scale from 0 to 2000. */
int proc_oom_score_show(struct seq *s, const struct pseudo_inode *i)
{
    struct facts f;
    struct process_notes notes;
    int err = notes_read(i, &notes);
    if (!err)
        err = facts_get(i, &f);
    if (err)
        return err;
    long total = MAX((long)epage_limit(), 1L);
    long points = (long)f.memory.resident + notes.oom_score_adj * (total / OOM_ADJ_MAX);
    bool never = !f.mm || notes.oom_score_adj == OOM_ADJ_MIN;
    seq_printf(s, "%ld\n", never ? 0 : (OOM_ADJ_MAX + points * OOM_ADJ_MAX / total) * 2 / 3);
    facts_put(&f);
    return 0;
}

int proc_loginuid_show(struct seq *s, const struct pseudo_inode *i)
{
    struct process_notes notes;
    int err = notes_read(i, &notes);
    if (!err)
        seq_printf(s, "%u", notes.loginuid);
    return err;
}

int proc_sessionid_show(struct seq *s, const struct pseudo_inode *i)
{
    struct process_notes notes;
    int err = notes_read(i, &notes);
    if (!err)
        seq_printf(s, "%u", notes.sessionid);
    return err;
}

static int login_change(struct process_notes *notes, int64_t v)
{
    static uint32_t sessions; /* [a] */
    if (notes->loginuid != NOTES_NOBODY && !capable(CAP_AUDIT_CONTROL))
        return -EPERM;
    notes->loginuid = (uint32_t)v;
    notes->sessionid =
        v == NOTES_NOBODY ? NOTES_NOBODY : __atomic_add_fetch(&sessions, 1, __ATOMIC_RELAXED);
    return 0;
}

/* Each process says it of itself. */
int proc_loginuid_store(const struct pseudo_inode *i, const char *text, size_t n)
{
    if (proc_allowed_own(i, 0, -EPERM))
        return -EPERM;
    return notes_store(i, text, n, (int64_t[]){0, NOTES_NOBODY}, login_change);
}

int proc_coredump_filter_show(struct seq *s, const struct pseudo_inode *i)
{
    struct process_notes notes;
    int err = notes_read(i, &notes);
    if (!err)
        seq_printf(s, "%08x\n", notes.coredump_filter);
    return err;
}

static int coredump_change(struct process_notes *notes, int64_t v)
{
    notes->coredump_filter = (uint32_t)v & 0x1ff;
    return 0;
}

int proc_coredump_filter_store(const struct pseudo_inode *i, const char *text, size_t n)
{
    return notes_store(i, text, n, (int64_t[]){0, UINT32_MAX}, coredump_change);
}

int proc_autogroup_show(struct seq *s, const struct pseudo_inode *i)
{
    struct facts f;
    struct process_notes notes;
    int err = notes_read(i, &notes);
    if (!err)
        err = facts_get(i, &f);
    if (err)
        return err;
    seq_printf(s, "/autogroup-%d nice %d\n", f.sid, notes.autogroup_nice);
    facts_put(&f);
    return 0;
}

static int autogroup_change(struct process_notes *notes, int64_t v)
{
    if (v < 0 && !capable(CAP_SYS_NICE))
        return -EPERM;
    notes->autogroup_nice = (int8_t)v;
    return 0;
}

int proc_autogroup_store(const struct pseudo_inode *i, const char *text, size_t n)
{
    return notes_store(i, text, n, (int64_t[]){-20, 19}, autogroup_change);
}

int proc_personality_show(struct seq *s, const struct pseudo_inode *i)
{
    struct process *p = proc_process(i);
    if (!p)
        return -ESRCH;
    seq_printf(s, "%08x\n", p->personality);
    process_put(p);
    return 0;
}

/* --- a thread's timer slack ---------------------------------------------------------------- */

static int slack_thread(const struct pseudo_inode *i, struct thread **out)
{
    struct thread *t = proc_thread(i);
    if (!t)
        return -ESRCH;
    if (t != current && !capable(CAP_SYS_NICE)) {
        thread_put(t);
        return -EPERM;
    }
    *out = t;
    return 0;
}

int proc_timerslack_show(struct seq *s, const struct pseudo_inode *i)
{
    struct thread *t;
    int err = slack_thread(i, &t);
    if (err)
        return err;
    seq_printf(s, "%lu\n", (unsigned long)t->timer_slack);
    thread_put(t);
    return 0;
}

int proc_timerslack_store(const struct pseudo_inode *i, const char *text, size_t n)
{
    struct thread *t;
    int64_t v;
    int err = proc_number_parse(text, n, &v);
    if (!err && v < 0)
        err = -EINVAL;
    if (!err)
        err = slack_thread(i, &t);
    if (err)
        return err;
    t->timer_slack = v ? (uint64_t)v : t->timer_slack_default;
    thread_put(t);
    return 0;
}

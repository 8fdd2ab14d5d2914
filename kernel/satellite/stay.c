/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process's stay in a satellite, as its thread in the base lives it.
 *
 *   go        all that the process has is copied there; when it has arrived, nothing of it is left here (journey.c)
 *   serve     system calls come as messages and are carried out here; so are reads of files
 *   return    the same in the other direction, when the guest cannot go on there, or a signal waits here (journey.c)
 *
 * While it is away the thread runs in no address space: it needs no turn (sched/turns.h).  It takes its turn again
 * before anything of the process is put in place here.
 *
 * The threat: the host starts satellites and carries messages.  link.h proves that a message is what an enclave of
 * the same image sent to this one, in order; the host can delay, and end it all.  Then the process, whose memory is
 * gone, is killed.  Numbers in messages are checked all the same: a mistake there should not spread.
 */
#include <linux/errno.h>
#include <linux/sched.h>
#include <linux/signal.h>

#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/passage.h"
#include "kernel/ocall/ocall.h"
#include "kernel/proc/process.h"
#include "kernel/satellite/base.h"
#include "kernel/sched/cputime.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/turns.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/patch.h"
#include "kernel/sys/syscall.h"
#include "kernel/vfs/inode.h"
#include "kernel/vfs/vfs.h"
#include "lib/string.h"

#define STAY_NS 20000000 /* of the guest's time: long enough to be worth the journey */
#define NS_A_BYTE 1      /* of memory that goes along */
#define HOME_NS 2000000  /* of its own time here, until it goes again */

int wire_tell(struct link *l, enum wire_kind kind, int64_t a, int64_t b, int64_t c)
{
    const struct wire_head h = {.kind = kind, .arg = {a, b, c}};

    return link_send(l, &h, sizeof(h), NULL, 0);
}

void turn_back(void)
{
    turn_move(mm_turn(current_process()->mm));
    turn_enter();
}

void turn_give_up(void)
{
    turn_move(NULL);
}

static uint64_t counts[SATELLITE_COUNTS]; /* [a] */

static void count(enum satellite_count what)
{
    __atomic_fetch_add(&counts[what], 1, __ATOMIC_RELAXED);
}

uint64_t satellite_count_get(enum satellite_count what)
{
    return __atomic_load_n(&counts[what], __ATOMIC_RELAXED);
}

/* --- who goes ----------------------------------------------------------------------------- */

/* Its ways are those of most that compute. */
static bool is_plain(struct process *p)
{
    const struct thread *t = current;

    spin_lock(&p->lock);
    bool plain = p->nthreads == 1 && !p->vfork_parent && !p->exiting && p->membarrier == 0 &&
                 !p->itimers[ITIMER_VIRTUAL].expires && !p->itimers[ITIMER_PROF].expires &&
                 p->rlimits[RLIMIT_CPU].rlim_cur == RLIM64_INFINITY && tree_empty(&p->ptimers) &&
                 t->schedparam.policy == SCHED_NORMAL && t->schedparam.nice == 0;
    spin_unlock(&p->lock);
    return plain;
}

/* It has run for longer than the journey takes: whatever it does from now on, that at most doubles its time. */
static bool is_worth_it(struct process *p)
{
    ktime_t cpu = thread_cpu_time(current);
    struct mm_usage usage;

    if (current->goes)
        return true;
    if (cpu < current->goes_from) /* what it has come for may be what it does next */
        return false;
    mm_usage(p->mm, &usage);
    return habit_may_go(mm_program(p->mm), cpu) &&
           cpu >= (ktime_t)(usage.anon * PAGE_SIZE * NS_A_BYTE);
}

static bool may_go(struct process *p)
{
    if (stays_stopped() || !is_plain(p) || !mm_can_pass(p->mm))
        return false;
    if (is_worth_it(p))
        return true;
    satellite_prepare(); /* it computes beside another, and may soon */
    return false;
}

/* --- being away --------------------------------------------------------------------------- */

void stay_used(struct stay *y, const struct wire_used *u)
{
    struct thread *t = current;

    cputime_add(t, MAX(u->cpu - y->used.cpu, 0));
    t->minflt += u->minflt - MIN(u->minflt, y->used.minflt);
    y->used.cpu = MAX(u->cpu, y->used.cpu);
    y->used.minflt = u->minflt;
    opened_used(y, u);
    if (u->total)
        mm_away_usage(t->process->mm, u->total, u->resident);
}

int stay_aside(struct stay *y, char *msg, size_t n, char *room)
{
    const struct wire_head *h = wire_head_of(msg);
    int err = 0;

    switch (h->kind) {
    case WIRE_READ: err = known_file_read(y->satellite, h, room); break;
    case WIRE_MAP: err = known_file_map(y->satellite, h, n); break;
    case WIRE_FORGET:
        known_file_forget(y->satellite, (uint32_t)h->arg[0], (uint32_t)h->arg[1]);
        break;
    default: return 0;
    }
    return err ? err : 1;
}

/* A read of a file that serves a fetch uses the same buffer, before the answer comes there. */
int stay_answer(struct stay *y, enum wire_kind kind, enum link_wait wait, size_t *n)
{
    for (;;) {
        int err = link_receive(y->satellite->link, y->answer, LINK_MAX, n, wait);
        if (!err && *n < sizeof(struct wire_head))
            err = -EBADMSG;
        if (!err && wire_head_of(y->answer)->kind == kind)
            return 0;
        if (!err)
            err = stay_aside(y, y->answer, *n, y->answer + sizeof(struct wire_head));
        if (err <= 0)
            return err ? err : -EBADMSG;
    }
}

/* It has no memory any more, here or there. */
static NORETURN void perish(struct stay *y, int why)
{
    log_warn("process %d (%s) is killed: the satellite enclave that it was in is lost",
             current_process()->pid, current->comm);
    satellite_lost(stay_part(y), why);
    process_exit(SIGKILL);
}

static int limits_tell(struct stay *y)
{
    const struct process *p = current_process();
    struct wire_head h = {.kind = WIRE_LIMITS};

    if (!memcmp(y->limits, p->rlimits, sizeof(y->limits)))
        return 0;
    memcpy(y->limits, p->rlimits, sizeof(y->limits));
    return link_send(y->satellite->link, &h, sizeof(h), y->limits, sizeof(y->limits));
}

static int recall(struct stay *y)
{
    y->recalled = true;
    int err = wire_tell(y->satellite->link, WIRE_COME_HOME, 0, 0, 0);
    ocall_satellite_kick(y->satellite->fd);
    return err;
}

/* With what the program's memory gets, or what it will ask next. */
static int call_return(struct stay *y, const struct user_regs *regs)
{
    size_t ahead = opened_tell(y, regs), n = ahead ? ahead : y->out_used;
    const struct wire_head h = {
        .kind = ahead ? WIRE_OPENED : WIRE_RETURN,
        .arg = {(int64_t)regs->rax, current->answer_stands, (int64_t)names_epoch()}};

    y->out_used = 0;
    return link_send(y->satellite->link, &h, sizeof(h), y->out, n);
}

/* A system call.  If a signal has come the guest is called back instead, which its handler may need. */
static int serve_call(struct stay *y, size_t n, struct user_regs *regs)
{
    const struct wire_call *c = (const struct wire_call *)(y->msg + sizeof(struct wire_head));

    if (n < sizeof(struct wire_head) + sizeof(*c))
        return -EBADMSG;
    stay_used(y, &c->used);
    count(SATELLITE_CALL);
    if (y->recalled)
        return 0; /* it will be told, and come with the call undone */
    *regs = c->regs;
    int err = memory_begin(y, n);
    if (err)
        return err;
    current->answer_stands = 0;
    uint64_t epoch = names_epoch();
    syscall_dispatch(regs);
    if (names_epoch() != epoch) /* perhaps after it was looked at */
        current->answer_stands = 0;
    y->nextents = 0;
    err = limits_tell(y);
    if (err)
        return err;
    if (thread_interrupted() || __atomic_load_n(&y->wanted, __ATOMIC_RELAXED)) {
        err = memory_flush(y);
        if (err)
            return err;
        y->done = regs->rax != (uint64_t)-ERESTARTNOINTR; /* else it is made again, at home */
        return recall(y);
    }
    return call_return(y, regs);
}

/* The next message; meanwhile the guest runs, as far as anybody can tell. */
static int guest_wait(struct stay *y, size_t *n)
{
    sched_elsewhere(true);
    int err = link_receive(y->satellite->link, y->msg, LINK_MAX, n,
                           y->recalled ? LINK_WAIT_KILL : LINK_WAIT_SIGNAL);
    sched_elsewhere(false);
    return err;
}

/* The guest is here again, or its thread does not return. */
static void serve(struct stay *y, struct user_regs *regs, bool *call)
{
    for (;;) {
        size_t n;
        int err = guest_wait(y, &n);
        if (err == -ERESTARTSYS) {
            if (thread_told_to_die(current))
                return;
            if ((err = recall(y)) == 0)
                continue;
        }
        if (!err && n < sizeof(struct wire_head))
            err = -EBADMSG;
        if (err)
            perish(y, err);
        switch (wire_head_of(y->msg)->kind) {
        case WIRE_CALL: err = serve_call(y, n, regs); break;
        case WIRE_HOME:
            err = journey_home(y, n, regs, call);
            if (!err)
                return;
            break;
        default:
            err = stay_aside(y, y->msg, n, y->answer);
            err = err == 1 ? 0 : err ? err : -EBADMSG;
        }
        if (err)
            perish(y, err);
    }
}

/* --- the whole ---------------------------------------------------------------------------- */

static struct stay *stay_new(struct satellite *s)
{
    struct stay *y = kzalloc(sizeof(*y));

    if (!y)
        return NULL;
    y->satellite = s;
    y->thread = current;
    y->msg = s->buf;
    y->answer = y->msg + LINK_ROOM;
    y->out = y->answer + LINK_ROOM;
    return y;
}

/* False: it is still here. */
static bool leave(struct stay *y, const struct user_regs *regs)
{
    /* From now on a recall finds it, and takes effect when it has arrived. */
    stay_begins(y);
    int err = journey_go(y, regs);

    if (err == -EPIPE || err == -EBADMSG)
        satellite_lost(stay_part(y), err);
    if (err) {
        log_debug("process %d stays at home: error %d", current_process()->pid, -err);
        return false;
    }
    mm_vacate(current_process()->mm);
    turn_give_up();
    current->stay = y;
    count(SATELLITE_JOURNEY);
    return true;
}

static void stay_free(struct stay *y)
{
    if (y->satellite)
        satellite_give(y->satellite);
    kfree(y);
}

void satellite_visit(struct user_regs *regs)
{
    struct satellite *s = may_go(current_process()) ? satellite_take() : NULL;
    struct stay *y = s ? stay_new(s) : NULL;
    bool call = false;

    current->turn->group->offered = true;
    current->goes = false;
    if (!y) {
        if (s)
            satellite_give(s);
        return;
    }
    if (!leave(y, regs)) {
        stay_ends(y);
        stay_free(y);
        return;
    }
    serve(y, regs, &call);
    if (mm_is_away(current_process()->mm))
        thread_die(); /* told to; on the way to the program its memory would be looked at */
    count(SATELLITE_RETURN);
    if (call || y->used.cpu > STAY_NS)
        habit_learn(mm_program(current_process()->mm), y->used.cpu > STAY_NS);
    stay_ends(y);
    stay_free(y);
    current->goes_from = thread_cpu_time(current) + HOME_NS;
    regs->rip = patch_resume_rip(current_process()->mm, regs->rip);
    if (call && !thread_told_to_die(current))
        syscall_dispatch(regs);
}

void satellite_end(void)
{
    struct stay *y = current->stay;
    struct mm *mm = current_process()->mm;

    if (!y)
        return;
    if (y->satellite && mm_is_away(mm)) {
        habit_learn(mm_program(mm), true);
        int err = wire_tell(y->satellite->link, WIRE_END, 0, 0, 0);
        y->satellite->ending = true;
        ocall_satellite_kick(y->satellite->fd);
        if (err)
            satellite_lost(stay_part(y), err);
    }
    stay_ends(y);
    /* Where its memory was may be another's now; and nobody else has waited for anything in it. */
    current->clear_child_tid = 0;
    current->robust_list = 0;
    if (!current->turn)
        turn_back();
    stay_free(y);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journeys of a process, there and back: what it has, piece by piece (mm/passage.h), and its thread's registers.
 */
#include <linux/errno.h>

#include "kernel/kernel.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/passage.h"
#include "kernel/proc/process.h"
#include "kernel/satellite/base.h"
#include "kernel/vfs/file.h"
#include "kernel/vfs/inode.h"
#include "lib/string.h"

/* --- going -------------------------------------------------------------------------------- */

struct sender {
    struct passage passage;
    struct satellite *s;
};

static int send_region(struct passage *p, const struct passage_region *r, struct file *file)
{
    struct satellite *s = container_of(p, struct sender, passage)->s;
    struct wire_head h = {.kind = WIRE_REGION};
    struct wire_region out = {.region = *r};

    bool shared = r->flags & REGION_SHARED;
    int err = file ? known_file_tell(s, file, shared, &out.file) : 0;
    if (!err && file && shared && __atomic_load_n(&file->inode->writers, __ATOMIC_SEQ_CST)) {
        known_file_untell(s, &out.file);
        err = -EBUSY;
    }
    return err ? err : link_send(s->link, &h, sizeof(h), &out, sizeof(out));
}

static int send_pages(struct passage *p, uaddr_t start, size_t n, const void *data)
{
    struct wire_head h = {.kind = WIRE_PAGES, .arg = {(int64_t)start, (int64_t)n}};

    return link_send(container_of(p, struct sender, passage)->s->link, &h, sizeof(h), data,
                     n * PAGE_SIZE);
}

/*
 * What the last guest has sent before it heard of its end.  -EAGAIN: the satellite still clears up after it.  To wait for that
 * would give the turn away, for as long as others compute.
 */
static int ended_see(struct stay *y)
{
    struct satellite *s = y->satellite;

    while (s->ending) {
        size_t n;
        int err = link_receive(s->link, y->answer, LINK_MAX, &n, LINK_NO_WAIT);
        if (err)
            return err;
        const struct wire_head *h = wire_head_of(y->answer);
        if (n < sizeof(*h))
            return -EBADMSG;
        if (h->kind == WIRE_FORGET)
            known_file_forget(s, (uint32_t)h->arg[0], (uint32_t)h->arg[1]);
        s->ending = h->kind != WIRE_ENDED;
    }
    return 0;
}

/* The vCPU waits for the answer, since the thread, if it slept, would lose its turn and all would be put away first. */
int journey_go(struct stay *y, const struct user_regs *regs)
{
    struct process *p = current_process();
    struct wire_head h = {.kind = WIRE_PLACE};
    struct wire_place *place = (struct wire_place *)y->out;
    struct sender sender = {.passage = {.region = send_region, .pages = send_pages},
                            .s = y->satellite};
    size_t n;

    int err = ended_see(y);
    if (err)
        return err;
    *place = (struct wire_place){0};
    mm_space(p->mm, &place->space);
    wire_thread_fill(&place->thread, place + 1, regs);
    memcpy(place->limits, p->rlimits, sizeof(place->limits));
    memcpy(y->limits, p->rlimits, sizeof(y->limits));
    err = link_send(y->satellite->link, &h, sizeof(h), place, sizeof(*place) + kernel.xsave_size);
    if (!err)
        err = mm_tell(p->mm, &sender.passage);
    /* What was begun must be ended, or the satellite would wait for the rest. */
    int64_t failed = err;
    if (err != -EPIPE && err != -EBADMSG)
        err = wire_tell(y->satellite->link, WIRE_RUN, failed, 0, 0);
    if (!err)
        err = stay_answer(y, WIRE_ARRIVED, LINK_WAIT_BLOCK, &n);
    return err ? err : (int)wire_head_of(y->answer)->arg[0];
}

/* --- coming back -------------------------------------------------------------------------- */

static int arrive_region(struct stay *y, size_t n)
{
    const struct wire_region *r = (const struct wire_region *)(y->msg + sizeof(struct wire_head));
    struct file *f = NULL;

    if (n != sizeof(struct wire_head) + sizeof(*r))
        return -EBADMSG;
    if (r->file.id && !(f = known_file_get(y->satellite, r->file.id)))
        return -EBADMSG;
    return mm_arrive_region(current_process()->mm, &r->region, f);
}

static int arrive_pages(struct stay *y, size_t n)
{
    const struct wire_head *h = wire_head_of(y->msg);
    size_t pages = (size_t)h->arg[1];

    if (pages > PASSAGE_PAGES || n != sizeof(*h) + pages * PAGE_SIZE)
        return -EBADMSG;
    return mm_arrive_pages(current_process()->mm, (uaddr_t)h->arg[0], pages, h + 1);
}

/*
 * The rest of what follows WIRE_HOME, which is on its way.  The vCPU waits for it: if the thread slept it would lose its
 * turn, for as long as others compute, at each message that is not there yet.
 */
static int arrive(struct stay *y)
{
    for (;;) {
        size_t n;
        int err = link_receive(y->satellite->link, y->msg, LINK_MAX, &n, LINK_WAIT_BLOCK);
        if (!err && n < sizeof(struct wire_head))
            err = -EBADMSG;
        if (err)
            return err;
        switch (wire_head_of(y->msg)->kind) {
        case WIRE_REGION: err = arrive_region(y, n); break;
        case WIRE_PAGES: err = arrive_pages(y, n); break;
        case WIRE_HOME_END: return 0;
        default:
            err = stay_aside(y, y->msg, n, y->answer);
            err = err == 1 ? 0 : err ? err : -EBADMSG;
        }
        if (err)
            return err;
    }
}

int journey_home(struct stay *y, size_t n, struct user_regs *regs, bool *call)
{
    const struct wire_home *in = (const struct wire_home *)(y->msg + sizeof(struct wire_head));

    if (n != sizeof(struct wire_head) + sizeof(*in) + kernel.xsave_size ||
        in->thread.xfrm != kernel.xfrm)
        return -EBADMSG;
    uint64_t rax = regs->rax;
    wire_thread_take(&in->thread, in + 1, regs);
    *call = in->why == WIRE_HOME_CALL && !y->done;
    if (y->done)
        regs->rax = rax;
    else if (!*call)
        regs->orig_rax = ~0UL;
    stay_used(y, &in->used);
    struct passage_space space = in->space;
    turn_back();
    mm_arrive_space(current_process()->mm, &space);
    return arrive(y);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What both ends do alike with messages. */
#include "kernel/satellite/wire.h"

#include "kernel/arch/fpu.h"
#include "kernel/arch/fsbase.h"
#include "kernel/kernel.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/sys/patch.h"
#include "lib/string.h"

void wire_thread_fill(struct wire_thread *out, void *fpu, const struct user_regs *regs)
{
    struct thread *t = current;
    const struct process *p = t->process;

    *out = (struct wire_thread){.regs = *regs,
                                .fs_base = fs_base_read(),
                                .xfrm = kernel.xfrm,
                                .rseq_area = t->rseq.area,
                                .rseq_size = t->rseq.size,
                                .rseq_sig = t->rseq.sig,
                                .personality = p->personality};
    out->regs.rip = patch_program_rip(p->mm, regs->rip);
    memcpy(out->comm, t->comm, sizeof(out->comm));
    fpu_export(fpu);
}

void wire_thread_take(const struct wire_thread *in, const void *fpu, struct user_regs *regs)
{
    struct thread *t = current;

    *regs = in->regs;
    fs_base_write(in->fs_base);
    fpu_import(fpu);
    t->rseq =
        (struct rseq_state){.area = in->rseq_area, .size = in->rseq_size, .sig = in->rseq_sig};
    rseq_interrupted(t); /* its area says the other enclave's CPU */
}

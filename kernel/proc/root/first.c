/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first process: the root process that the configuration names.  The enclave ends with it.  With a
 * control channel there may be none.
 */
#include <linux/errno.h>

#include "kernel/boot/args.h"
#include "kernel/kernel.h"
#include "kernel/proc/process.h"
#include "kernel/proc/root/control.h"
#include "kernel/proc/root/root_impl.h"
#include "lib/config.h"

int process_first(void)
{
    const struct boot_args *a = kernel.boot_args;
    bool host_ids = config_flag(kernel.config, CONFIG_F_HOST_IDS);
    bool control = a->flags & HOST_FLAG_CONTROL;
    kernel.uid = host_ids ? a->uid : kernel.config->head->uid;
    int err = control ? control_start(a->control_fd) : 0;

    if (control && !err && (a->flags & HOST_FLAG_IDLE))
        return 0;
    struct root *r = err ? NULL : root_new();
    if (!r)
        err = -ENOMEM;
    if (r) {
        r->given = (struct given){a->program, a->cwd, a->argv, a->envp, true};
        r->umask = a->umask;
        for (int i = 0; i < 3; i++)
            r->fds[i] = i;
        err = root_start(r);
    }
    if (err)
        log_warn("not enough enclave memory for the first process; raise sgx.enclave_size");
    return err;
}

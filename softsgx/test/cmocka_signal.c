/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmocka takes the exception signals for each test through signal(): as for any program that
 * softsgx is linked into, it must go through softsgx.
 */
#include "softsgx/softsgx.h"

sighandler_t signal(int sig, sighandler_t handler)
{
    struct sigaction act = {.sa_flags = SA_RESTART}, old;
    act.sa_handler = handler;
    return softsgx_sigaction(sig, &act, &old) ? SIG_ERR : old.sa_handler;
}

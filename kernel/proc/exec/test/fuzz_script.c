/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: any bytes as a script's head.  What is accepted has an interpreter and strings that
 * end.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "kernel/proc/exec/script.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script s;

    if (script_parse((const char *)data, size, &s))
        return 0;
    size_t interp = strnlen(s.interp, sizeof(s.interp)), arg = strnlen(s.arg, sizeof(s.arg));
    if (interp == 0 || interp + arg > SCRIPT_HEAD || memchr(s.interp, ' ', interp))
        abort();
    return 0;
}

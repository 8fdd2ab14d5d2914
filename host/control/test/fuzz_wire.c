/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: any bytes, in pieces of any size, as what a client (or a server) sends.  What is taken as a
 * message keeps its bounds, and a request for a program has the strings that it says.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "abi/host/control.h"
#include "host/control/wire.h"
#include "lib/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at_exec(const struct wire_in *in)
{
    struct wire_exec w;
    struct control_exec e;
    const char *why, *s;

    memcpy(&w, in->data, sizeof(w));
    if (control_exec_check(in->data + sizeof(w), in->have - sizeof(w), w.argc, w.envc, &e, &why))
        return;
    s = e.args;
    for (uint32_t i = 0; i < w.argc; i++)
        s = control_next_string(s);
    if (s != e.envs)
        abort();
    for (uint32_t i = 0; i < w.envc; i++)
        s = control_next_string(s);
    if (s != in->data + in->have)
        abort();
}

static void look_at(const struct wire_in *in)
{
    if (in->have != in->head.len || in->have > in->room || in->room > HOST_CONTROL_DATA_MAX + 64)
        abort();
    if (in->side == WIRE_SERVER && in->head.kind == WIRE_EXEC)
        look_at_exec(in);
    (void)wire_number(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_in in = {.side = size && data[0] & 1 ? WIRE_CLIENT : WIRE_SERVER};
    int ret = 0;

    for (size_t at = 1; at < size && ret >= 0;) {
        size_t n, piece = 1 + data[at - 1] % 97;
        void *to = wire_room(&in, &n);
        if (!to)
            abort();
        n = n < piece ? n : piece;
        n = n < size - at ? n : size - at;
        memcpy(to, data + at, n);
        at += n;
        ret = wire_got(&in, n);
        if (ret == 1) {
            look_at(&in);
            wire_next(&in);
        }
    }
    wire_next(&in);
    return 0;
}

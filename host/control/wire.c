/* SPDX-License-Identifier: Apache-2.0 */
/* Messages on the socket of a live enclave: see wire.h. */
#include "host/control/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 4096
#define TEXT_MAX (1U << 20)

struct bounds {
    uint32_t least, most;
};

/* How long a message's data may be; most < least: there is none of this kind for this side. */
static struct bounds bounds_of(enum wire_side side, unsigned kind)
{
    const struct bounds none = {1, 0}, empty = {0, 0}, number = {4, 4};

    if (side == WIRE_SERVER) {
        switch (kind) {
        case WIRE_EXEC:
            return (struct bounds){sizeof(struct wire_exec),
                                   sizeof(struct wire_exec) + HOST_CONTROL_DATA_MAX};
        case WIRE_SIGNAL:
        case WIRE_GROUND:
        case WIRE_STOP: return number;
        case WIRE_PS:
        case WIRE_ABOUT: return empty;
        default: return none;
        }
    }
    switch (kind) {
    case WIRE_STARTED:
    case WIRE_ENDED:
    case WIRE_HALTED: return number;
    case WIRE_FAILED: return (struct bounds){4, TEXT_MAX};
    case WIRE_LIST:
    case WIRE_REFUSED: return (struct bounds){0, TEXT_MAX};
    case WIRE_ABOUT: return (struct bounds){sizeof(struct wire_about), TEXT_MAX};
    default: return none;
    }
}

static bool head_ok(const struct wire_in *in)
{
    struct bounds b = bounds_of(in->side, in->head.kind);
    return in->head.version == WIRE_VERSION && in->head.len >= b.least && in->head.len <= b.most;
}

void *wire_room(struct wire_in *in, size_t *n)
{
    if (in->head_have < sizeof(in->head)) {
        *n = sizeof(in->head) - in->head_have;
        return (char *)&in->head + in->head_have;
    }
    if (in->have == in->room) {
        size_t room = in->room ? 2 * in->room : FIRST_ROOM;
        char *data = realloc(in->data, room < in->head.len ? room : in->head.len);
        if (!data)
            return NULL;
        in->data = data;
        in->room = room < in->head.len ? room : in->head.len;
    }
    *n = in->room - in->have;
    return in->data + in->have;
}

int wire_got(struct wire_in *in, size_t n)
{
    if (in->head_have < sizeof(in->head)) {
        in->head_have += n;
        if (in->head_have < sizeof(in->head))
            return 0;
        if (!head_ok(in))
            return -EPROTO;
    } else {
        in->have += n;
    }
    return in->have == in->head.len;
}

void wire_next(struct wire_in *in)
{
    free(in->data);
    *in = (struct wire_in){.side = in->side};
}

uint32_t wire_number(const struct wire_in *in)
{
    uint32_t n = 0;
    if (in->have >= sizeof(n))
        memcpy(&n, in->data, sizeof(n));
    return n;
}

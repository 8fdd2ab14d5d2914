/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files of this folder: the server and its clients.
 *
 *   client   NEW ──a whole request──► WAITS ──control_next──► TAKEN ──its end is told──► DONE
 *   NEW for too long, or without room: closed.  DONE: closed when all is sent.
 *
 * A client that goes while its process runs leaves its struct behind (sock < 0) until the kernel has taken
 * the SIGHUP.
 *
 * Lock: server.lock guards everything here; nothing waits under it.
 */
#ifndef HOST_CONTROL_CONTROL_IMPL_H
#define HOST_CONTROL_CONTROL_IMPL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/control/wire.h"

#define CLIENTS_MAX 1024
#define OUT_MAX (4U << 20)      /* bytes that a client does not read */
#define IN_SMALL (64U << 10)    /* a request that is always taken … */
#define IN_MAX (64U << 20)      /* … and what the larger ones have together */
#define NEW_NS 10000000000L     /* until a request must be there */
#define READ_ROUND (256U << 10) /* bytes of one client before the others' turn */

enum client_state { CLIENT_NEW, CLIENT_WAITS, CLIENT_TAKEN, CLIENT_DONE };

/* Bit n-1: signal n, for a process or for its group. */
struct signals {
    uint64_t process, group;
};

struct client {
    uint64_t id; /* from 1; also the root process's */
    int sock;    /* -1: the client is gone */
    enum client_state state;
    int64_t since; /* CLOCK_MONOTONIC, when it came */
    struct wire_in in;
    uint16_t request;          /* enum wire_kind */
    struct wire_exec exec;     /* EXEC */
    int fds[HOST_CONTROL_FDS]; /* EXEC: the client's descriptors, until the kernel takes them */
    unsigned fd_count;
    struct signals signals; /* for the kernel to send to the process */
    bool running;           /* the kernel has it, and has not said that it ended */
    int ground;  /* for the kernel: 1 in the background, 0 in the foreground; -1: no news */
    bool halted; /* it has stopped */
    char *out;   /* bytes [sent, have) are to be sent */
    size_t sent, have, room;
};

enum stop_stage { STOP_NOT, STOP_TERM, STOP_KILL, STOP_ABORT };

struct server {
    pthread_mutex_t lock;
    const struct runtime_options *options;
    int listen_fd;
    int kernel_fd; /* an eventfd, readable while there are requests for the kernel */
    int wake_fd;   /* an eventfd: the server's thread looks at everything again */
    int signal_fd;
    struct client *clients[CLIENTS_MAX];
    unsigned count, turn; /* turn: whose request is looked at first */
    uint64_t last_id;
    struct signals first_signals; /* for the first process, if there is one */
    char *data;                   /* of the request that the kernel has taken last … */
    size_t data_len, data_off;
    enum stop_stage stop;
    int64_t stop_next; /* CLOCK_MONOTONIC: when the next stage begins */
    int stop_signal;   /* for the kernel; 0: none, or taken */
    int64_t began;     /* seconds since the epoch */
    int64_t accept_at; /* CLOCK_MONOTONIC: short of descriptors, until then nobody gets in; or 0 */
    bool ready;
};

extern struct server server;

int64_t control_now(void);
/* There is something for the kernel. */
void control_ring(void);
/* SIGTERM to all, SIGKILL after `seconds`; asked again it can only become sooner. */
void control_stop(uint32_t seconds);
void control_stop_stage(enum stop_stage stage);

/* client.c */
struct client *client_new(int sock);
void client_free(struct client *c); /* not from server.clients */
void client_remove(unsigned i);     /* from there; the last one takes its place */
/* Reads, and acts upon what is complete.  False: nothing more comes, or it must go. */
bool client_read(struct client *c);
/* Sends what it can.  False: it must go. */
bool client_flush(struct client *c);
/* Queues a message. */
void client_say(struct client *c, enum wire_kind kind, const void *data, size_t n);
void client_number(struct client *c, enum wire_kind kind, uint32_t n);
void client_refuse(struct client *c, const char *why);
/* Its connection is over: true when nothing of it is left to do either. */
bool client_hang_up(struct client *c);

/* streams.c: the same stream, not waiting and nobody else's to change; fd is closed or given back. */
int stream_own(int fd);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where live enclaves are found: a directory for each, named as the enclave, in one that only its owner
 * can enter.
 *
 *     $XDG_RUNTIME_DIR/cella/NAME      or /run/user/UID/cella/NAME, if that variable is not set,
 *     /run/cella-UID/NAME              or this one, if there is no such directory
 *         lock      locked as long as the enclave lives
 *         control   a socket, on which its host process listens
 *         log       what that has said, if it was started in the background
 *
 * Owner and mode of both directories are checked each time, and the uid of whoever is at the other end.
 */
#ifndef CLI_LIVE_PLACE_H
#define CLI_LIVE_PLACE_H

#include <stdbool.h>

#define PLACE_NAME_MAX 64

struct place {
    char name[PLACE_NAME_MAX + 8]; /* with room for a number */
    int dir;                       /* the enclave's directory */
    int lock;
};

/*
 * A place of our own: named `name`, or, if that is NULL, as the file `like` or with a number behind that.
 * It is ours until the last process that has p->lock open ends.  False after a message.
 */
bool place_take(struct place *p, const char *name, const char *like);
/* The socket, listening; -1 after a message. */
int place_listen(struct place *p);
/* The log, emptied, for writing; -1 after a message. */
int place_log(struct place *p);
/* The enclave has ended: nobody finds the socket any more. */
void place_leave(struct place *p);

/* A connection to a live enclave; -1 after a message.  *pid: of its host process, if not NULL. */
int place_connect(const char *name, int *pid);
/* True while it lives. */
bool place_lives(const char *name);
/* Names of all that live, sorted, NULL-terminated; free() each and the list. */
char **place_list(void);

#endif

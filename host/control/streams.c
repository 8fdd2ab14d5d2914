/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's standard streams.  It shares them with others: a shell, the other end of a pipeline.  So
 * their flags must not be changed, and what poll calls readable may have been read by somebody else when
 * we come to it, which would keep a vCPU waiting.  Terminals and pipes are therefore opened again, without
 * waiting; where that is not possible the descriptor is used as it is.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/control/control_impl.h"

int stream_own(int fd)
{
    char path[32];
    struct stat st;
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || flags & O_PATH || fstat(fd, &st))
        return fd;
    if (!S_ISFIFO(st.st_mode) && !(S_ISCHR(st.st_mode) && isatty(fd)))
        return fd;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int own =
        open(path, (flags & (O_ACCMODE | O_APPEND | O_DIRECT)) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own < 0)
        return fd;
    close(fd);
    return own;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* sleep(1), four times as fast, for test suites whose scripts mostly sleep. */
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) / 4 : 0;
    struct timespec time = {.tv_sec = (time_t)seconds};

    time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
    return nanosleep(&time, NULL) ? 1 : 0;
}

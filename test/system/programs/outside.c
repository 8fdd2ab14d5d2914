/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Somebody outside changes files and then says so: by a byte in a pipe, by a signal, or in another
 * file. Whoever has been told must see what was changed before, however often it has looked
 * at the old a moment ago.
 *
 *   outside pipe | signal | file ROUNDS
 *
 * Each round asks for a change by a line on standard output, and looks all the time until it is told. In
 * round N "data" holds N, and "odd" exists if N is odd.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static volatile sig_atomic_t told;

static void handler(int sig)
{
    (void)sig;
    told++;
}

/* The number in a file, -1 without one. */
static int number_in(const char *name)
{
    char text[32] = "";
    int fd = open(name, O_RDONLY);

    if (fd < 0)
        return -1;
    if (read(fd, text, sizeof(text) - 1) < 0)
        text[0] = 0;
    close(fd);
    return atoi(text);
}

static void check(int round)
{
    struct stat st, by_fd;
    int fd = open("data", O_RDONLY), odd = !access("odd", F_OK);

    if (stat("data", &st) || fd < 0 || fstat(fd, &by_fd) || st.st_ino != by_fd.st_ino ||
        st.st_size != by_fd.st_size) {
        printf("round %d: stat and fstat differ\n", round);
        exit(1);
    }
    close(fd);
    if (st.st_size != 10 + round % 7 || number_in("data") != round || odd != round % 2) {
        printf("round %d: data has %d in %ld bytes, odd is %s\n", round, number_in("data"),
               (long)st.st_size, odd ? "there" : "not there");
        exit(1);
    }
}

static void look(int times)
{
    struct stat st;

    for (int i = 0; i < times; i++) {
        (void)number_in("data");
        (void)!stat("data", &st);
        (void)!stat("odd", &st);
    }
}

static void wait_told(const char *how, int round)
{
    char byte;

    if (!strcmp(how, "signal")) {
        while (told < round)
            look(1);
    } else if (!strcmp(how, "file")) {
        while (number_in("flag") != round)
            look(1);
    } else {
        look(20 + round * 13 % 200);
        if (read(0, &byte, 1) != 1)
            exit(2);
    }
}

int main(int argc, char **argv)
{
    int rounds = argc > 2 ? atoi(argv[2]) : 0;

    signal(SIGUSR1, handler);
    for (int round = 1; round <= rounds; round++) {
        printf("%d\n", round);
        fflush(stdout);
        wait_told(argv[1], round);
        check(round);
    }
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an operation is timed from inside: batches of at least 5 ms, of which the median counts. Prints
 * the nanoseconds an operation took, and how many were done altogether.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCHES 31
#define BATCH_NS 5e6

/* Negative: it failed. */
typedef long (*operation_fn)(void);

static inline double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static inline int compare_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static inline double batch(const char *name, operation_fn run, long count)
{
    double start = now();

    for (long i = 0; i < count; i++)
        if (run() < 0) {
            fprintf(stderr, "%s: %s\n", name, strerror(errno));
            exit(1);
        }
    return (now() - start) / (double)count;
}

static inline void measure(const char *name, operation_fn run)
{
    double results[BATCHES];
    long count = 64, total = 0; /* the first few may be slow for reasons of their own */

    for (;;) {
        double took = batch(name, run, count) * (double)count;
        total += count;
        if (took >= BATCH_NS)
            break;
        count *= 2;
    }
    for (int i = 0; i < BATCHES; i++)
        results[i] = batch(name, run, count);
    qsort(results, BATCHES, sizeof(results[0]), compare_double);
    printf("%.2f %ld\n", results[BATCHES / 2], total + BATCHES * count);
}

#endif

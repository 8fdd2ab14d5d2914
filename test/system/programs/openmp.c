// SPDX-License-Identifier: Apache-2.0
// libgomp: teams of threads, reductions, tasks, nested regions, critical sections, schedules, locks.

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

static long fibonacci(int n)
{
    long a, b;

    if (n < 15)
        return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
#pragma omp task shared(a)
    a = fibonacci(n - 1);
#pragma omp task shared(b)
    b = fibonacci(n - 2);
#pragma omp taskwait
    return a + b;
}

static double product(int size)
{
    double *a = malloc(sizeof(double) * size * size), *b = malloc(sizeof(double) * size * size);
    double trace = 0;

#pragma omp parallel for schedule(static)
    for (int i = 0; i < size * size; i++) {
        a[i] = i % 13;
        b[i] = i % 7;
    }
#pragma omp parallel for reduction(+ : trace) schedule(dynamic, 4)
    for (int i = 0; i < size; i++) {
        for (int k = 0; k < size; k++)
            trace += a[i * size + k] * b[k * size + i];
    }
    free(a);
    free(b);
    return trace;
}

static int regions(void)
{
    int entered = 0;

    for (int i = 0; i < 2000; i++) {
#pragma omp parallel
        {
#pragma omp atomic
            entered++;
#pragma omp barrier
#pragma omp single
            entered += 1000000 * (i == 0);
        }
    }
    return entered;
}

static int nested(void)
{
    int count = 0;

    omp_set_max_active_levels(2);
#pragma omp parallel num_threads(3)
#pragma omp parallel num_threads(3)
#pragma omp critical
    count++;
    return count;
}

int main(void)
{
    long value = 0, ordered = 0;
    omp_lock_t lock;

    omp_set_dynamic(0);
    omp_set_num_threads(4);
#pragma omp parallel
#pragma omp single
    value = fibonacci(24);
    printf("tasks %ld\nproduct %.0f\nregions %d\nnested %d\n", value, product(300), regions(),
           nested());
#pragma omp parallel for ordered
    for (int i = 0; i < 200; i++) {
#pragma omp ordered
        ordered = ordered * 3 % 1000003 + i;
    }
    omp_init_lock(&lock);
    value = 0;
#pragma omp parallel for schedule(guided)
    for (int i = 0; i < 10000; i++) {
        omp_set_lock(&lock);
        value += i;
        omp_unset_lock(&lock);
    }
    printf("ordered %ld\nlocked %ld\nthreads %d\n", ordered, value, omp_get_max_threads());
    return 0;
}

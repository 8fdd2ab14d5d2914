/* SPDX-License-Identifier: Apache-2.0 */
/* Two thousand threads created and joined; their stacks and TLS come back. */
#include "check.h"
#include <pthread.h>

static __thread char local[5000];

static void *body(void *arg)
{
    memset(local, 1, sizeof(local));
    return (char *)arg + local[4999];
}

int main(void)
{
    pthread_t threads[8];
    int wrong = 0;

    for (intptr_t round = 0; round < 250; round++) {
        for (intptr_t i = 0; i < 8; i++)
            wrong += pthread_create(&threads[i], NULL, body, (void *)(round + i)) != 0;
        for (intptr_t i = 0; i < 8; i++) {
            void *result;

            wrong += pthread_join(threads[i], &result) != 0;
            wrong += (intptr_t)result != round + i + 1;
        }
    }
    check_eq(wrong, 0);
    return check_done();
}

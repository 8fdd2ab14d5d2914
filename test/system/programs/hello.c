/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest useful program; built dynamic, static, static-PIE and non-PIE, by gcc and musl. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "world";

    printf("hello %s, %d arguments, sqrt-free %zu\n", name, argc - 1, strlen(name));
    return argc > 2 ? atoi(argv[2]) : 0;
}

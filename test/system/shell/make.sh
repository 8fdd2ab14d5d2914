#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make -j4 of thirty C files, an archive and a program: the objects are compared as files that are left.
set -e
mkdir -p src
for i in $(seq 30); do
    cat >"src/part$i.c" <<END
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct item$i { int key; char name[$((i + 8))]; double weight; };
static int compare(const void *a, const void *b)
{
    const struct item$i *x = a, *y = b;
    return x->key < y->key ? -1 : x->key > y->key;
}
int part$i(int n)
{
    struct item$i *all = calloc(n, sizeof(*all));
    int sum = 0;
    for (int k = 0; k < n; k++) {
        all[k].key = (k * 7919 + $i) % 1009;
        snprintf(all[k].name, sizeof(all[k].name), "%d-$i", k);
        all[k].weight = k / ($i + 0.5);
    }
    qsort(all, n, sizeof(*all), compare);
    for (int k = 0; k < n; k++)
        sum += all[k].key * (k % 5) + (int)strlen(all[k].name) + (int)all[k].weight;
    free(all);
    return sum;
}
END
done
{
    echo '#include <stdio.h>'
    for i in $(seq 30); do echo "int part$i(int);"; done
    echo 'int main(void) { int sum = 0;'
    for i in $(seq 30); do echo "sum += part$i(100 + $i);"; done
    echo 'printf("%d", sum); return 0; }'
} >src/main.c
cat >Makefile <<'END'
CFLAGS = -O2 -g -Wall -ffile-prefix-map=$(CURDIR)=.
parts = $(patsubst %.c,%.o,$(wildcard src/part*.c))
program: src/main.o libparts.a
	$(CC) $(CFLAGS) -o $@ src/main.o -L. -lparts
libparts.a: $(parts)
	ar rcsD $@ $(sort $(parts))
src/%.o: src/%.c Makefile
	@$(CC) $(CFLAGS) -c -o $@ $<
END
make -s -j4
./program
make -j4
touch src/part7.c
make -n | wc -l
echo 'int broken(' >src/part31.c
make -s -k -j4 >/dev/null 2>&1 || echo "make failed $?"

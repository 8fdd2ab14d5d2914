# SPDX-License-Identifier: Apache-2.0
# Objects, generators, garbage, deep recursion, sorting, a bit of everything that allocates.
import gc
import random
import sys

random.seed(42)
values = [random.random() for _ in range(200000)]
print(sum(sorted(values)[:10]), sum(v > 0.5 for v in values))
tree = {}
for i in range(100000):
    tree.setdefault(i % 1009, []).append(str(i))
print(len(tree), sum(map(len, tree[5])))
sys.setrecursionlimit(9000)


def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)


print(depth(8000))
try:
    sys.setrecursionlimit(1000)
    depth(100000)
except RecursionError as error:
    print(error)


class Node:
    def __init__(self):
        self.me = self
        self.data = bytearray(1000)


for _ in range(50000):
    Node()
print(gc.collect() >= 0, len(bytes(50_000_000)))
print("%.12f" % sum(1 / (n * n) for n in range(1, 300000)))

# SPDX-License-Identifier: Apache-2.0
import collections
import sys

first = sys.stdin.readline()
words = collections.Counter(word for line in sys.stdin for word in line.split())
print(repr(first), sum(words.values()), words.most_common(5))
print(repr(sys.stdin.read()), sys.stdin.isatty())

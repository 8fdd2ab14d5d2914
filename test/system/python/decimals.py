# SPDX-License-Identifier: Apache-2.0
# decimal, fractions, floats and large integers: the same digits as natively.
from decimal import Decimal, getcontext
from fractions import Fraction
import math
import statistics

getcontext().prec = 60
print(Decimal(2).sqrt(), Decimal(1) / Decimal(7), Decimal(1).exp())
print((Decimal("1.10") + Decimal("2.20")).quantize(Decimal("0.01")))
print(sum(Fraction(1, n) for n in range(1, 40)))
print(2**521 - 1, pow(3, 10**6, 10**9 + 7), math.factorial(60))
print([math.sin(x), math.exp(x), math.lgamma(x), math.hypot(x, 3)] if (x := 1.2345) else 0)
print(statistics.stdev(range(100)), f"{math.pi:.20f}", float.hex(0.1))

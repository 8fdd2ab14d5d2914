# SPDX-License-Identifier: Apache-2.0
import re

text = " ".join(f"user{i}@host{i % 7}.example.org 2024-{i % 12 + 1:02}-{i % 28 + 1:02}" for i in range(2000))
emails = re.findall(r"(?P<user>\w+)@(?P<host>[\w.]+)", text)
print(len(emails), emails[:3], emails[-1])
print(len(re.findall(r"\b2024-0[1-6]-\d\d\b", text)))
print(re.sub(r"(\d+)-(\d+)-(\d+)", r"\3.\2.\1", text)[:120])
print(re.split(r"\s+", "  a  b\tc\n d "))
print(bool(re.fullmatch(r"(?:a|b)*c", "ab" * 5000 + "c")))
print(re.compile(r"(?<=x)y(?!z)", re.I).sub("-", "xy Xyz XY"))

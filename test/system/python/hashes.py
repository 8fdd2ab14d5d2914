# SPDX-License-Identifier: Apache-2.0
# Every hash of hashlib (OpenSSL's and Python's own) over a megabyte, hmac, pbkdf2, zlib, crc.
import hashlib
import hmac
import zlib

data = bytes(i * 7 + (i >> 8) & 0xFF for i in range(1 << 20))
for name in sorted(hashlib.algorithms_guaranteed):
    digest = hashlib.new(name, data)
    print(name, digest.hexdigest(32) if name.startswith("shake") else digest.hexdigest())
print(hmac.new(b"key", data, "sha256").hexdigest())
print(hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 1000).hex())
packed = zlib.compress(data, 6)
assert zlib.decompress(packed) == data
print(len(packed), zlib.crc32(data), zlib.adler32(data))

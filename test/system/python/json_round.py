# SPDX-License-Identifier: Apache-2.0
# JSON of nested data, unicode and edge numbers, there and back.
import json

data = {
    "list": list(range(100)),
    "nested": {"a": [1, [2, [3, [4]]]], "b": None, "c": True},
    "text": "äöü € \u4e2d\u6587 \U0001f600 \n\t\"quoted\"",
    "numbers": [0, -1, 1.5, 1e300, -2.25e-10, 2**70],
}
text = json.dumps(data, sort_keys=True, indent=1)
assert json.loads(text) == data
print(text)
print(json.dumps(data, ensure_ascii=False, sort_keys=True))
try:
    json.loads('{"a": [1, 2,, 3]}')
except json.JSONDecodeError as error:
    print("error:", error)

# SPDX-License-Identifier: Apache-2.0
"""stress-ng, as Debian ships it: several processes use one thing at a time, and verify what they get.

Each stressor runs natively first; one that the machine does not let run there says nothing here."""

import re

import schedule

# By stressor: operations of each of its two instances.
STRESSORS = {"sem-sysv": 300, "msg": 5000, "mq": 500, "fifo": 5000}
BAD = re.compile(r"^stress-ng: (error|fail|warn)", re.M)


def stressor(name, operations):
    command = ["/usr/bin/stress-ng", "--" + name, "2", f"--{name}-ops", str(operations), "--verify",
               "--timeout", "40"]

    def test(context):
        native = context.run(command)
        text = native.err.decode("utf-8", "replace")
        if native.status != 0 or BAD.search(text):
            raise schedule.Skip(f"not natively: {text[-300:]}")
        result = context.run(context.launcher(command))
        text = result.out.decode("utf-8", "replace") + result.err.decode("utf-8", "replace")
        assert result.status == 0, f"{result.ending()}: {text[-1000:]}"
        assert not BAD.search(text), text[-1000:]
        assert "successful run completed" in text, text[-1000:]

    return test


TESTS = [(name, stressor(name, operations)) for name, operations in STRESSORS.items()]

# SPDX-License-Identifier: Apache-2.0
# Python's signal handling: handlers between bytecodes, alarms, wake-ups, faulthandler's stack.
import os
import signal
import threading
import time

seen = []
signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
for _ in range(100):
    os.kill(os.getpid(), signal.SIGUSR1)
print(len(seen))


def raise_timeout(number, frame):
    raise TimeoutError("alarm")


signal.signal(signal.SIGALRM, raise_timeout)
signal.setitimer(signal.ITIMER_REAL, 0.05)
try:
    while True:
        pass
except TimeoutError as error:
    print("computing interrupted:", error)
signal.setitimer(signal.ITIMER_REAL, 0.05)
try:
    time.sleep(60)
except TimeoutError as error:
    print("sleep interrupted:", error)
main = threading.main_thread().ident
timer = threading.Timer(0.05, lambda: signal.pthread_kill(main, signal.SIGINT))
timer.start()
try:
    time.sleep(60)
except KeyboardInterrupt:
    print("KeyboardInterrupt")
timer.join()
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
# To this thread: another one that is still on its way out would not have it blocked.
signal.raise_signal(signal.SIGUSR2)
print(signal.sigpending() == {signal.SIGUSR2}, signal.sigwait({signal.SIGUSR2}))

"""Locks with fencing tokens, with redis-py: one at a time may write, and who comes too late is refused.

    python3 locks.py [redis://127.0.0.1:6379]
"""

import sys
import threading
import time
import uuid

import redis


class LockLost(Exception):
    """The lease was over when the store was asked to write."""


class Lock:
    """A lock to be used with `with`. Its lease ends by itself, so nobody holds it for ever who has crashed."""

    def __init__(self, client, name, lease_ms=10_000, wait_ms=5_000):
        self.client = client
        self.name = name
        self.lease_ms = lease_ms
        self.wait_ms = wait_ms
        # Two threads of a program are two owners, or they would both enter.
        self.owner = str(uuid.uuid4())
        self.token = None

    def __enter__(self):
        words = ["PX", self.lease_ms] + (["WAIT", self.wait_ms] if self.wait_ms > 0 else [])
        reply = self.client.execute_command("LOCK.ACQUIRE", self.name, self.owner, *words)
        if reply is None:
            raise TimeoutError(f"{self.name} is held")
        self.token = reply[0]
        return self

    def __exit__(self, *_):
        self.client.execute_command("LOCK.RELEASE", self.name, self.owner, self.token)

    def renew(self):
        """Begins the lease anew; False when it was over."""
        words = (self.owner, self.token, "PX", self.lease_ms)
        return self.client.execute_command("LOCK.RENEW", self.name, *words) == 1

    def set(self, key, value):
        """Writes if the lock is still held. Looking first, and writing then, would leave a gap."""
        return self._fenced("SET", key, value, "FENCE", self.name, self.token)

    def run(self, *command):
        """The same for any other command."""
        return self._fenced("FENCED", self.name, self.token, *command)

    def _fenced(self, *words):
        try:
            return self.client.execute_command(*words)
        except redis.ResponseError as error:
            if str(error).startswith("FENCED"):
                raise LockLost(str(error)) from error
            raise


def count_together(client, workers=4, rounds=10):
    """Reads, adds one and writes, in several threads at once: nothing is lost."""
    client.set("visits", 0)

    def work():
        for _ in range(rounds):
            with Lock(client, "lock:visits") as lock:
                lock.set("visits", int(client.get("visits")) + 1)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return int(client.get("visits"))


def come_too_late(client):
    """A holder that was away for longer than its lease must not undo what the next one wrote."""
    with Lock(client, "lock:invoice", lease_ms=50) as late:
        with Lock(client, "lock:invoice") as next_one:  # waits until the lease is over
            assert next_one.token > late.token
            next_one.set("invoice", "paid")
            try:
                late.set("invoice", "open")
            except LockLost:
                refused = True
            else:
                refused = False
    return refused, client.get("invoice")


def main():
    url = sys.argv[1] if len(sys.argv) > 1 else "redis://127.0.0.1:6379"
    client = redis.Redis.from_url(url, decode_responses=True)
    print("visits:", count_together(client))
    refused, value = come_too_late(client)
    print("late writer refused:", refused)
    print("invoice:", value)
    with Lock(client, "lock:report") as lock:
        print("entries:", lock.run("RPUSH", "report", "one", "two"))
        time.sleep(0.01)
        print("renewed:", lock.renew())
        try:
            with Lock(client, "lock:report", wait_ms=0):
                pass
        except TimeoutError as error:
            print(error)
    client.delete("visits", "invoice", "report")


if __name__ == "__main__":
    main()

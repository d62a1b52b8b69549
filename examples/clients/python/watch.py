"""A watch with revisions, with redis-py: a copy of some keys that misses no change, also across lost connections.

    python3 watch.py [redis://127.0.0.1:6379]
"""

import sys
import threading
import time

import redis


class Compacted(Exception):
    """The server has forgotten some of the changes since: read the keys anew."""


def changes(client, pattern, since=None, on_start=None):
    """Yields `(revision, [(key, event, value), …])`, a commit at a time, in the order of revisions, for ever.

    `on_start` is told the revision after which nothing is missing. A lost connection is made again, and the
    watch goes on where it was.
    """
    while True:
        connection = client.connection_pool.get_connection("WATCHREV")
        try:
            words = [] if since is None else ["SINCE", since]
            connection.send_command("WATCHREV", pattern, "VALUES", *words)
            start = connection.read_response()
            if since is None:
                since = start
                if on_start is not None:
                    on_start(start)
            while True:
                # Without changes an empty commit comes every five seconds: a sign of life, and a later revision.
                if not connection.can_read(timeout=15):
                    raise redis.ConnectionError("the server is silent")
                kind, revision, *items = connection.read_response()
                if kind == "watchrev-lost":
                    raise Compacted(revision)
                since = revision
                if items[0]:
                    yield revision, [(key, event, value) for _db, key, event, value, _type in items[0]]
        except redis.ResponseError as error:
            if str(error).startswith("COMPACTED"):
                raise Compacted(str(error)) from error
            raise
        except (redis.ConnectionError, redis.TimeoutError, OSError):
            time.sleep(0.05)
        finally:
            # It is a stream now, of no use to others.
            connection.disconnect()
            client.connection_pool.release(connection)


class Mirror:
    """A copy of all strings with a prefix, kept up to date by a thread."""

    def __init__(self, client, prefix):
        self.values = {}
        self.revision = 0
        self._client = client
        self._prefix = prefix
        self._started = threading.Event()
        threading.Thread(target=self._follow, daemon=True).start()
        self._started.wait()

    def _follow(self):
        for revision, items in changes(self._client, self._prefix + "*", on_start=self._read_all):
            for key, _event, value in items:
                if value is None:
                    self.values.pop(key, None)
                else:
                    self.values[key] = value
            self.revision = revision

    def _read_all(self, revision):
        """What is there when the watch has begun; what changes meanwhile comes in the watch."""
        for key in self._client.scan_iter(match=self._prefix + "*"):
            self.values[key] = self._client.get(key)
        self.revision = revision
        self._started.set()


def main():
    url = sys.argv[1] if len(sys.argv) > 1 else "redis://127.0.0.1:6379"
    # In RESP3 changes come as pushes, which redis-py hands elsewhere; before version 5 it knows RESP2 alone.
    options = {"protocol": 2} if int(redis.__version__.split(".")[0]) >= 5 else {}
    client = redis.Redis.from_url(url, decode_responses=True, **options)
    client.set("order:0", "there before")
    mirror = Mirror(client, "order:")
    print("read at the start:", mirror.values)

    for i in range(1, 50):
        client.set(f"order:{i}", i)
    client.delete("order:7")
    killed = sum(
        client.client_kill_filter(_id=info["id"])
        for info in client.client_list()
        if info["cmd"] == "watchrev"
    )
    print("connections cut:", killed)
    for i in range(50, 100):
        client.set(f"order:{i}", i)
    client.delete("order:8")

    def wanted():
        return {key: client.get(key) for key in client.scan_iter(match="order:*")}

    end = time.monotonic() + 10
    while mirror.values != wanted() and time.monotonic() < end:
        time.sleep(0.01)
    print("keys in the copy:", len(mirror.values))
    print("the same:", mirror.values == wanted())
    client.delete(*mirror.values)


if __name__ == "__main__":
    main()

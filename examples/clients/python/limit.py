"""A rate limit, with redis-py: so many at once, then so many per period, counted by the server.

    python3 limit.py [redis://127.0.0.1:6379]
"""

import sys
import time

import redis


def allow(client, key, burst, count, period_ms):
    """Whether one more may pass now, and if not, in how many seconds."""
    refused, _limit, _remaining, retry_ms, _reset_ms = client.execute_command(
        "LIMIT", key, burst, count, period_ms
    )
    return refused == 0, max(retry_ms, 0) / 1000


def main():
    url = sys.argv[1] if len(sys.argv) > 1 else "redis://127.0.0.1:6379"
    client = redis.Redis.from_url(url, decode_responses=True)
    client.delete("limit:ann")
    # One more than the burst passes at once: the burst comes on top of the first.
    passed = [allow(client, "limit:ann", 4, 2, 1000)[0] for _ in range(8)]
    print("passed at once:", passed.count(True), "of", len(passed))
    allowed, wait = allow(client, "limit:ann", 4, 2, 1000)
    print("then refused:", not allowed, "and told to wait:", 0 < wait <= 0.5)
    time.sleep(wait)
    print("after that wait:", allow(client, "limit:ann", 4, 2, 1000)[0])
    client.delete("limit:ann")


if __name__ == "__main__":
    main()

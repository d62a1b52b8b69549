"""What programs do with redis-py, each part with what it got: the same lines, whatever server it is.

    python3 redis-py-uses.py redis://127.0.0.1:6379 bytes|text

Prints nothing that chance or time decide: sets are sorted, and of times only a bound is said. The Lock
class of redis-py enters by SET, and leaves by a script, which a server without scripts does not run: so it
only enters.
"""

import datetime
import sys
import threading

import redis

URL = sys.argv[1]
IS_DECODED = sys.argv[2] == "text"


def show(name, *values):
    print(f"{name}:", *(repr(value) for value in values))


def refused(call, *args, **kwargs):
    try:
        return call(*args, **kwargs)
    except (redis.RedisError, UnicodeDecodeError) as error:
        return type(error).__name__, str(error)


def strings(r):
    show("set", r.set("s", "grün"), r.set("s", "x", nx=True), r.set("s", "y", get=True), r.get("s"))
    r.set("raw", b"\xff\x00\r\n")
    show("bytes", refused(r.get, "raw"), r.strlen("raw"))
    show("mset", r.mset({"a": 1, "b": 2.5, "c": "drei"}), r.mget("a", "none", "b", "c"))
    show("mset", r.msetnx({"a": 1, "d": 1}))
    show("counts", r.incr("n"), r.incrby("n", 41), r.decr("n", 2))
    show("counts", r.incrbyfloat("n", 0.5), r.append("c", "!"))
    show("ranges", r.strlen("c"), r.getrange("c", 1, -2), r.setrange("c", 2, "--"), r.get("c"), r.getdel("c"))
    show("expiry", r.setex("e", 100, "v"), 90 < r.ttl("e") <= 100, r.persist("e"), r.ttl("e"), r.ttl("none"))
    when = datetime.datetime.now() + datetime.timedelta(hours=1)
    show("until", r.expireat("e", when), 3500 < r.ttl("e") <= 3600)
    show("until", r.pexpire("e", datetime.timedelta(minutes=1)))
    show("getex", r.getex("e", persist=True), r.pttl("e"), r.expire("none", 1))
    show("keys", r.exists("a", "b", "none"), r.type("a"), r.rename("a", "aa"))
    show("keys", r.copy("aa", "ab"), r.delete("aa", "ab"))
    show("wrong", refused(r.lpush, "s", "x"), refused(r.incr, "s"), refused(r.rename, "none", "x"))
    show("wrong", refused(r.execute_command, "NOSUCH", "x"), refused(r.execute_command, "GET"))


def collections(r):
    show("hset", r.hset("h", mapping={"a": 1, "b": "zwei"}), r.hset("h", "a", "2"), r.hsetnx("h", "a", "3"))
    show("hget", r.hget("h", "a"), r.hmget("h", "b", "none"), r.hgetall("h"), r.hgetall("none"), r.hlen("h"))
    show("hincr", r.hincrby("h", "n", 5), r.hincrbyfloat("h", "n", 0.25))
    show("hincr", r.hexists("h", "n"), r.hdel("h", "n", "m"))
    show("hkeys", sorted(r.hkeys("h")), sorted(r.hvals("h")), r.hstrlen("h", "b"), dict(r.hscan_iter("h")))
    show("push", r.rpush("l", *"abcde"), r.lpush("l", "z"))
    show("push", r.linsert("l", "before", "a", "y"), r.lrange("l", 0, -1))
    show("list", r.lindex("l", 1), r.lset("l", 1, "Y"), r.lpos("l", "c"))
    show("list", r.lrem("l", 0, "b"), r.ltrim("l", 1, -2))
    show("pop", r.lpop("l"), r.rpop("l", 2), r.lmove("l", "m", "LEFT", "RIGHT"), r.llen("l"), r.lpop("l"))
    show("sadd", r.sadd("s1", *"abc"), r.sadd("s2", *"bcd"))
    show("sadd", r.sismember("s1", "a"), r.smismember("s1", ["a", "d"]))
    show("sets", sorted(r.sinter("s1", "s2")), sorted(r.sunion("s1", "s2")), sorted(r.sdiff("s1", "s2")))
    show("stored", r.sinterstore("s3", "s1", "s2"), sorted(r.smembers("s3")))
    show("stored", r.smove("s3", "s1", "b"), r.scard("s3"))
    show("members", sorted(r.sscan_iter("s1")), len(r.srandmember("s1", 2)), r.spop("s3"), r.smembers("s3"))
    show("zadd", r.zadd("z", {"a": 1, "b": 2.5, "c": 3}), r.zadd("z", {"a": 9}, nx=True))
    show("zadd", r.zadd("z", {"b": 2}, ch=True))
    show("zrange", r.zrange("z", 0, -1, withscores=True), r.zrange("z", 0, 1, desc=True))
    show("zrange", r.zrangebyscore("z", "(1", "+inf"))
    show("zrank", r.zrank("z", "c"), r.zrevrank("z", "c"), r.zscore("z", "b"), r.zmscore("z", ["a", "none"]))
    show("zstore", r.zunionstore("u", {"z": 2, "s1": 1}, aggregate="MAX"))
    show("zstore", r.zrange("u", 0, -1, withscores=True))
    show("zinter", r.zinter(["z", "s1"], withscores=True), r.zdiff(["z", "s1"]))
    show("zinter", r.zcount("z", 1, 2), r.zlexcount("z", "-", "+"))
    show("zincr", r.zincrby("z", 0.5, "a"), r.zpopmin("z"), r.zpopmax("z", 2))
    show("zincr", r.zcard("z"), list(r.zscan_iter("u")))


def iterators(r):
    for start in range(0, 3000, 500):
        r.mset({f"{'user' if i % 2 else 'item'}:{i}": i for i in range(start, start + 500)})
    r.sadd("user:set", "x")
    show("scan_iter", len(set(r.scan_iter())), len(set(r.scan_iter("user:*", count=100))))
    show("scan_iter", len(r.keys("item:*")))
    show("by type", list(r.scan_iter("user:*", _type="set")), sorted(r.scan_iter("user:100?")))
    r.hset("big", mapping={f"f{i}": i for i in range(1000)})
    show("hscan_iter", len(dict(r.hscan_iter("big"))))
    show("hscan_iter", sorted(dict(r.hscan_iter("big", match="f99*", count=10))))
    r.zadd("scores", {f"m{i}": i for i in range(1000)})
    show("zscan_iter", sum(score for _, score in r.zscan_iter("scores")), r.dbsize())


def pipelines(r):
    with r.pipeline(transaction=False) as pipe:
        for i in range(1000):
            pipe.set(f"p:{i}", i).incr("sum")
        replies = pipe.execute()
    show("pipeline", len(replies), replies[:4], replies[-2:])
    pipe = r.pipeline(transaction=False)
    pipe.set("p", 1).lpush("p", 2).incr("p")
    show("with an error", [str(one) for one in pipe.execute(raise_on_error=False)])
    with r.pipeline() as pipe:
        show("transaction", pipe.incr("t").hset("th", "a", 1).lpush("tl", 1, 2).hgetall("th").execute())
        show("raises", refused(pipe.set("p", "x").incr("p").set("q", 1).execute), r.mget("p", "q"))
        show("is refused", refused(pipe.set("p", 1).execute_command("NOSUCH").execute), r.get("p"))


def watches(r):
    r.set("stock", 5)
    rounds = []

    def buy(pipe):
        left = int(pipe.get("stock"))
        if not rounds:
            make().decr("stock")
        rounds.append(left)
        pipe.multi()
        pipe.set("stock", left - 1).rpush("sold", left)

    show("retried", r.transaction(buy, "stock", "sold"), rounds, r.get("stock"), r.lrange("sold", 0, -1))
    with r.pipeline() as pipe:
        pipe.watch("stock")
        make().set("stock", 0)
        pipe.multi()
        pipe.incr("stock")
        show("watch error", refused(pipe.execute), r.get("stock"))
        pipe.watch("stock")
        show("unwatched", pipe.unwatch(), r.incr("stock"))
    r.set("count", 0)

    def increment(pipe):
        value = int(pipe.get("count"))
        pipe.multi()
        pipe.set("count", value + 1)

    def many():
        own = make()
        for _ in range(25):
            own.transaction(increment, "count")

    in_threads(4, many)
    show("incremented by four", r.get("count"))


def channels(r):
    listener = r.pubsub()
    listener.psubscribe("news.*", "n[aio]*")
    listener.subscribe("news.a")
    heard = [next_message(listener) for _ in range(3)]
    show("published", r.publish("news.a", "grün"), r.publish("other", "x"))
    heard += [next_message(listener) for _ in range(2)]
    # Only now: of different channels no order is promised, but with Redis.
    show("published", r.publish("news.b", "a\r\nb"))
    heard.append(next_message(listener))
    show("numbers", r.pubsub_channels("n*"), r.pubsub_numsub("news.a", "news.b"), r.pubsub_numpat())
    listener.punsubscribe("news.*")
    listener.ping("hello")
    heard += [next_message(listener) for _ in range(2)]
    for message in heard:
        show("heard", *(message[part] for part in ("type", "pattern", "channel", "data")))
    listener.close()
    called = threading.Event()
    handled = []

    def handle(message):
        handled.append((message["channel"], message["data"]))
        called.set()

    listener = r.pubsub(ignore_subscribe_messages=True)
    listener.psubscribe(**{"jobs.*": handle})
    thread = listener.run_in_thread(sleep_time=0.01, daemon=True)
    while r.publish("jobs.1", "run") == 0:
        pass
    called.wait(10)
    thread.stop()
    thread.join()
    show("by a handler", handled)


def next_message(listener):
    while True:
        message = listener.get_message(timeout=1)
        if message is not None:
            return message


def blocking(r):
    show("at once", r.rpush("jobs", 1, 2), r.blpop(["none", "jobs"], 1))
    show("at once", r.brpop("jobs"), r.blpop("jobs", 0.01))
    got = []
    takers = threads(3, lambda: got.append(make().blpop(["queue", "other"], 0)))
    while r.info("clients")["blocked_clients"] < 3:
        pass
    show("pushed", r.rpush("queue", "x", "y"), r.rpush("other", "z"))
    for taker in takers:
        taker.join()
    show("taken", sorted(got), r.exists("queue", "other"))
    mover = threads(1, lambda: got.append(make().blmove("from", "to", 0, "LEFT", "RIGHT")))[0]
    popper = threads(1, lambda: got.append(make().bzpopmin("zset", 0)))[0]
    while r.info("clients")["blocked_clients"] < 2:
        pass
    r.rpush("from", "moved")
    mover.join()
    r.zadd("zset", {"low": 1, "high": 2})
    popper.join()
    show("moved", got[3:], r.lrange("to", 0, -1), r.zcard("zset"))


def pool(r):
    kinds = {"max_connections": 3, "timeout": 20, "decode_responses": IS_DECODED}
    shared = redis.Redis(connection_pool=redis.BlockingConnectionPool.from_url(URL, **kinds))
    wrong = []

    def work():
        name = threading.current_thread().name
        for i in range(50):
            value = f"{name}:{i}"
            pipe = shared.pipeline(transaction=i % 2 == 0)
            stored, got, _ = pipe.set(name, value).get(name).incr("done").execute()
            if not stored or got not in (value, value.encode()):
                wrong.append((value, got))

    in_threads(8, work)
    show("a pool of three for eight", r.get("done"), wrong)
    shared.connection_pool.disconnect()
    show("after all are cut", shared.get("done"), shared.client_setname("me"), shared.client_getname())


def locks(r):
    lock, other = r.lock("lock", timeout=100), r.lock("lock", timeout=100)
    show("lock", lock.acquire(), lock.locked(), lock.owned(), other.acquire(blocking=False), other.owned())
    show("left", r.delete("lock"), lock.locked(), other.acquire(blocking_timeout=1), r.pttl("lock") > 90_000)


def threads(count, work):
    started = [threading.Thread(target=work, name=f"thread{i}") for i in range(count)]
    for thread in started:
        thread.start()
    return started


def in_threads(count, work):
    for thread in threads(count, work):
        thread.join()


def make():
    return redis.Redis.from_url(URL, decode_responses=IS_DECODED)


def main():
    r = redis.Redis.from_url(
        URL, decode_responses=IS_DECODED, health_check_interval=1, client_name="uses"
    )
    for part in (strings, collections, iterators, pipelines, watches, channels, blocking, pool, locks):
        r.flushall()
        print(f"# {part.__name__}")
        part(r)


main()

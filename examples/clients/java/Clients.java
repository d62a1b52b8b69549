import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;

/**
 * Locks with fencing tokens, a rate limit and a watch with revisions, from Java.
 *
 *     javac -d out *.java && java -cp out Clients locks|limit|watch [host [port]]
 */
public final class Clients {
    private static String host = "127.0.0.1";
    private static int port = 6379;

    public static void main(String[] args) throws Exception {
        if (args.length > 1) host = args[1];
        if (args.length > 2) port = Integer.parseInt(args[2]);
        switch (args.length > 0 ? args[0] : "") {
            case "locks" -> locks();
            case "limit" -> limit();
            case "watch" -> watch();
            default -> {
                System.err.println("usage: locks|limit|watch [host [port]]");
                System.exit(2);
            }
        }
    }

    private static RespConnection connect() throws IOException {
        return new RespConnection(host, port);
    }

    private static void locks() throws Exception {
        try (RespConnection connection = connect(); RespConnection other = connect()) {
            System.out.println("visits: " + countTogether(connection));

            // Who was away for longer than its lease must not undo what the next one wrote.
            Lock late = Lock.acquire(connection, "lock:invoice", 50, 0);
            try (Lock next = Lock.acquire(other, "lock:invoice", 10_000, 5_000)) {
                next.set("invoice", "paid");
                try {
                    late.set("invoice", "open");
                    System.out.println("late writer refused: false");
                } catch (Lock.Lost lost) {
                    System.out.println("late writer refused: true");
                }
                System.out.println("tokens grow: " + (next.token > late.token));
            }
            System.out.println("invoice: " + connection.call("GET", "invoice"));

            try (Lock lock = Lock.acquire(connection, "lock:report", 10_000, 0)) {
                System.out.println("entries: " + lock.run("RPUSH", "report", "one", "two"));
                System.out.println("renewed: " + lock.renew());
                System.out.println("another: " + Lock.acquire(other, "lock:report", 10_000, 0));
            }
            connection.call("DEL", "visits", "invoice", "report");
        }
    }

    /** Reads, adds one and writes, in several threads at once: nothing is lost. */
    private static Object countTogether(RespConnection connection) throws Exception {
        connection.call("SET", "visits", 0);
        List<Thread> threads = new ArrayList<>();
        for (int worker = 0; worker < 4; worker++) {
            threads.add(new Thread(() -> {
                try (RespConnection own = connect()) {
                    for (int round = 0; round < 10; round++) {
                        try (Lock lock = Lock.acquire(own, "lock:visits", 10_000, 5_000)) {
                            int visits = Integer.parseInt((String) own.call("GET", "visits"));
                            lock.set("visits", visits + 1);
                        }
                    }
                } catch (IOException error) {
                    throw new RuntimeException(error);
                }
            }));
        }
        for (Thread thread : threads) thread.start();
        for (Thread thread : threads) thread.join();
        return connection.call("GET", "visits");
    }

    private static void limit() throws Exception {
        try (RespConnection connection = connect()) {
            connection.call("DEL", "limit:ann");
            int passed = 0;
            long waitMs = 0;
            for (int i = 0; i < 8; i++) {
                // One more than the burst passes at once: the burst comes on top of the first.
                List<?> reply = (List<?>) connection.call("LIMIT", "limit:ann", 4, 2, 1000);
                if (reply.get(0).equals(0L)) passed++;
                else waitMs = (Long) reply.get(3);
            }
            System.out.println("passed at once: " + passed + " of 8");
            System.out.println("told to wait: " + (waitMs > 0 && waitMs <= 500));
            Thread.sleep(waitMs);
            List<?> reply = (List<?>) connection.call("LIMIT", "limit:ann", 4, 2, 1000);
            System.out.println("after that wait: " + reply.get(0).equals(0L));
            connection.call("DEL", "limit:ann");
        }
    }

    private static void watch() throws Exception {
        try (RespConnection connection = connect()) {
            connection.call("SET", "order:0", "there before");
            Map<String, String> mirror = new TreeMap<>();
            CountDownLatch started = new CountDownLatch(1);
            Thread follower = new Thread(() -> follow(mirror, started));
            follower.setDaemon(true);
            follower.start();
            started.await();

            for (int i = 1; i < 100; i++) {
                connection.call("SET", "order:" + i, i);
                if (i == 50) cutWatches(connection);
            }
            connection.call("DEL", "order:7", "order:8");
            boolean isSame = false;
            for (long end = System.nanoTime() + 10_000_000_000L; !isSame && System.nanoTime() < end; Thread.sleep(10)) {
                Map<String, String> wanted = readAll(connection);
                synchronized (mirror) {
                    isSame = wanted.equals(mirror);
                }
            }
            System.out.println("keys in the copy: " + mirror.size());
            System.out.println("the same: " + isSame);
            for (String key : readAll(connection).keySet()) connection.call("DEL", key);
        }
    }

    /** Keeps the copy. A lost connection is made again, and the watch goes on where it was. */
    private static void follow(Map<String, String> mirror, CountDownLatch started) {
        long since = -1;
        while (true) {
            try (RespConnection stream = connect()) {
                if (since < 0) {
                    since = (Long) stream.call("WATCHREV", "order:*", "VALUES");
                    // What is there when the watch has begun; what changes meanwhile comes in the watch.
                    try (RespConnection reader = connect()) {
                        Map<String, String> all = readAll(reader);
                        synchronized (mirror) {
                            mirror.putAll(all);
                        }
                    }
                    started.countDown();
                } else {
                    stream.call("WATCHREV", "order:*", "VALUES", "SINCE", since);
                }
                while (true) {
                    // Without changes an empty commit comes every five seconds: a sign of life.
                    List<?> push = (List<?>) stream.next(15_000);
                    if (push.get(0).equals("watchrev-lost")) throw new RespConnection.Refusal("COMPACTED " + push.get(1));
                    synchronized (mirror) {
                        for (Object change : (List<?>) push.get(2)) {
                            List<?> fields = (List<?>) change;
                            String key = (String) fields.get(1);
                            String value = (String) fields.get(3);
                            if (value == null) mirror.remove(key);
                            else mirror.put(key, value);
                        }
                    }
                    since = (Long) push.get(1);
                }
            } catch (RespConnection.Refusal refusal) {
                // COMPACTED: the server has forgotten some of the changes since. Read the keys anew.
                synchronized (mirror) {
                    mirror.clear();
                }
                since = -1;
            } catch (IOException error) {
                pause();
            }
        }
    }

    private static void pause() {
        try {
            Thread.sleep(50);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        }
    }

    private static Map<String, String> readAll(RespConnection connection) throws IOException {
        Map<String, String> values = new TreeMap<>();
        String cursor = "0";
        do {
            List<?> reply = (List<?>) connection.call("SCAN", cursor, "MATCH", "order:*", "COUNT", 100);
            for (Object key : (List<?>) reply.get(1)) {
                Object value = connection.call("GET", key);
                if (value != null) values.put((String) key, (String) value);
            }
            cursor = (String) reply.get(0);
        } while (!cursor.equals("0"));
        return values;
    }

    /** Closes the connections that watch, to show that nothing is lost. */
    private static void cutWatches(RespConnection connection) throws IOException {
        for (String line : ((String) connection.call("CLIENT", "LIST")).split("\n")) {
            if (!line.contains("cmd=watchrev")) continue;
            connection.call("CLIENT", "KILL", "ID", line.split(" ")[0].substring("id=".length()));
            System.out.println("a connection is cut");
        }
    }
}

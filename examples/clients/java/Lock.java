import java.io.IOException;
import java.util.List;
import java.util.UUID;

/** A lease: it ends by itself, so nobody holds it for ever who has crashed. */
final class Lock implements AutoCloseable {
    /** The lease was over when the store was asked to write. */
    static final class Lost extends RuntimeException {
        Lost(Throwable cause) {
            super(cause);
        }
    }

    /** It only grows. The store checks it with each write. */
    final long token;

    private final RespConnection connection;
    private final String name;
    private final String owner;
    private final long leaseMs;

    private Lock(RespConnection connection, String name, String owner, long leaseMs, long token) {
        this.connection = connection;
        this.name = name;
        this.owner = owner;
        this.leaseMs = leaseMs;
        this.token = token;
    }

    /** Takes a lock, and waits for it on this connection, which others cannot use meanwhile; null: it is held. */
    static Lock acquire(RespConnection connection, String name, long leaseMs, long waitMs) throws IOException {
        String owner = UUID.randomUUID().toString();
        Object reply = waitMs > 0
                ? connection.call("LOCK.ACQUIRE", name, owner, "PX", leaseMs, "WAIT", waitMs)
                : connection.call("LOCK.ACQUIRE", name, owner, "PX", leaseMs);
        if (reply == null) return null;
        long token = (Long) ((List<?>) reply).get(0);
        return new Lock(connection, name, owner, leaseMs, token);
    }

    /** Begins the lease anew; false: it was over. */
    boolean renew() throws IOException {
        return (Long) connection.call("LOCK.RENEW", name, owner, token, "PX", leaseMs) == 1;
    }

    /** Writes if the lock is still held. Looking first, and writing then, would leave a gap. */
    void set(String key, Object value) throws IOException {
        fenced("SET", key, value, "FENCE", name, token);
    }

    /** The same for any other command. */
    Object run(Object... command) throws IOException {
        Object[] words = new Object[command.length + 3];
        words[0] = "FENCED";
        words[1] = name;
        words[2] = token;
        System.arraycopy(command, 0, words, 3, command.length);
        return fenced(words);
    }

    private Object fenced(Object... words) throws IOException {
        try {
            return connection.call(words);
        } catch (RespConnection.Refusal refusal) {
            throw refusal.is("FENCED") ? new Lost(refusal) : refusal;
        }
    }

    @Override
    public void close() throws IOException {
        connection.call("LOCK.RELEASE", name, owner, token);
    }
}

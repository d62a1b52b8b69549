import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A connection that speaks RESP2, with nothing but the JDK: replies are String, Long, List or null.
 * A program of more than a few lines takes Jedis or Lettuce instead, and sends the same commands.
 */
final class RespConnection implements AutoCloseable {
    /** What the server refused; its first word tells the kind: FENCED, WRONGTYPE, ERR ... */
    static final class Refusal extends RuntimeException {
        Refusal(String message) {
            super(message);
        }

        boolean is(String kind) {
            return getMessage().startsWith(kind + " ");
        }
    }

    private final Socket socket;
    private final InputStream in;
    private final OutputStream out;

    RespConnection(String host, int port) throws IOException {
        socket = new Socket(host, port);
        socket.setTcpNoDelay(true);
        in = new BufferedInputStream(socket.getInputStream());
        out = new BufferedOutputStream(socket.getOutputStream());
    }

    /** Sends a command and reads its reply. */
    synchronized Object call(Object... words) throws IOException {
        out.write(("*" + words.length + "\r\n").getBytes(StandardCharsets.US_ASCII));
        for (Object word : words) {
            byte[] bytes = word.toString().getBytes(StandardCharsets.UTF_8);
            out.write(("$" + bytes.length + "\r\n").getBytes(StandardCharsets.US_ASCII));
            out.write(bytes);
            out.write('\r');
            out.write('\n');
        }
        out.flush();
        return read();
    }

    /** Reads what comes unasked, for at most so long. */
    Object next(int timeoutMs) throws IOException {
        socket.setSoTimeout(timeoutMs);
        return read();
    }

    private Object read() throws IOException {
        String line = readLine();
        String rest = line.substring(1);
        switch (line.charAt(0)) {
            case '+':
                return rest;
            case '-':
                throw new Refusal(rest);
            case ':':
                return Long.valueOf(rest);
            case '$': {
                int length = Integer.parseInt(rest);
                if (length < 0) return null;
                byte[] bytes = in.readNBytes(length);
                if (bytes.length < length) throw new EOFException();
                readLine();
                return new String(bytes, StandardCharsets.UTF_8);
            }
            case '*': {
                int length = Integer.parseInt(rest);
                if (length < 0) return null;
                List<Object> items = new ArrayList<>();
                for (int i = 0; i < length; i++) items.add(read());
                return items;
            }
            default:
                throw new IOException("not RESP2: " + line);
        }
    }

    private String readLine() throws IOException {
        StringBuilder line = new StringBuilder();
        for (int next = in.read(); next != '\r'; next = in.read()) {
            if (next < 0) throw new EOFException();
            line.append((char) next);
        }
        in.read();
        return line.toString();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}

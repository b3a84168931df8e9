package cloud.avila.avx.spring.web;

import org.apache.coyote.http11.Http11NioProtocol;
import org.apache.tomcat.util.net.NioEndpoint;
import org.apache.tomcat.util.threads.ResizableExecutor;

/**
 * Tomcat's HTTP/1.1 protocol on NIO, but for one figure: with an executor that is not Tomcat's own,
 * it reports how many requests may run at once, where Tomcat says -1. So the attribute {@code
 * maxThreads} of JMX and the meter {@code tomcat.threads.config.max} stay right. Tomcat creates it
 * by its name.
 */
public final class FiberHttp11NioProtocol extends Http11NioProtocol {
    /** Creates the protocol. */
    public FiberHttp11NioProtocol() {
        super(new Endpoint());
    }

    /** Public, because JMX calls it by reflection. */
    public static final class Endpoint extends NioEndpoint {
        /** Creates the endpoint. */
        public Endpoint() {}

        @Override
        public int getMaxThreads() {
            return getExecutor() instanceof ResizableExecutor executor
                    ? executor.getMaxThreads()
                    : super.getMaxThreads();
        }
    }
}

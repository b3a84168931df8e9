package cloud.avila.avx.sample;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/** The observability gateway. */
@SpringBootApplication
public class SampleApplication {
    /** Creates the application. */
    public SampleApplication() {}

    /**
     * Starts the application.
     *
     * @param args command line
     */
    public static void main(String[] args) {
        SpringApplication.run(SampleApplication.class, args);
    }
}

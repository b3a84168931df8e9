package cloud.avila.avx.sample.store;

import cloud.avila.avx.sample.aggregate.Point;
import cloud.avila.avx.sample.aggregate.Window;

import com.zaxxer.hikari.HikariDataSource;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.dao.DataIntegrityViolationException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Points in the embedded database. Every method blocks in JDBC and in file operations, which hold
 * their thread: call it from the runtime's blocking pool. One thread at a time writes; any may
 * query.
 *
 * <p>The database commits in memory and writes within half a second; a failed write takes it back
 * to what was written. So after a failure, and after the death of the process, only {@link
 * #recover} tells what is stored, and the journal holds the rest.
 */
@Component
public class PointStore {
    private static final Logger LOG = LoggerFactory.getLogger(PointStore.class);
    private static final int BATCH = 1000;

    private final JdbcTemplate jdbc;
    private final TransactionTemplate transactions;
    private final HikariDataSource pool;
    private final SeriesDirectory directory;
    private int nextId;

    /** The journal's position that the database must have for the next window to fit. */
    private long position;

    PointStore(
            JdbcTemplate jdbc,
            TransactionTemplate transactions,
            HikariDataSource pool,
            SeriesDirectory directory) {
        this.jdbc = jdbc;
        this.transactions = transactions;
        this.pool = pool;
        this.directory = directory;
    }

    /**
     * Opens the database anew after a failure. While any connection to it is open, the failed one
     * would go on answering with what it has in memory and not in its file.
     *
     * @return how far the database has come
     * @throws DataAccessException if the database cannot be opened or read
     */
    public Checkpoint reopen() {
        try {
            jdbc.execute("SHUTDOWN IMMEDIATELY");
        } catch (DataAccessException e) {
            LOG.debug("The database was closed already", e);
        }
        pool.getHikariPoolMXBean().softEvictConnections();
        return recover();
    }

    /**
     * Reads what is stored and fills the directory.
     *
     * @return how far the database has come
     * @throws DataAccessException if the database cannot be read
     */
    public Checkpoint recover() {
        List<StoredSeries> all =
                jdbc.query(
                        "SELECT id, name, aggregated, newest_t, newest_v FROM series",
                        (row, n) ->
                                new StoredSeries(
                                        row.getInt(1),
                                        row.getString(2),
                                        row.getBoolean(3),
                                        row.getLong(4),
                                        row.getDouble(5)));
        directory.replaceAll(all);
        nextId = 1 + all.stream().mapToInt(StoredSeries::id).max().orElse(0);
        Checkpoint checkpoint =
                Objects.requireNonNull(
                        jdbc.queryForObject(
                                "SELECT position, last_t FROM checkpoint",
                                (row, n) -> new Checkpoint(row.getLong(1), row.getLong(2))));
        position = checkpoint.position();
        return checkpoint;
    }

    /**
     * Stores a window's points and its position, all or nothing.
     *
     * @param window the window
     * @throws DataAccessException if it could not be stored; call {@link #reopen} before the next
     *     write
     */
    public void write(Window window) {
        var changed = new HashMap<String, StoredSeries>();
        transactions.executeWithoutResult(
                status -> {
                    var created = new ArrayList<StoredSeries>();
                    register(window.aggregated(), true, changed, created);
                    register(window.timed(), false, changed, created);
                    jdbc.batchUpdate(
                            "INSERT INTO series(id, name, aggregated, newest_t, newest_v)"
                                    + " VALUES (?, ?, ?, ?, ?)",
                            created,
                            BATCH,
                            (insert, series) -> {
                                insert.setInt(1, series.id());
                                insert.setString(2, series.name());
                                insert.setBoolean(3, series.aggregated());
                                insert.setLong(4, series.epochMillis());
                                insert.setDouble(5, series.value());
                            });
                    merge(window.aggregated(), changed);
                    merge(window.timed(), changed);
                    jdbc.batchUpdate(
                            "UPDATE series SET newest_t = ?, newest_v = ? WHERE id = ?",
                            changed.values(),
                            BATCH,
                            (update, series) -> {
                                update.setLong(1, series.epochMillis());
                                update.setDouble(2, series.value());
                                update.setInt(3, series.id());
                            });
                    int moved =
                            jdbc.update(
                                    "UPDATE checkpoint SET position = ?, last_t = ?"
                                            + " WHERE position = ?",
                                    window.endPosition(),
                                    window.time(),
                                    position);
                    if (moved != 1) {
                        throw new DataIntegrityViolationException(
                                "the database has gone back and no longer holds the journal up to "
                                        + position);
                    }
                });
        position = window.endPosition();
        changed.values().forEach(directory::put);
    }

    private void register(
            Collection<Point> points,
            boolean aggregated,
            Map<String, StoredSeries> changed,
            List<StoredSeries> created) {
        for (Point point : points) {
            StoredSeries known = changed.get(point.series());
            if (known == null) {
                known = directory.get(point.series());
            }
            if (known == null) {
                var series =
                        new StoredSeries(
                                nextId++,
                                point.series(),
                                aggregated,
                                point.epochMillis(),
                                point.value());
                created.add(series);
                changed.put(series.name(), series);
            } else if (point.epochMillis() >= known.epochMillis()) {
                changed.put(
                        known.name(),
                        new StoredSeries(
                                known.id(),
                                known.name(),
                                known.aggregated(),
                                point.epochMillis(),
                                point.value()));
            } else {
                changed.put(known.name(), known);
            }
        }
    }

    private void merge(Collection<Point> points, Map<String, StoredSeries> series) {
        jdbc.batchUpdate(
                "MERGE INTO point(series_id, t, v) KEY(series_id, t) VALUES (?, ?, ?)",
                points,
                BATCH,
                (merge, point) -> {
                    StoredSeries stored = series.get(point.series());
                    if (stored == null) {
                        throw new IllegalStateException("unregistered series " + point.series());
                    }
                    merge.setInt(1, stored.id());
                    merge.setLong(2, point.epochMillis());
                    merge.setDouble(3, point.value());
                });
    }

    /**
     * Forces everything committed to the device, so that the journal may forget it.
     *
     * @throws DataAccessException if that failed
     */
    public void sync() {
        jdbc.execute("CHECKPOINT SYNC");
        // a database that has failed meanwhile may say nothing above, but refuses every write
        jdbc.update("UPDATE checkpoint SET position = position");
    }

    /**
     * The newest points of a series in a range of time.
     *
     * @param series the series
     * @param from the earliest time, in epoch milliseconds
     * @param to the latest time, in epoch milliseconds
     * @param max the most points
     * @return the points, newest first
     * @throws DataAccessException if the database cannot be read
     */
    public List<Point> newestFirst(StoredSeries series, long from, long to, int max) {
        return jdbc.query(
                "SELECT t, v FROM point WHERE series_id = ? AND t BETWEEN ? AND ?"
                        + " ORDER BY series_id, t DESC LIMIT ?",
                (row, n) -> new Point(series.name(), row.getLong(1), row.getDouble(2)),
                series.id(),
                from,
                to,
                max);
    }

    /**
     * Deletes old points of aggregated series, and those series that got nothing since. Points that
     * brought their own time are kept.
     *
     * @param before the time before which points go, in epoch milliseconds
     * @return the names of the series that are gone
     * @throws DataAccessException if the database failed
     */
    public List<String> purge(long before) {
        var gone = new ArrayList<String>();
        for (StoredSeries series : directory.all()) {
            if (series.aggregated()) {
                jdbc.update("DELETE FROM point WHERE series_id = ? AND t < ?", series.id(), before);
                if (series.epochMillis() < before) {
                    jdbc.update("DELETE FROM series WHERE id = ?", series.id());
                    directory.remove(series.name());
                    gone.add(series.name());
                }
            }
        }
        return gone;
    }
}

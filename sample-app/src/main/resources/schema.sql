CREATE TABLE IF NOT EXISTS series (
    id         INT PRIMARY KEY,
    name       VARCHAR(1100) NOT NULL UNIQUE,
    aggregated BOOLEAN NOT NULL,
    newest_t   BIGINT NOT NULL,
    newest_v   DOUBLE PRECISION NOT NULL
);
CREATE TABLE IF NOT EXISTS point (
    series_id INT NOT NULL,
    t         BIGINT NOT NULL,
    v         DOUBLE PRECISION NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS point_key ON point (series_id, t DESC);
CREATE TABLE IF NOT EXISTS checkpoint (
    id       INT PRIMARY KEY,
    position BIGINT NOT NULL,
    last_t   BIGINT NOT NULL
);
INSERT INTO checkpoint SELECT 1, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM checkpoint);

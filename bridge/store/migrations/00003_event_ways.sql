-- +goose Up
-- Arrivals by the way the event came; those of before do not say it.
CREATE TABLE event_arrival (
    type     TEXT NOT NULL,
    via      TEXT NOT NULL,
    arrived  INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    PRIMARY KEY (type, via)
) STRICT, WITHOUT ROWID;
INSERT INTO event_arrival (type, via, arrived, last) SELECT type, '', arrived, last FROM event_type;
DROP TABLE event_type;

-- +goose Down
CREATE TABLE event_type (
    type     TEXT PRIMARY KEY,
    arrived  INTEGER NOT NULL,
    last     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO event_type (type, arrived, last) SELECT type, sum(arrived), max(last) FROM event_arrival GROUP BY type;
DROP TABLE event_arrival;

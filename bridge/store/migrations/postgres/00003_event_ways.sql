-- +goose Up
-- Arrivals by the way the event came; those of before do not say it.
CREATE TABLE event_arrival (
    type     TEXT COLLATE "C" NOT NULL,
    via      TEXT COLLATE "C" NOT NULL,
    arrived  BIGINT NOT NULL,
    last     BIGINT NOT NULL,
    PRIMARY KEY (type, via)
);
INSERT INTO event_arrival (type, via, arrived, last) SELECT type, '', arrived, last FROM event_type;
DROP TABLE event_type;

-- +goose Down
CREATE TABLE event_type (
    type     TEXT COLLATE "C" PRIMARY KEY,
    arrived  BIGINT NOT NULL,
    last     BIGINT NOT NULL
);
INSERT INTO event_type (type, arrived, last) SELECT type, sum(arrived)::bigint, max(last) FROM event_arrival GROUP BY type;
DROP TABLE event_arrival;

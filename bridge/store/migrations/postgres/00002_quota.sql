-- +goose Up
CREATE TABLE quota (
    day     TEXT COLLATE "C" NOT NULL,
    what    TEXT COLLATE "C" NOT NULL,
    counted BIGINT NOT NULL,
    mapping TEXT COLLATE "C" NOT NULL,
    name    TEXT COLLATE "C" NOT NULL,
    n       BIGINT NOT NULL,
    PRIMARY KEY (day, what, counted, mapping, name)
);

-- +goose Down
DROP TABLE quota;

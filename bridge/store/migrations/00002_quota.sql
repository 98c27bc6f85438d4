-- +goose Up
CREATE TABLE quota (
    day     TEXT NOT NULL,
    what    TEXT NOT NULL,
    counted INTEGER NOT NULL,
    mapping TEXT NOT NULL,
    name    TEXT NOT NULL,
    n       INTEGER NOT NULL,
    PRIMARY KEY (day, what, counted, mapping, name)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE quota;

-- +goose Up
-- Who was sent a notice today: DingTalk withholds in silence what is over its limits a person and day.
CREATE TABLE told (
    day     TEXT NOT NULL,
    person  TEXT NOT NULL,
    content TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (day, person, content)
) STRICT, WITHOUT ROWID;
CREATE INDEX told_at ON told (at);

-- +goose Down
DROP TABLE told;

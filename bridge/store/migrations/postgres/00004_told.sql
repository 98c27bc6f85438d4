-- +goose Up
-- Who was sent a notice today: DingTalk withholds in silence what is over its limits a person and day.
CREATE TABLE told (
    day     TEXT COLLATE "C" NOT NULL,
    person  TEXT COLLATE "C" NOT NULL,
    content TEXT COLLATE "C" NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (day, person, content)
);
CREATE INDEX told_at ON told (at);

-- +goose Down
DROP TABLE told;

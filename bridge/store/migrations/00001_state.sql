-- +goose Up
CREATE TABLE counter (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counter (name, value) VALUES ('touch', 0);

CREATE TABLE link (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    mapping      TEXT NOT NULL,
    odoo         TEXT NOT NULL,
    ding         TEXT NOT NULL,
    state        TEXT NOT NULL,
    odoo_created TEXT NOT NULL,
    memory       BLOB NOT NULL,
    updated      INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX link_odoo_once ON link (mapping, odoo) WHERE state <> 'retired' AND odoo <> '';
CREATE UNIQUE INDEX link_ding_once ON link (mapping, ding) WHERE state <> 'retired' AND ding <> '';
CREATE INDEX link_odoo_retired ON link (mapping, odoo) WHERE state = 'retired';
CREATE INDEX link_ding_retired ON link (mapping, ding) WHERE state = 'retired';
CREATE INDEX link_light ON link (mapping, state, odoo, ding);

CREATE TABLE work (
    mapping    TEXT NOT NULL,
    link       INTEGER NOT NULL,
    side       TEXT NOT NULL,
    record     TEXT NOT NULL,
    gen        INTEGER NOT NULL,
    done_gen   INTEGER NOT NULL DEFAULT 0,
    due        INTEGER NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    last_error TEXT NOT NULL DEFAULT '',
    seq        INTEGER NOT NULL,
    PRIMARY KEY (mapping, link, side, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX work_dirty ON work (mapping, seq, due) WHERE gen > done_gen;
CREATE INDEX work_due ON work (due) WHERE gen > done_gen;

CREATE TABLE wait (
    on_mapping TEXT NOT NULL,
    on_side    TEXT NOT NULL,
    on_id      TEXT NOT NULL,
    mapping    TEXT NOT NULL,
    link       INTEGER NOT NULL,
    side       TEXT NOT NULL,
    record     TEXT NOT NULL,
    since      INTEGER NOT NULL,
    PRIMARY KEY (on_mapping, on_side, on_id, mapping, link, side, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX wait_key ON wait (mapping, link, side, record);
CREATE INDEX wait_since ON wait (since);

CREATE TABLE seen (
    model      TEXT NOT NULL,
    id         INTEGER NOT NULL,
    write_date TEXT NOT NULL,
    PRIMARY KEY (model, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_date ON seen (model, write_date);

CREATE TABLE inbox (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT NOT NULL UNIQUE,
    type     TEXT NOT NULL,
    born     INTEGER NOT NULL,
    received INTEGER NOT NULL,
    via      TEXT NOT NULL,
    data     BLOB NOT NULL,
    done     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX inbox_pending ON inbox (seq) WHERE done = 0;
CREATE INDEX inbox_done ON inbox (received) WHERE done = 1;
CREATE TABLE event_type (
    type     TEXT PRIMARY KEY,
    arrived  INTEGER NOT NULL,
    last     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE guard_spent (
    mapping TEXT NOT NULL,
    day     TEXT NOT NULL,
    risk    TEXT NOT NULL,
    n       INTEGER NOT NULL,
    PRIMARY KEY (mapping, day, risk)
) STRICT, WITHOUT ROWID;
CREATE TABLE guard_list (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    mapping TEXT NOT NULL,
    open    INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX guard_list_open ON guard_list (mapping) WHERE open = 1;
CREATE TABLE guard_item (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    list     INTEGER NOT NULL,
    mapping  TEXT NOT NULL,
    link     INTEGER NOT NULL,
    side     TEXT NOT NULL,
    record   TEXT NOT NULL,
    hash     TEXT NOT NULL,
    risk     TEXT NOT NULL,
    text     TEXT NOT NULL,
    created  INTEGER NOT NULL,
    released INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX guard_item_once ON guard_item (mapping, link, side, record, risk, hash);
CREATE INDEX guard_item_list ON guard_item (list, id) WHERE released = 0;

CREATE TABLE history (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    mapping TEXT NOT NULL,
    link    INTEGER NOT NULL,
    odoo    TEXT NOT NULL,
    ding    TEXT NOT NULL,
    op      TEXT NOT NULL,
    side    TEXT NOT NULL,
    reason  TEXT NOT NULL,
    before  TEXT NOT NULL,
    after   TEXT NOT NULL,
    version TEXT NOT NULL
) STRICT;
CREATE INDEX history_link ON history (link, id);
CREATE INDEX history_mapping ON history (mapping, id);
CREATE INDEX history_at ON history (at);

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE meta;
DROP TABLE history;
DROP TABLE guard_item;
DROP TABLE guard_list;
DROP TABLE guard_spent;
DROP TABLE event_type;
DROP TABLE inbox;
DROP TABLE seen;
DROP TABLE wait;
DROP TABLE work;
DROP TABLE link;
DROP TABLE counter;

-- The log of the synchronisation module. An id is a UUIDv7, so that it sorts as times do.
CREATE TABLE entries (
    id         blob   NOT NULL PRIMARY KEY,
    failed     bigint NOT NULL, -- 1: error or partial
    config     text   NOT NULL,
    direction  text   NOT NULL,
    outcome    text   NOT NULL,
    status     bigint NOT NULL,
    error_code text   NOT NULL,
    method     text   NOT NULL,
    request_id text   NOT NULL,
    credential text   NOT NULL,
    remote_ip  text   NOT NULL,
    search     text   NOT NULL, -- address and error message, folded
    detail     text   NOT NULL, -- JSON of all but the bodies
    size       bigint NOT NULL
);
CREATE INDEX entries_config ON entries (config, id);
CREATE INDEX entries_request ON entries (request_id);

-- Bodies, and raw requests for replay, which go sooner.
CREATE TABLE bodies (
    id       blob   NOT NULL PRIMARY KEY,
    request  text   NOT NULL,
    response text   NOT NULL,
    raw      text   NOT NULL, -- sealed
    size     bigint NOT NULL
);

-- The records that an entry names: kind 1 by number, 2 by external id.
CREATE TABLE named (
    kind    bigint NOT NULL,
    value   text   NOT NULL,
    id      blob   NOT NULL,
    catalog bigint NOT NULL,
    PRIMARY KEY (kind, value, id)
) WITHOUT ROWID;
CREATE INDEX named_entry ON named (id);

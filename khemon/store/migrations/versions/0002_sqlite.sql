CREATE TABLE protocol_live (
    live_no INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    protocol_digest TEXT NOT NULL,
    text TEXT NOT NULL,
    actor TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    digest INTEGER NOT NULL,
    PRIMARY KEY (live_no)
) STRICT

CREATE TRIGGER protocol_live_keep_update BEFORE UPDATE ON protocol_live BEGIN SELECT RAISE(ABORT, 'protected table protocol_live: UPDATE refused'); END

CREATE TRIGGER protocol_live_keep_delete BEFORE DELETE ON protocol_live BEGIN SELECT RAISE(ABORT, 'protected table protocol_live: DELETE refused'); END

CREATE TRIGGER protocol_live_keep_key BEFORE INSERT ON protocol_live WHEN EXISTS (SELECT 1 FROM protocol_live WHERE live_no = NEW.live_no) BEGIN SELECT RAISE(ABORT, 'protected table protocol_live: row exists'); END

CREATE TABLE mapping_version (
    mapping_no INTEGER NOT NULL,
    source TEXT NOT NULL,
    version INTEGER NOT NULL,
    text TEXT NOT NULL,
    mapping_digest TEXT NOT NULL,
    shape TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    digest INTEGER NOT NULL,
    PRIMARY KEY (mapping_no),
    CONSTRAINT uq_mapping_version_source UNIQUE (source, version)
)
 STRICT

CREATE TABLE row_decision (
    decision_no INTEGER NOT NULL,
    row_id INTEGER NOT NULL,
    batch_no INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    became INTEGER,
    reason TEXT NOT NULL,
    digest INTEGER NOT NULL,
    PRIMARY KEY (decision_no),
    FOREIGN KEY(batch_no) REFERENCES batch (batch_no)
)
 STRICT

CREATE INDEX row_decision_batch_no ON row_decision (batch_no)

CREATE INDEX row_decision_row_id ON row_decision (row_id)

CREATE TRIGGER mapping_version_keep_update BEFORE UPDATE ON mapping_version BEGIN SELECT RAISE(ABORT, 'protected table mapping_version: UPDATE refused'); END

CREATE TRIGGER mapping_version_keep_delete BEFORE DELETE ON mapping_version BEGIN SELECT RAISE(ABORT, 'protected table mapping_version: DELETE refused'); END

CREATE TRIGGER mapping_version_keep_key BEFORE INSERT ON mapping_version WHEN EXISTS (SELECT 1 FROM mapping_version WHERE mapping_no = NEW.mapping_no) OR EXISTS (SELECT 1 FROM mapping_version WHERE source = NEW.source AND version = NEW.version) BEGIN SELECT RAISE(ABORT, 'protected table mapping_version: row exists'); END

CREATE TRIGGER row_decision_keep_update BEFORE UPDATE ON row_decision BEGIN SELECT RAISE(ABORT, 'protected table row_decision: UPDATE refused'); END

CREATE TRIGGER row_decision_keep_delete BEFORE DELETE ON row_decision BEGIN SELECT RAISE(ABORT, 'protected table row_decision: DELETE refused'); END

CREATE TRIGGER row_decision_keep_key BEFORE INSERT ON row_decision WHEN EXISTS (SELECT 1 FROM row_decision WHERE decision_no = NEW.decision_no) BEGIN SELECT RAISE(ABORT, 'protected table row_decision: row exists'); END

CREATE TABLE analyte (
    code INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (code),
    CONSTRAINT uq_analyte_name UNIQUE (name)
) STRICT

CREATE TABLE audit (
    sequence INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    details TEXT NOT NULL,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (sequence)
) STRICT

CREATE TABLE batch (
    batch_no INTEGER NOT NULL,
    batch TEXT NOT NULL,
    file TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    source TEXT,
    mapping_digest TEXT NOT NULL,
    kind TEXT NOT NULL,
    format TEXT NOT NULL,
    recorded_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    counts TEXT NOT NULL,
    details TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (batch_no),
    CONSTRAINT uq_batch_batch UNIQUE (batch)
) STRICT

CREATE INDEX batch_sha256 ON batch (sha256)

CREATE TABLE patient (
    patient_no INTEGER NOT NULL,
    patient_id TEXT NOT NULL,
    PRIMARY KEY (patient_no),
    CONSTRAINT uq_patient_patient_id UNIQUE (patient_id)
) STRICT

CREATE TABLE raw_file (
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    compressed BLOB NOT NULL,
    PRIMARY KEY (sha256)
) STRICT

CREATE TABLE revision (
    patient_no INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (patient_no)
) STRICT

CREATE TABLE seen (
    kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    actor TEXT NOT NULL,
    first_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    PRIMARY KEY (kind, object_id, actor)
) WITHOUT ROWID, STRICT

CREATE TABLE setting (
    "key" TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY ("key")
) WITHOUT ROWID, STRICT

CREATE TABLE alert (
    alert_id INTEGER NOT NULL,
    patient_no INTEGER NOT NULL,
    rule TEXT NOT NULL,
    state TEXT NOT NULL,
    severity TEXT NOT NULL,
    status TEXT NOT NULL,
    onset_ms INTEGER NOT NULL,
    end_ms INTEGER,
    text TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (alert_id),
    FOREIGN KEY(patient_no) REFERENCES patient (patient_no)
) STRICT

CREATE INDEX alert_patient_no ON alert (patient_no)

CREATE INDEX alert_state ON alert (state)

CREATE TABLE batch_patient (
    patient_no INTEGER NOT NULL,
    batch_no INTEGER NOT NULL,
    PRIMARY KEY (patient_no, batch_no),
    FOREIGN KEY(patient_no) REFERENCES patient (patient_no),
    FOREIGN KEY(batch_no) REFERENCES batch (batch_no)
) WITHOUT ROWID, STRICT

CREATE INDEX batch_patient_batch_no ON batch_patient (batch_no)

CREATE TABLE batch_undo (
    undo_no INTEGER NOT NULL,
    batch_no INTEGER NOT NULL,
    recorded_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    restored INTEGER NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (undo_no),
    CONSTRAINT uq_batch_undo_batch_no UNIQUE (batch_no),
    FOREIGN KEY(batch_no) REFERENCES batch (batch_no)
) STRICT

CREATE TABLE episode (
    episode_id INTEGER NOT NULL,
    patient_no INTEGER NOT NULL,
    rule TEXT NOT NULL,
    onset_ms INTEGER NOT NULL,
    status TEXT NOT NULL,
    severity TEXT NOT NULL,
    confirmed_ms INTEGER,
    end_ms INTEGER,
    end_reason TEXT,
    text TEXT NOT NULL,
    source TEXT NOT NULL,
    last_input_ms INTEGER,
    evidence TEXT NOT NULL,
    missing TEXT NOT NULL,
    limbs TEXT NOT NULL,
    PRIMARY KEY (episode_id),
    FOREIGN KEY(patient_no) REFERENCES patient (patient_no)
) STRICT

CREATE INDEX episode_patient_no ON episode (patient_no, rule, onset_ms)

CREATE TABLE event_version (
    version_id INTEGER NOT NULL,
    patient_no INTEGER NOT NULL,
    kind TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    end_ms INTEGER,
    dose TEXT,
    unit TEXT,
    note TEXT,
    forced INTEGER NOT NULL,
    "row" INTEGER NOT NULL,
    decision TEXT NOT NULL,
    reasons TEXT,
    digest INTEGER NOT NULL,
    PRIMARY KEY (version_id),
    FOREIGN KEY(patient_no) REFERENCES patient (patient_no)
) STRICT

CREATE INDEX event_version_decision ON event_version (decision, patient_no)

CREATE INDEX event_version_patient_no ON event_version (patient_no, start_ms)

CREATE TABLE fate (
    fate_id INTEGER NOT NULL,
    patient_no INTEGER,
    "row" INTEGER NOT NULL,
    field TEXT,
    decision TEXT NOT NULL,
    reasons TEXT NOT NULL,
    same_as INTEGER,
    content TEXT,
    digest INTEGER NOT NULL,
    PRIMARY KEY (fate_id),
    FOREIGN KEY(patient_no) REFERENCES patient (patient_no)
) STRICT

CREATE INDEX fate_decision ON fate (decision, patient_no)

CREATE TABLE patient_version (
    version_id INTEGER NOT NULL,
    patient_no INTEGER NOT NULL,
    fields TEXT NOT NULL,
    forced INTEGER NOT NULL,
    "row" INTEGER NOT NULL,
    decision TEXT NOT NULL,
    reasons TEXT,
    digest INTEGER NOT NULL,
    PRIMARY KEY (version_id),
    FOREIGN KEY(patient_no) REFERENCES patient (patient_no)
) STRICT

CREATE INDEX patient_version_decision ON patient_version (decision, patient_no)

CREATE INDEX patient_version_patient_no ON patient_version (patient_no)

CREATE TABLE result (
    patient_no INTEGER NOT NULL,
    collected_ms INTEGER NOT NULL,
    analyte INTEGER NOT NULL,
    result_id INTEGER NOT NULL,
    low REAL NOT NULL,
    high REAL NOT NULL,
    status INTEGER NOT NULL,
    quality INTEGER NOT NULL,
    specimen TEXT,
    restored_by INTEGER,
    "row" INTEGER NOT NULL,
    field TEXT,
    collected_text TEXT NOT NULL,
    text TEXT NOT NULL,
    comparator TEXT NOT NULL,
    value TEXT,
    unit TEXT,
    canonical_value TEXT,
    canonical_unit TEXT,
    basis TEXT NOT NULL,
    timing INTEGER NOT NULL,
    comment TEXT,
    resulted_ms INTEGER,
    reasons TEXT,
    digest INTEGER NOT NULL,
    PRIMARY KEY (patient_no, collected_ms, analyte, result_id),
    CONSTRAINT result_interval CHECK (low >= 0 AND low <= high),
    FOREIGN KEY(patient_no) REFERENCES patient (patient_no)
) WITHOUT ROWID, STRICT

CREATE INDEX result_result_id ON result (result_id)

CREATE TABLE alert_move (
    alert_id INTEGER NOT NULL,
    move_no INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    move TEXT NOT NULL,
    from_state TEXT,
    to_state TEXT NOT NULL,
    reason TEXT,
    details TEXT NOT NULL,
    PRIMARY KEY (alert_id, move_no),
    FOREIGN KEY(alert_id) REFERENCES alert (alert_id)
) WITHOUT ROWID, STRICT

CREATE TABLE settlement (
    fate_id INTEGER NOT NULL,
    undo_no INTEGER NOT NULL,
    decision TEXT NOT NULL,
    PRIMARY KEY (fate_id, undo_no),
    FOREIGN KEY(fate_id) REFERENCES fate (fate_id),
    FOREIGN KEY(undo_no) REFERENCES batch_undo (undo_no)
) WITHOUT ROWID, STRICT

CREATE TRIGGER analyte_keep_update BEFORE UPDATE ON analyte BEGIN SELECT RAISE(ABORT, 'protected table analyte: UPDATE refused'); END

CREATE TRIGGER analyte_keep_delete BEFORE DELETE ON analyte BEGIN SELECT RAISE(ABORT, 'protected table analyte: DELETE refused'); END

CREATE TRIGGER analyte_keep_key BEFORE INSERT ON analyte WHEN EXISTS (SELECT 1 FROM analyte WHERE code = NEW.code) OR EXISTS (SELECT 1 FROM analyte WHERE name = NEW.name) BEGIN SELECT RAISE(ABORT, 'protected table analyte: row exists'); END

CREATE TRIGGER patient_keep_update BEFORE UPDATE ON patient BEGIN SELECT RAISE(ABORT, 'protected table patient: UPDATE refused'); END

CREATE TRIGGER patient_keep_delete BEFORE DELETE ON patient BEGIN SELECT RAISE(ABORT, 'protected table patient: DELETE refused'); END

CREATE TRIGGER patient_keep_key BEFORE INSERT ON patient WHEN EXISTS (SELECT 1 FROM patient WHERE patient_no = NEW.patient_no) OR EXISTS (SELECT 1 FROM patient WHERE patient_id = NEW.patient_id) BEGIN SELECT RAISE(ABORT, 'protected table patient: row exists'); END

CREATE TRIGGER batch_keep_update BEFORE UPDATE ON batch BEGIN SELECT RAISE(ABORT, 'protected table batch: UPDATE refused'); END

CREATE TRIGGER batch_keep_delete BEFORE DELETE ON batch BEGIN SELECT RAISE(ABORT, 'protected table batch: DELETE refused'); END

CREATE TRIGGER batch_keep_key BEFORE INSERT ON batch WHEN EXISTS (SELECT 1 FROM batch WHERE batch_no = NEW.batch_no) OR EXISTS (SELECT 1 FROM batch WHERE batch = NEW.batch) BEGIN SELECT RAISE(ABORT, 'protected table batch: row exists'); END

CREATE TRIGGER batch_undo_keep_update BEFORE UPDATE ON batch_undo BEGIN SELECT RAISE(ABORT, 'protected table batch_undo: UPDATE refused'); END

CREATE TRIGGER batch_undo_keep_delete BEFORE DELETE ON batch_undo BEGIN SELECT RAISE(ABORT, 'protected table batch_undo: DELETE refused'); END

CREATE TRIGGER batch_undo_keep_key BEFORE INSERT ON batch_undo WHEN EXISTS (SELECT 1 FROM batch_undo WHERE undo_no = NEW.undo_no) OR EXISTS (SELECT 1 FROM batch_undo WHERE batch_no = NEW.batch_no) BEGIN SELECT RAISE(ABORT, 'protected table batch_undo: row exists'); END

CREATE TRIGGER raw_file_keep_update BEFORE UPDATE ON raw_file BEGIN SELECT RAISE(ABORT, 'protected table raw_file: UPDATE refused'); END

CREATE TRIGGER raw_file_keep_delete BEFORE DELETE ON raw_file BEGIN SELECT RAISE(ABORT, 'protected table raw_file: DELETE refused'); END

CREATE TRIGGER raw_file_keep_key BEFORE INSERT ON raw_file WHEN EXISTS (SELECT 1 FROM raw_file WHERE sha256 = NEW.sha256) BEGIN SELECT RAISE(ABORT, 'protected table raw_file: row exists'); END

CREATE TRIGGER batch_patient_keep_update BEFORE UPDATE ON batch_patient BEGIN SELECT RAISE(ABORT, 'protected table batch_patient: UPDATE refused'); END

CREATE TRIGGER batch_patient_keep_delete BEFORE DELETE ON batch_patient BEGIN SELECT RAISE(ABORT, 'protected table batch_patient: DELETE refused'); END

CREATE TRIGGER batch_patient_keep_key BEFORE INSERT ON batch_patient WHEN EXISTS (SELECT 1 FROM batch_patient WHERE patient_no = NEW.patient_no AND batch_no = NEW.batch_no) BEGIN SELECT RAISE(ABORT, 'protected table batch_patient: row exists'); END

CREATE TRIGGER result_keep_update BEFORE UPDATE ON result BEGIN SELECT RAISE(ABORT, 'protected table result: UPDATE refused'); END

CREATE TRIGGER result_keep_delete BEFORE DELETE ON result BEGIN SELECT RAISE(ABORT, 'protected table result: DELETE refused'); END

CREATE TRIGGER result_keep_key BEFORE INSERT ON result WHEN EXISTS (SELECT 1 FROM result WHERE patient_no = NEW.patient_no AND collected_ms = NEW.collected_ms AND analyte = NEW.analyte AND result_id = NEW.result_id) BEGIN SELECT RAISE(ABORT, 'protected table result: row exists'); END

CREATE TRIGGER fate_keep_update BEFORE UPDATE ON fate BEGIN SELECT RAISE(ABORT, 'protected table fate: UPDATE refused'); END

CREATE TRIGGER fate_keep_delete BEFORE DELETE ON fate BEGIN SELECT RAISE(ABORT, 'protected table fate: DELETE refused'); END

CREATE TRIGGER fate_keep_key BEFORE INSERT ON fate WHEN EXISTS (SELECT 1 FROM fate WHERE fate_id = NEW.fate_id) BEGIN SELECT RAISE(ABORT, 'protected table fate: row exists'); END

CREATE TRIGGER settlement_keep_update BEFORE UPDATE ON settlement BEGIN SELECT RAISE(ABORT, 'protected table settlement: UPDATE refused'); END

CREATE TRIGGER settlement_keep_delete BEFORE DELETE ON settlement BEGIN SELECT RAISE(ABORT, 'protected table settlement: DELETE refused'); END

CREATE TRIGGER settlement_keep_key BEFORE INSERT ON settlement WHEN EXISTS (SELECT 1 FROM settlement WHERE fate_id = NEW.fate_id AND undo_no = NEW.undo_no) BEGIN SELECT RAISE(ABORT, 'protected table settlement: row exists'); END

CREATE TRIGGER event_version_keep_update BEFORE UPDATE ON event_version BEGIN SELECT RAISE(ABORT, 'protected table event_version: UPDATE refused'); END

CREATE TRIGGER event_version_keep_delete BEFORE DELETE ON event_version BEGIN SELECT RAISE(ABORT, 'protected table event_version: DELETE refused'); END

CREATE TRIGGER event_version_keep_key BEFORE INSERT ON event_version WHEN EXISTS (SELECT 1 FROM event_version WHERE version_id = NEW.version_id) BEGIN SELECT RAISE(ABORT, 'protected table event_version: row exists'); END

CREATE TRIGGER patient_version_keep_update BEFORE UPDATE ON patient_version BEGIN SELECT RAISE(ABORT, 'protected table patient_version: UPDATE refused'); END

CREATE TRIGGER patient_version_keep_delete BEFORE DELETE ON patient_version BEGIN SELECT RAISE(ABORT, 'protected table patient_version: DELETE refused'); END

CREATE TRIGGER patient_version_keep_key BEFORE INSERT ON patient_version WHEN EXISTS (SELECT 1 FROM patient_version WHERE version_id = NEW.version_id) BEGIN SELECT RAISE(ABORT, 'protected table patient_version: row exists'); END

CREATE TRIGGER alert_move_keep_update BEFORE UPDATE ON alert_move BEGIN SELECT RAISE(ABORT, 'protected table alert_move: UPDATE refused'); END

CREATE TRIGGER alert_move_keep_delete BEFORE DELETE ON alert_move BEGIN SELECT RAISE(ABORT, 'protected table alert_move: DELETE refused'); END

CREATE TRIGGER alert_move_keep_key BEFORE INSERT ON alert_move WHEN EXISTS (SELECT 1 FROM alert_move WHERE alert_id = NEW.alert_id AND move_no = NEW.move_no) BEGIN SELECT RAISE(ABORT, 'protected table alert_move: row exists'); END

CREATE TRIGGER audit_keep_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'protected table audit: UPDATE refused'); END

CREATE TRIGGER audit_keep_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'protected table audit: DELETE refused'); END

CREATE TRIGGER audit_keep_key BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE sequence = NEW.sequence) BEGIN SELECT RAISE(ABORT, 'protected table audit: row exists'); END

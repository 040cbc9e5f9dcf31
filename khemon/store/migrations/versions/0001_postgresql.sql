CREATE TABLE analyte (
    code BIGINT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (code),
    CONSTRAINT uq_analyte_name UNIQUE (name)
)

CREATE TABLE audit (
    sequence BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    details TEXT NOT NULL,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (sequence)
)

CREATE TABLE batch (
    batch_no BIGINT NOT NULL,
    batch TEXT NOT NULL,
    file TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    source TEXT,
    mapping_digest TEXT NOT NULL,
    kind TEXT NOT NULL,
    format TEXT NOT NULL,
    recorded_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    counts TEXT NOT NULL,
    details TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (batch_no),
    CONSTRAINT uq_batch_batch UNIQUE (batch)
)

CREATE INDEX batch_sha256 ON batch (sha256)

CREATE TABLE patient (
    patient_no BIGINT NOT NULL,
    patient_id TEXT NOT NULL,
    PRIMARY KEY (patient_no),
    CONSTRAINT uq_patient_patient_id UNIQUE (patient_id)
)

CREATE TABLE raw_file (
    sha256 TEXT NOT NULL,
    size BIGINT NOT NULL,
    compressed BYTEA NOT NULL,
    PRIMARY KEY (sha256)
)

CREATE TABLE revision (
    patient_no BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY (patient_no)
)

CREATE TABLE seen (
    kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    actor TEXT NOT NULL,
    first_ms BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    PRIMARY KEY (kind, object_id, actor)
)

CREATE TABLE setting (
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (key)
)

CREATE TABLE alert (
    alert_id BIGINT NOT NULL,
    patient_no BIGINT NOT NULL,
    rule TEXT NOT NULL,
    state TEXT NOT NULL,
    severity TEXT NOT NULL,
    status TEXT NOT NULL,
    onset_ms BIGINT NOT NULL,
    end_ms BIGINT,
    text TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (alert_id),
    FOREIGN KEY(patient_no) REFERENCES patient (patient_no)
)

CREATE INDEX alert_patient_no ON alert (patient_no)

CREATE INDEX alert_state ON alert (state)

CREATE TABLE batch_patient (
    patient_no BIGINT NOT NULL,
    batch_no BIGINT NOT NULL,
    PRIMARY KEY (patient_no, batch_no),
    FOREIGN KEY(patient_no) REFERENCES patient (patient_no),
    FOREIGN KEY(batch_no) REFERENCES batch (batch_no)
)

CREATE INDEX batch_patient_batch_no ON batch_patient (batch_no)

CREATE TABLE batch_undo (
    undo_no BIGINT NOT NULL,
    batch_no BIGINT NOT NULL,
    recorded_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    restored BIGINT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (undo_no),
    CONSTRAINT uq_batch_undo_batch_no UNIQUE (batch_no),
    FOREIGN KEY(batch_no) REFERENCES batch (batch_no)
)

CREATE TABLE episode (
    episode_id BIGINT NOT NULL,
    patient_no BIGINT NOT NULL,
    rule TEXT NOT NULL,
    onset_ms BIGINT NOT NULL,
    status TEXT NOT NULL,
    severity TEXT NOT NULL,
    confirmed_ms BIGINT,
    end_ms BIGINT,
    end_reason TEXT,
    text TEXT NOT NULL,
    source TEXT NOT NULL,
    last_input_ms BIGINT,
    evidence TEXT NOT NULL,
    missing TEXT NOT NULL,
    limbs TEXT NOT NULL,
    PRIMARY KEY (episode_id),
    FOREIGN KEY(patient_no) REFERENCES patient (patient_no)
)

CREATE INDEX episode_patient_no ON episode (patient_no, rule, onset_ms)

CREATE TABLE event_version (
    version_id BIGINT NOT NULL,
    patient_no BIGINT NOT NULL,
    kind TEXT NOT NULL,
    start_ms BIGINT NOT NULL,
    end_ms BIGINT,
    dose TEXT,
    unit TEXT,
    note TEXT,
    forced BIGINT NOT NULL,
    row BIGINT NOT NULL,
    decision TEXT NOT NULL,
    reasons TEXT,
    digest BIGINT NOT NULL,
    PRIMARY KEY (version_id),
    FOREIGN KEY(patient_no) REFERENCES patient (patient_no)
)

CREATE INDEX event_version_decision ON event_version (decision, patient_no)

CREATE INDEX event_version_patient_no ON event_version (patient_no, start_ms)

CREATE TABLE fate (
    fate_id BIGINT NOT NULL,
    patient_no BIGINT,
    row BIGINT NOT NULL,
    field TEXT,
    decision TEXT NOT NULL,
    reasons TEXT NOT NULL,
    same_as BIGINT,
    content TEXT,
    digest BIGINT NOT NULL,
    PRIMARY KEY (fate_id),
    FOREIGN KEY(patient_no) REFERENCES patient (patient_no)
)

CREATE INDEX fate_decision ON fate (decision, patient_no)

CREATE TABLE patient_version (
    version_id BIGINT NOT NULL,
    patient_no BIGINT NOT NULL,
    fields TEXT NOT NULL,
    forced BIGINT NOT NULL,
    row BIGINT NOT NULL,
    decision TEXT NOT NULL,
    reasons TEXT,
    digest BIGINT NOT NULL,
    PRIMARY KEY (version_id),
    FOREIGN KEY(patient_no) REFERENCES patient (patient_no)
)

CREATE INDEX patient_version_decision ON patient_version (decision, patient_no)

CREATE INDEX patient_version_patient_no ON patient_version (patient_no)

CREATE TABLE result (
    patient_no BIGINT NOT NULL,
    collected_ms BIGINT NOT NULL,
    analyte BIGINT NOT NULL,
    result_id BIGINT NOT NULL,
    low DOUBLE PRECISION NOT NULL,
    high DOUBLE PRECISION NOT NULL,
    status BIGINT NOT NULL,
    quality BIGINT NOT NULL,
    specimen TEXT,
    restored_by BIGINT,
    row BIGINT NOT NULL,
    field TEXT,
    collected_text TEXT NOT NULL,
    text TEXT NOT NULL,
    comparator TEXT NOT NULL,
    value TEXT,
    unit TEXT,
    canonical_value TEXT,
    canonical_unit TEXT,
    basis TEXT NOT NULL,
    timing BIGINT NOT NULL,
    comment TEXT,
    resulted_ms BIGINT,
    reasons TEXT,
    digest BIGINT NOT NULL,
    PRIMARY KEY (patient_no, collected_ms, analyte, result_id),
    CONSTRAINT result_interval CHECK (low >= 0 AND low <= high),
    CONSTRAINT result_number CHECK (high <= 'Infinity'),
    FOREIGN KEY(patient_no) REFERENCES patient (patient_no)
)

CREATE INDEX result_result_id ON result (result_id)

CREATE TABLE alert_move (
    alert_id BIGINT NOT NULL,
    move_no BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    move TEXT NOT NULL,
    from_state TEXT,
    to_state TEXT NOT NULL,
    reason TEXT,
    details TEXT NOT NULL,
    PRIMARY KEY (alert_id, move_no),
    FOREIGN KEY(alert_id) REFERENCES alert (alert_id)
)

CREATE TABLE settlement (
    fate_id BIGINT NOT NULL,
    undo_no BIGINT NOT NULL,
    decision TEXT NOT NULL,
    PRIMARY KEY (fate_id, undo_no),
    FOREIGN KEY(fate_id) REFERENCES fate (fate_id),
    FOREIGN KEY(undo_no) REFERENCES batch_undo (undo_no)
)

CREATE FUNCTION khemon_keep() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION USING MESSAGE = 'protected table ' || TG_TABLE_NAME || ': ' || TG_OP || ' refused'; END$$

CREATE TRIGGER analyte_keep BEFORE DELETE OR UPDATE OR TRUNCATE ON public.analyte FOR EACH STATEMENT EXECUTE FUNCTION khemon_keep()

CREATE TRIGGER patient_keep BEFORE DELETE OR UPDATE OR TRUNCATE ON public.patient FOR EACH STATEMENT EXECUTE FUNCTION khemon_keep()

CREATE TRIGGER batch_keep BEFORE DELETE OR UPDATE OR TRUNCATE ON public.batch FOR EACH STATEMENT EXECUTE FUNCTION khemon_keep()

CREATE TRIGGER batch_undo_keep BEFORE DELETE OR UPDATE OR TRUNCATE ON public.batch_undo FOR EACH STATEMENT EXECUTE FUNCTION khemon_keep()

CREATE TRIGGER raw_file_keep BEFORE DELETE OR UPDATE OR TRUNCATE ON public.raw_file FOR EACH STATEMENT EXECUTE FUNCTION khemon_keep()

CREATE TRIGGER batch_patient_keep BEFORE DELETE OR UPDATE OR TRUNCATE ON public.batch_patient FOR EACH STATEMENT EXECUTE FUNCTION khemon_keep()

CREATE TRIGGER result_keep BEFORE DELETE OR UPDATE OR TRUNCATE ON public.result FOR EACH STATEMENT EXECUTE FUNCTION khemon_keep()

CREATE TRIGGER fate_keep BEFORE DELETE OR UPDATE OR TRUNCATE ON public.fate FOR EACH STATEMENT EXECUTE FUNCTION khemon_keep()

CREATE TRIGGER settlement_keep BEFORE DELETE OR UPDATE OR TRUNCATE ON public.settlement FOR EACH STATEMENT EXECUTE FUNCTION khemon_keep()

CREATE TRIGGER event_version_keep BEFORE DELETE OR UPDATE OR TRUNCATE ON public.event_version FOR EACH STATEMENT EXECUTE FUNCTION khemon_keep()

CREATE TRIGGER patient_version_keep BEFORE DELETE OR UPDATE OR TRUNCATE ON public.patient_version FOR EACH STATEMENT EXECUTE FUNCTION khemon_keep()

CREATE TRIGGER alert_move_keep BEFORE DELETE OR UPDATE OR TRUNCATE ON public.alert_move FOR EACH STATEMENT EXECUTE FUNCTION khemon_keep()

CREATE TRIGGER audit_keep BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit FOR EACH STATEMENT EXECUTE FUNCTION khemon_keep()

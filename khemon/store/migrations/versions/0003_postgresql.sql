CREATE TABLE mapping_version (
    mapping_no BIGINT NOT NULL,
    source TEXT NOT NULL,
    version BIGINT NOT NULL,
    text TEXT NOT NULL,
    mapping_digest TEXT NOT NULL,
    shape TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    digest BIGINT NOT NULL,
    PRIMARY KEY (mapping_no),
    CONSTRAINT uq_mapping_version_source UNIQUE (source, version)
)

CREATE TABLE row_decision (
    decision_no BIGINT NOT NULL,
    row_id BIGINT NOT NULL,
    batch_no BIGINT NOT NULL,
    verdict TEXT NOT NULL,
    became BIGINT,
    reason TEXT NOT NULL,
    digest BIGINT NOT NULL,
    PRIMARY KEY (decision_no),
    FOREIGN KEY(batch_no) REFERENCES batch (batch_no)
)

CREATE INDEX row_decision_batch_no ON row_decision (batch_no)

CREATE INDEX row_decision_row_id ON row_decision (row_id)

CREATE TRIGGER mapping_version_keep BEFORE DELETE OR UPDATE OR TRUNCATE ON public.mapping_version FOR EACH STATEMENT EXECUTE FUNCTION khemon_keep()

CREATE TRIGGER row_decision_keep BEFORE DELETE OR UPDATE OR TRUNCATE ON public.row_decision FOR EACH STATEMENT EXECUTE FUNCTION khemon_keep()

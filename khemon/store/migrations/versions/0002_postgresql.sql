CREATE TABLE protocol_live (
    live_no BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    protocol_digest TEXT NOT NULL,
    text TEXT NOT NULL,
    actor TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    digest BIGINT NOT NULL,
    PRIMARY KEY (live_no)
)

CREATE TRIGGER protocol_live_keep BEFORE DELETE OR UPDATE OR TRUNCATE ON public.protocol_live FOR EACH STATEMENT EXECUTE FUNCTION khemon_keep()

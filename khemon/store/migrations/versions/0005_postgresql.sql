CREATE TABLE account (
    account_no BIGINT NOT NULL,
    name TEXT NOT NULL,
    folded TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    digest BIGINT NOT NULL,
    PRIMARY KEY (account_no),
    CONSTRAINT uq_account_folded UNIQUE (folded)
)

CREATE TABLE account_state (
    state_no BIGINT NOT NULL,
    account_no BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    act TEXT NOT NULL,
    roles TEXT NOT NULL,
    wards TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    credential_version BIGINT NOT NULL,
    password TEXT,
    invitation TEXT,
    invitation_until_ms BIGINT,
    reason TEXT NOT NULL,
    digest BIGINT NOT NULL,
    PRIMARY KEY (state_no),
    FOREIGN KEY(account_no) REFERENCES account (account_no)
)

CREATE INDEX account_state_account_no ON account_state (account_no)

CREATE TRIGGER account_keep BEFORE DELETE OR UPDATE OR TRUNCATE ON public.account FOR EACH STATEMENT EXECUTE FUNCTION khemon_keep()

CREATE TRIGGER account_state_keep BEFORE DELETE OR UPDATE OR TRUNCATE ON public.account_state FOR EACH STATEMENT EXECUTE FUNCTION khemon_keep()

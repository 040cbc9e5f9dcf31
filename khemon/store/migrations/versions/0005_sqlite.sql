CREATE TABLE account (
    account_no INTEGER NOT NULL,
    name TEXT NOT NULL,
    folded TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    digest INTEGER NOT NULL,
    PRIMARY KEY (account_no),
    CONSTRAINT uq_account_folded UNIQUE (folded)
)
 STRICT

CREATE TABLE account_state (
    state_no INTEGER NOT NULL,
    account_no INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    act TEXT NOT NULL,
    roles TEXT NOT NULL,
    wards TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    credential_version INTEGER NOT NULL,
    password TEXT,
    invitation TEXT,
    invitation_until_ms INTEGER,
    reason TEXT NOT NULL,
    digest INTEGER NOT NULL,
    PRIMARY KEY (state_no),
    FOREIGN KEY(account_no) REFERENCES account (account_no)
)
 STRICT

CREATE INDEX account_state_account_no ON account_state (account_no)

CREATE TRIGGER account_keep_update BEFORE UPDATE ON account BEGIN SELECT RAISE(ABORT, 'protected table account: UPDATE refused'); END

CREATE TRIGGER account_keep_delete BEFORE DELETE ON account BEGIN SELECT RAISE(ABORT, 'protected table account: DELETE refused'); END

CREATE TRIGGER account_keep_key BEFORE INSERT ON account WHEN EXISTS (SELECT 1 FROM account WHERE account_no = NEW.account_no) OR EXISTS (SELECT 1 FROM account WHERE folded = NEW.folded) BEGIN SELECT RAISE(ABORT, 'protected table account: row exists'); END

CREATE TRIGGER account_state_keep_update BEFORE UPDATE ON account_state BEGIN SELECT RAISE(ABORT, 'protected table account_state: UPDATE refused'); END

CREATE TRIGGER account_state_keep_delete BEFORE DELETE ON account_state BEGIN SELECT RAISE(ABORT, 'protected table account_state: DELETE refused'); END

CREATE TRIGGER account_state_keep_key BEFORE INSERT ON account_state WHEN EXISTS (SELECT 1 FROM account_state WHERE state_no = NEW.state_no) BEGIN SELECT RAISE(ABORT, 'protected table account_state: row exists'); END

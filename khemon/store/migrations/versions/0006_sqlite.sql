CREATE TABLE seal (
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    counted INTEGER NOT NULL,
    mark INTEGER NOT NULL,
    digest INTEGER NOT NULL,
    PRIMARY KEY (number, kind)
) WITHOUT ROWID, STRICT

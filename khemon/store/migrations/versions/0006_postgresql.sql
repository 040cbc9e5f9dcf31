CREATE TABLE seal (
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,
    counted BIGINT NOT NULL,
    mark BIGINT NOT NULL,
    digest BIGINT NOT NULL,
    PRIMARY KEY (number, kind)
)

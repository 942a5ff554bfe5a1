-- Version 2. What a person said about a perturbed row: does the right answer stay? Rows that the search can see, never sealed
-- ones. The last word counts.
CREATE TABLE audit (
    item    BLOB    NOT NULL PRIMARY KEY CHECK (length(item) = 32), -- content hash of the row and its variant
    keep    INTEGER NOT NULL CHECK (keep IN (0, 1)), -- 0: the right answer changed
    holdout BLOB    NOT NULL CHECK (length(holdout) = 32), -- content hash of the task's sealed rows at that time
    at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

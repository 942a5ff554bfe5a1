-- The tables of `.proofmark/calls.db`, version 1. A public contract: open the file with `sqlite3 -readonly` and ask.
--
-- A column may be added by a later version (see `PRAGMA user_version`); none changes its meaning.
-- Times are milliseconds since 1970-01-01 UTC. Hashes are 32 bytes of blake3; `hex(key)` shows one.
-- Nothing here ever holds an API key.

-- One row for each answered call to a model. Failed calls are not here.
-- An ordinary rowid table: rows are far too large for the index that WITHOUT ROWID would put them in.
CREATE TABLE call (
    key           BLOB    NOT NULL PRIMARY KEY CHECK (length(key) = 32), -- hash of the model's identity and the request
    model         TEXT    NOT NULL, -- name as the user writes it, such as `openai/gpt-5-mini`
    fingerprint   TEXT    NOT NULL, -- what pins the model down further: checksum of a local file, base URL, ...
    request       TEXT    NOT NULL, -- JSON: messages, sampling, shape, replicate
    reply         TEXT    NOT NULL, -- JSON: text, finish, usage, log-probabilities if any
    input_tokens  INTEGER NOT NULL, -- of the prompt, cached ones included
    cached_tokens INTEGER NOT NULL, -- of the prompt, served from the provider's cache
    output_tokens INTEGER NOT NULL, -- of the reply
    latency_ms    INTEGER NOT NULL, -- from sending to the whole reply, retries included
    at            INTEGER NOT NULL  -- when the reply came
) STRICT;

-- One row for each run of a command that searches or judges.
CREATE TABLE run (
    id      TEXT    NOT NULL PRIMARY KEY, -- names the folder `runs/<id>` too
    task    TEXT    NOT NULL, -- name of the task
    command TEXT    NOT NULL, -- the command line, for people
    seed    TEXT    NOT NULL, -- in decimal: it may exceed SQLite's integers
    config  BLOB    NOT NULL CHECK (length(config) = 32), -- hash of everything that decides what the run does
    state   TEXT    NOT NULL CHECK (state IN ('running', 'done', 'failed', 'interrupted')), -- a killed run stays 'running'
    summary TEXT    NOT NULL, -- how it ended, in one line; empty while it runs
    started INTEGER NOT NULL,
    ended   INTEGER -- NULL while it runs
) STRICT, WITHOUT ROWID;

-- What happened in a run, in order. Told by the last attempt: a resumed run writes its journal again.
CREATE TABLE event (
    run  TEXT    NOT NULL, -- run.id
    seq  INTEGER NOT NULL, -- 0, 1, 2, ... within the run
    at   INTEGER NOT NULL,
    json TEXT    NOT NULL, -- the event
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

-- The ledger: each time somebody asked sealed rows a question. Rows are added and closed, never removed.
CREATE TABLE look (
    holdout  BLOB    NOT NULL CHECK (length(holdout) = 32), -- content hash of the set of sealed rows
    question BLOB    NOT NULL CHECK (length(question) = 32), -- hash of all that was asked; the same question is one look
    t        INTEGER NOT NULL CHECK (t >= 1), -- 1 + how many looks at sets that share a row were taken before
    run      TEXT    NOT NULL, -- run.id of the run that took it first
    alpha    REAL    NOT NULL CHECK (alpha BETWEEN 0 AND 1), -- the level it was granted
    accepted INTEGER CHECK (accepted IN (0, 1)), -- the one bit that left the gate; NULL: never answered
    unsealed INTEGER NOT NULL CHECK (unsealed IN (0, 1)), -- 1: details were shown, so these rows support no further claim
    at       INTEGER NOT NULL,
    PRIMARY KEY (holdout, question)
) STRICT, WITHOUT ROWID;

-- Which sealed rows a set consists of, so that rows are known again in another set.
CREATE TABLE sealed (
    row     BLOB NOT NULL CHECK (length(row) = 32), -- content hash of the row
    holdout BLOB NOT NULL CHECK (length(holdout) = 32), -- look.holdout
    PRIMARY KEY (row, holdout)
) STRICT, WITHOUT ROWID;

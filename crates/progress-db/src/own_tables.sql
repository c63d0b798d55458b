-- What each finished quadrant's file must be, so that it can be checked without decoding it.
CREATE TABLE IF NOT EXISTS pictures (
  x INTEGER NOT NULL,
  y INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (x, y)
) WITHOUT ROWID;
-- Every call that was made: a row is added when it starts, gets its outcome once when it ends,
-- and is never removed. `ended_at` is NULL where the run died before the call ended; `seed` where
-- none was sent. `joined` are the quadrants that the canvas showed as finished, `x,y x,y`. `paid` is 1
-- where the call is paid for, `cost` what it cost, in units of the currency, where that was known, and
-- `usage` what the server said of it, as JSON. `pilot` is the name of the pilot that it was made for
-- beside the layer, whose items have no part in it. `drew` tells pictures that it brought, and that were
-- saved or rejected, from others: the beginnings of their hashes, in the order of the block's quadrants.
-- `protocol` is how the endpoint was spoken to.
CREATE TABLE IF NOT EXISTS attempts (
  id INTEGER PRIMARY KEY,
  item_id INTEGER NOT NULL,
  endpoint TEXT NOT NULL,
  started_at REAL NOT NULL,
  ended_at REAL,
  http_status INTEGER,
  outcome TEXT NOT NULL,
  settings_hash TEXT NOT NULL,
  seed INTEGER,
  joined TEXT,
  message TEXT,
  paid INTEGER,
  cost REAL,
  usage TEXT,
  pilot TEXT,
  drew TEXT,
  protocol TEXT
);
-- What the calls of a `settings_hash` were told, as JSON.
CREATE TABLE IF NOT EXISTS settings (
  hash TEXT PRIMARY KEY,
  told TEXT NOT NULL
) WITHOUT ROWID;
-- What is added to the prompt of one item alone, since it was asked for again.
CREATE TABLE IF NOT EXISTS prompts (
  item_id INTEGER PRIMARY KEY,
  added TEXT NOT NULL
);
-- Items whose pictures are being replaced by a version of those that are kept in `kept`, since `at`: of
-- one that a run left here when it died, some of the pictures may be others than `pictures` says.
CREATE TABLE IF NOT EXISTS replacing (
  item_id INTEGER PRIMARY KEY,
  kept TEXT NOT NULL,
  version INTEGER NOT NULL,
  at REAL NOT NULL
);
-- Blocks that were looked at for whether they are of one colour: of one that was made without a
-- call `made` says how, and of one that is not, `looked` what that was decided under.
CREATE TABLE IF NOT EXISTS uniform (
  item_id INTEGER PRIMARY KEY,
  looked TEXT,
  made TEXT
);
-- Items that were put back after they had failed, or were complete: of the calls for them only those
-- after this one are tries of what is under way now.
CREATE TABLE IF NOT EXISTS begun_anew (
  item_id INTEGER PRIMARY KEY,
  after_attempt INTEGER NOT NULL
);

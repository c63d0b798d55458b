-- The plan. Other tools read this table and write plans of their own, so it stays as it is.
CREATE TABLE generation_plan (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  step INTEGER NOT NULL,
  block_type TEXT NOT NULL,
  top_left_x INTEGER NOT NULL,
  top_left_y INTEGER NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  status TEXT NOT NULL DEFAULT 'pending',
  model_name TEXT,
  started_at REAL,
  completed_at REAL,
  error_message TEXT,
  UNIQUE(step, top_left_x, top_left_y)
);
CREATE TABLE metadata (key TEXT PRIMARY KEY, value TEXT);

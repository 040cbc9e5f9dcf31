-- Sections 3.1, 3.2 and 3.5 on plain data (no censoring, events, versions or supported values), as gaps and islands.
-- r(patient, time, day, analyte, value) -> rule, patient, onset, confirmed_at, end_at, status
WITH limits(rule, analyte, limit_value, above) AS (
  VALUES ('thrombocytopenia', 0, 100.0, FALSE), ('severe_thrombocytopenia', 0, 30.0, FALSE),
         ('hypofibrinogenemia', 1, 1.6, FALSE), ('elevated_d_dimer', 2, 0.5, TRUE), ('severe_anemia', 3, 60.0, FALSE)
),
point AS (
  SELECT rule, patient, time, CASE WHEN above THEN value > limit_value ELSE value < limit_value END AS held
  FROM r JOIN limits USING (analyte)
),
draw AS (
  SELECT patient, time, max(value) FILTER (analyte = 0) AS plt, max(value) FILTER (analyte = 1) AS fib
  FROM r WHERE analyte IN (0, 1) GROUP BY patient, time
),
carried AS (
  SELECT patient, time,
         last_value(plt IGNORE NULLS) OVER w AS plt, last_value(fib IGNORE NULLS) OVER w AS fib
  FROM draw WINDOW w AS (PARTITION BY patient ORDER BY time ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
held AS (
  SELECT * FROM point
  UNION ALL
  SELECT 'plasma_criterion', patient, time, coalesce(plt < 10, FALSE) OR coalesce(fib < 0.5, FALSE) FROM carried
  UNION ALL
  SELECT 'red_cell_criterion', patient, time, value < 60 FROM r WHERE analyte = 3
),
marked AS (
  SELECT *, held AND NOT coalesce(lag(held) OVER (PARTITION BY rule, patient ORDER BY time), FALSE) AS opens FROM held
),
numbered AS (
  SELECT *, sum(opens::INT) OVER (PARTITION BY rule, patient ORDER BY time) AS number FROM marked
),
islands AS (
  SELECT rule, patient, min(time) FILTER (held) AS onset, min(time) FILTER (held) AS confirmed_at,
         min(time) FILTER (NOT held) AS end_at, 'confirmed' AS status
  FROM numbered WHERE number > 0 GROUP BY rule, patient, number
),
sample AS (
  SELECT 'durable_platelet_response' AS rule, patient, time, day, value >= 100 AS good FROM r WHERE analyte = 0
  UNION ALL
  SELECT 'fibrinogen_stabilization', patient, time, day, value > 1.6 FROM r WHERE analyte = 1
),
stretch AS (
  SELECT *, sum((NOT good)::INT) OVER w AS stretch, lag(day) OVER w AS previous_day,
         lead(time) OVER w AS next_time
  FROM sample WINDOW w AS (PARTITION BY rule, patient ORDER BY time)
),
piece AS (
  SELECT *, sum((coalesce(day - previous_day > 14, FALSE) AND good)::INT)
              OVER (PARTITION BY rule, patient, stretch ORDER BY time) AS piece
  FROM stretch WHERE stretch > 0
),
inside AS (
  SELECT *, row_number() OVER p AS nth, first_value(day) OVER p AS first_day,
         lead(time) OVER (PARTITION BY rule, patient, stretch ORDER BY time) AS next_in_stretch
  FROM piece WHERE good WINDOW p AS (PARTITION BY rule, patient, stretch, piece ORDER BY time)
),
run AS (
  SELECT rule, patient, stretch, piece, min(time) AS onset, max(time) AS last_good,
         min(time) FILTER (day - first_day >= 28 AND nth >= 3) AS confirmed_at
  FROM inside GROUP BY rule, patient, stretch, piece
),
closing AS (
  SELECT rule, patient, stretch, max(next_time) AS bad_time FROM inside WHERE next_in_stretch IS NULL
  GROUP BY rule, patient, stretch
),
ranked AS (
  SELECT *, min(piece) FILTER (confirmed_at IS NOT NULL) OVER (PARTITION BY rule, patient, stretch) AS confirming,
         max(piece) OVER (PARTITION BY rule, patient, stretch) AS last_piece
  FROM run
),
runs AS (
  SELECT rule, patient, onset, confirmed_at,
         CASE WHEN confirmed_at IS NOT NULL OR piece = last_piece THEN bad_time ELSE last_good END AS end_at,
         CASE WHEN confirmed_at IS NOT NULL THEN 'confirmed' WHEN piece < last_piece THEN 'unproven'
              WHEN bad_time IS NOT NULL THEN 'broken' ELSE 'provisional' END AS status
  FROM ranked JOIN closing USING (rule, patient, stretch)
  WHERE confirming IS NULL OR piece <= confirming
)
SELECT rule, patient, onset, confirmed_at, end_at, status FROM islands
UNION ALL
SELECT rule, patient, onset, confirmed_at, end_at, status FROM runs

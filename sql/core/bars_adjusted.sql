-- Bars on the split basis, and on the total basis (splits and dividends, backward, as CRSP and Yahoo do).
-- Actions count up to each series' last session: a split announced for tomorrow changes nothing today.
-- grain: symbol, timeframe, ts, basis
-- reads: bars, actions
CREATE VIEW bars_adjusted AS
WITH last_sessions AS (
    SELECT symbol, timeframe, max(session) AS last_session
    FROM bars
    GROUP BY ALL
),
splits AS (
    SELECT s.symbol, s.timeframe, a.ex_date,
           product(a.value) OVER (PARTITION BY s.symbol, s.timeframe ORDER BY a.ex_date DESC) AS later_splits
    FROM last_sessions AS s
    JOIN actions AS a ON a.symbol = s.symbol AND a.ex_date <= s.last_session
    WHERE a.kind = 'split' AND a.is_applied
),
dividends AS (
    -- The close before the ex-date, in the ex-date's terms where a split shares the date.
    SELECT d.symbol, d.ex_date, d.value / (b.close / coalesce(s.value, 1.0)) AS yield
    FROM actions AS d
    ASOF JOIN (SELECT symbol, session, close FROM bars WHERE timeframe = '1d') AS b
      ON b.symbol = d.symbol AND b.session < d.ex_date
    LEFT JOIN actions AS s
      ON s.symbol = d.symbol AND s.ex_date = d.ex_date AND s.kind = 'split' AND s.is_applied
    WHERE d.kind = 'dividend' AND d.is_applied
),
payouts AS (
    SELECT s.symbol, s.timeframe, d.ex_date,
           product(1.0 - d.yield) OVER (PARTITION BY s.symbol, s.timeframe ORDER BY d.ex_date DESC) AS later_payouts
    FROM last_sessions AS s
    JOIN dividends AS d ON d.symbol = s.symbol AND d.ex_date <= s.last_session
),
factors AS (
    SELECT b.*,
           CASE WHEN b.price_basis = 'raw' THEN coalesce(s.later_splits, 1.0) ELSE 1.0 END AS split_factor,
           coalesce(p.later_payouts, 1.0) AS payout_factor
    FROM bars AS b
    ASOF LEFT JOIN splits AS s
      ON s.symbol = b.symbol AND s.timeframe = b.timeframe AND s.ex_date > b.session
    ASOF LEFT JOIN payouts AS p
      ON p.symbol = b.symbol AND p.timeframe = b.timeframe AND p.ex_date > b.session
)
SELECT f.* EXCLUDE (open, high, low, close, volume, split_factor, payout_factor), v.basis,
       f.open / v.factor AS open, f.high / v.factor AS high, f.low / v.factor AS low,
       f.close / v.factor AS close, f.volume * f.split_factor AS volume
FROM factors AS f
CROSS JOIN LATERAL (
    VALUES ('split', f.split_factor), ('total', f.split_factor / f.payout_factor)
) AS v (basis, factor);

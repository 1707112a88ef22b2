-- Bars as charts show them: on the split basis, with averages, in pages of 130 (intraday the newest 78).
-- `page` 1 is the newest; `x` is the middle of a bar on a drawing that is 1200 wide. `said` names the bar.
-- grain: symbol, timeframe, ts
-- reads: bars_adjusted, features, symbols, zone_name
CREATE VIEW chart_bars AS
WITH numbered AS (
    SELECT symbol, timeframe, ts, session, open, high, low, close, volume,
           timeframe IN ('5m', '15m', '30m') AS is_intraday,
           CASE WHEN is_intraday THEN 78 ELSE 130 END AS page_bars,
           row_number() OVER (PARTITION BY symbol, timeframe ORDER BY ts DESC) - 1 AS age,
           row_number() OVER (PARTITION BY symbol, timeframe, session ORDER BY ts) - 1 AS place_in_session
    FROM bars_adjusted
    WHERE basis = 'split' AND timeframe <> '1m'
),
paged AS (
    SELECT n.*, age // page_bars + 1 AS page,
           1130.0 / page_bars AS pitch,
           round(10 + (page_bars - age % page_bars - 0.5) * pitch, 1) AS x,
           timezone(s.zone, n.ts) AS local_ts, s.zone
    FROM numbered AS n
    JOIN symbols AS s USING (symbol)
    WHERE age < CASE WHEN is_intraday THEN page_bars ELSE 10 * page_bars END
)
SELECT p.symbol, p.timeframe, p.page, p.ts, p.session, p.is_intraday, p.age, p.place_in_session, p.page_bars,
       p.pitch, p.x, p.open, p.high, p.low, p.close, p.volume,
       f.ema_8, f.ema_13, f.ema_144, f.ema_169, p.local_ts,
       CASE WHEN p.is_intraday THEN strftime(p.local_ts, '%-d %b %Y %H:%M ') || zone_name(p.zone)
            ELSE strftime(p.ts AT TIME ZONE 'UTC', '%a %-d %b %Y') END AS said
FROM paged AS p
LEFT JOIN features AS f USING (symbol, timeframe, ts);

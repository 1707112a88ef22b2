-- Where a value lies on a drawing: `low` on the `bottom` edge, `high` on the `top` one, in pixels.
CREATE MACRO scaled(value, low, high, top, bottom) AS
round(bottom - coalesce((value - low) / nullif(high - low, 0), 0.5) * (bottom - top), 1);

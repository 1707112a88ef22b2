-- How people call an exchange's zone: New York of America/New_York.
CREATE MACRO zone_name(zone) AS replace(split_part(zone, '/', -1), '_', ' ');

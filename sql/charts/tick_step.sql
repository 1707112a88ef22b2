-- A round step (1, 2 or 5 of some power of ten) that cuts a range into about five parts.
CREATE MACRO tick_step(low, high) AS
pow(10, floor(log10((high - low) / 5)))
* CASE WHEN (high - low) / 5 / pow(10, floor(log10((high - low) / 5))) < 1.5 THEN 1
       WHEN (high - low) / 5 / pow(10, floor(log10((high - low) / 5))) < 3.5 THEN 2
       WHEN (high - low) / 5 / pow(10, floor(log10((high - low) / 5))) < 7.5 THEN 5
       ELSE 10 END;

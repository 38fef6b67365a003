-- Empties the source before a new world begins. Called by sandbox/one_stop_writers.py.
TRUNCATE opencps."HoSo", opencps."TienDoXuLy" RESTART IDENTITY

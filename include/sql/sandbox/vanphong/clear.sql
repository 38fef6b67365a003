-- Empties the source before a new world begins. Called by sandbox/world/writers.py.
TRUNCATE opencps."HoSo", opencps."TienDoXuLy" RESTART IDENTITY

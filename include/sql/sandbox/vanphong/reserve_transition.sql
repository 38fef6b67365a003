-- Number of a progress row that will be committed later. Called by sandbox/world/writers.py.
SELECT nextval('opencps."TienDoXuLy_TienDoXuLyId_seq"') AS transition_id

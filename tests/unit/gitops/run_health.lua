-- run_health.lua HEALTH OBJECT: runs a health check as Argo CD does, with no more than the plain language,
-- and prints its answer.
local words = { ipairs = ipairs, pairs = pairs, tostring = tostring, type = type }
words.obj = assert(loadfile(arg[2], "t", {}))()
local health = assert(loadfile(arg[1], "t", words))()
print(health.status .. "\n" .. health.message)

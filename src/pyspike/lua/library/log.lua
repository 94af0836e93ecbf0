-- What functions tell the log.

local L = ...
local format = string.format

local WARNING, INFO, DEBUG, DETAIL = 1, 2, 3, 4 -- the server's levels

L.define(Aerospike, "log", {L.of(Aerospike), L.optional_integer, L.anything}, function(_, _, level, words)
  L.host.log(level, L.text_of(words) or "")
end)

-- Each has, as on a server, a line of its own, which errors of its format tell.
local function logger(level, line)
  return function(words, ...)
    local done, text = pcall(format, words, ...)
    if not done then
      text = text:gsub("^bad argument #(%d+) to '[^']*'", "bad argument #%1 to 'format'"):gsub("got no value", "got nil")
      error(format("[string \"aerospike.lua\"]:%d: %s", line, text), 0)
    end
    L.host.log(level, L.text_of(text))
  end
end

trace, debug = logger(DETAIL, 2), logger(DEBUG, 5)
info, warn = logger(INFO, 8), logger(WARNING, 11)

function print(...)
  local parts = table.pack(...)
  for at = 1, parts.n do
    parts[at] = tostring(parts[at])
  end
  L.host.log(INFO, table.concat(parts, "\t"))
end

-- How values are shown by tostring(), and geojson, which is nothing but text.

local L = ...
local NIL, GeoJSON, STRING = L.NIL, L.GeoJSON, L.STRING
local byte, format, sub, concat = string.byte, string.format, string.sub, table.concat

-- Nothing for bytes that were never written.
local function shown(held)
  local kind = type(held)
  if kind == "number" then
    return math.type(held) == "integer" and format("%d", held) or format("%.16g", held)
  elseif kind == "boolean" then
    return tostring(held)
  elseif kind == "string" then
    return '"' .. held .. '"'
  elseif held.T == List then
    local parts = {}
    for at = 1, held.n do
      parts[at] = shown(held[at]) or "<NULL>"
    end
    return "[" .. concat(parts, ", ") .. "]"
  elseif held.T == Map then
    local parts = {}
    for at, key in ipairs(L.map_order(held)) do
      local text = shown(held.values[key])
      if text == nil then
        return "{}"
      end
      local of = type(key) == "number" and format("%d", key)
        or byte(key) == STRING and '"' .. sub(key, 2) .. '"'
        or shown(L.new_bytes(sub(key, 2)))
      parts[at] = of .. ":" .. text
    end
    return "{" .. concat(parts, ", ") .. "}"
  elseif held.T == Bytes then
    local parts = {}
    for at = 1, held.size do
      parts[at] = format("%02X", byte(held.buffer, at))
    end
    return held.size > 0 and concat(parts, " ") or nil
  elseif held.T == GeoJSON then
    return '"' .. held.text .. '"'
  end
  return "NIL"
end

L.shown = shown

for _, kind in ipairs{List, Map, GeoJSON} do
  L.define(kind, "__tostring", {L.of(kind)}, function(_, data)
    return shown(data)
  end)
end

L.define(Bytes, "__tostring", {L.of(Bytes)}, function(_, data)
  return shown(data) or "Bytes()"
end)

geojson = setmetatable({}, {__call = function(_, text)
  local found = L.text_of(text)
  if found ~= nil then
    return L.face{T = GeoJSON, text = found}
  end
end})

-- Values as particles: a type and bytes; and lists and maps as the server's msgpack (docs/protocol/values.md 3).

local L = ...
local NIL, GeoJSON = L.NIL, L.GeoJSON
local new_list, new_map, new_bytes, map_set, map_order = L.new_list, L.new_map, L.new_bytes, L.map_set, L.map_order
local text_of = L.text_of

local byte, char, sub, pack, unpack, concat = string.byte, string.char, string.sub, string.pack, string.unpack, table.concat
local mtype = math.type

local NULL, INTEGER, FLOAT, STRING, BLOB, BOOL = 0, 1, 2, L.STRING, L.BLOB, 17
local HLL, MAP, LIST, GEOJSON = 18, 19, 20, 23
local KEPT = {[7] = true, [8] = true, [9] = true, [10] = true, [11] = true, [12] = true, [HLL] = true}
L.NULL = NULL

-- Packing ----------------------------------------------------------------------------------------------------------

local function pack_integer(value)
  if value >= 0 then
    if value < 0x80 then
      return char(value)
    elseif value <= 0xFF then
      return pack("BB", 0xCC, value)
    elseif value <= 0xFFFF then
      return pack(">BI2", 0xCD, value)
    elseif value <= 0xFFFFFFFF then
      return pack(">BI4", 0xCE, value)
    end
    return pack(">Bi8", 0xCF, value)
  elseif value >= -0x20 then
    return char(value + 0x100)
  elseif value >= -0x80 then
    return pack("Bi1", 0xD0, value)
  elseif value >= -0x8000 then
    return pack(">Bi2", 0xD1, value)
  elseif value >= -0x80000000 then
    return pack(">Bi4", 0xD2, value)
  end
  return pack(">Bi8", 0xD3, value)
end

local function pack_text(text)              -- with its particle type in front
  local size = #text
  if size < 0x20 then
    return char(0xA0 | size) .. text
  elseif size <= 0xFF then
    return pack("BB", 0xD9, size) .. text
  elseif size <= 0xFFFF then
    return pack(">BI2", 0xDA, size) .. text
  end
  return pack(">BI4", 0xDB, size) .. text
end

local function pack_count(count, short, long)
  if count < 0x10 then
    return char(short | count)
  elseif count <= 0xFFFF then
    return pack(">BI2", long, count)
  end
  return pack(">BI4", long + 1, count)
end

local pack_held

local function pack_list(data, out, stored)
  local flags = stored and data.flags or nil
  out[#out + 1] = pack_count(data.n + (flags and 1 or 0), 0x90, 0xDC)
  if flags then
    out[#out + 1] = char(0xC7, 0, flags)
  end
  for at = 1, data.n do
    pack_held(data[at], out, stored)
  end
end

local function pack_map(data, out, stored)
  local flags = data.flags
  out[#out + 1] = pack_count(data.n + (flags and 1 or 0), 0x80, 0xDE)
  if flags then
    out[#out + 1] = char(0xC7, 0, flags, 0xC0)
  end
  for _, key in ipairs(map_order(data)) do
    out[#out + 1] = type(key) == "number" and pack_integer(key) or pack_text(key)
    pack_held(data.values[key], out, stored)
  end
end

-- `stored`: as it goes into a bin, for which a list keeps its flags. Without, it is the result of a function.
function pack_held(held, out, stored)
  local kind = type(held)
  local packed
  if kind == "number" then
    packed = mtype(held) == "integer" and pack_integer(held) or pack(">Bd", 0xCB, held)
  elseif kind == "string" then
    packed = pack_text(char(STRING) .. held)
  elseif kind == "boolean" then
    packed = held and "\xC3" or "\xC2"
  elseif held.T == List then
    return pack_list(held, out, stored)
  elseif held.T == Map then
    return pack_map(held, out, stored)
  elseif held.T == Bytes then
    packed = pack_text(char(held.kind & 0xFF) .. sub(held.buffer, 1, held.size))
  elseif held.T == GeoJSON then
    packed = pack_text(char(GEOJSON) .. held.text)
  else                                      -- nil, or a record
    packed = "\xC0"
  end
  out[#out + 1] = packed
end

function L.packed_size(held)
  local out = {}
  pack_held(held, out, false)
  return #concat(out)
end

-- Unpacking --------------------------------------------------------------------------------------------------------

local SIZES = {[0xC4] = ">I1", [0xC5] = ">I2", [0xC6] = ">I4", [0xD9] = ">I1", [0xDA] = ">I2", [0xDB] = ">I4"}
local NUMBERS = {[0xCA] = ">f", [0xCB] = ">d", [0xCC] = ">I1", [0xCD] = ">I2", [0xCE] = ">I4", [0xCF] = ">i8",
                 [0xD0] = ">i1", [0xD1] = ">i2", [0xD2] = ">i4", [0xD3] = ">i8"}
local COUNTS = {[0xDC] = ">I2", [0xDD] = ">I4", [0xDE] = ">I2", [0xDF] = ">I4"}
local EXTENSIONS = {[0xD4] = 1, [0xD5] = 2, [0xD6] = 4, [0xD7] = 8, [0xD8] = 16}
local SPECIAL = 0xFF                        -- the extension type of wildcards and infinities, for which Lua has nothing

local function unpack_text(text)
  local kind = byte(text)
  if kind == nil then
    return ""
  elseif kind == STRING then
    return text_of(sub(text, 2))
  elseif kind == GEOJSON then
    return {T = GeoJSON, text = sub(text, 2)}
  end
  return new_bytes(sub(text, 2), kind)
end

-- The flags of a list or map whose first element is at `at`, and where the next one is; no flags if there are none.
local function unpack_flags(data, at, count)
  local code = count > 0 and byte(data, at)
  if code == 0xC7 and byte(data, at + 1) == 0 then
    return byte(data, at + 2), at + 3
  elseif code == 0xD4 and byte(data, at + 1) ~= SPECIAL then
    return byte(data, at + 1), at + 3
  end
  return nil, at
end

local unpack_held

local function unpack_list(data, at, count)
  local made, flags = new_list(), nil
  flags, at = unpack_flags(data, at, count)
  if flags then
    count = count - 1
    made.flags = flags ~= 0 and flags or nil
  end
  for place = 1, count do
    made[place], at = unpack_held(data, at)
  end
  made.n = count
  return made, at
end

local function unpack_key(key)              -- nil if it is none of a map's
  if type(key) == "table" then
    return key.T == Bytes and char(BLOB) .. key.buffer or nil
  elseif type(key) == "string" then
    return char(STRING) .. key
  end
  return mtype(key) == "integer" and key or nil
end

local function unpack_map(data, at, count)
  local made, flags = new_map(), nil
  flags, at = unpack_flags(data, at, count)
  if flags then
    count = count - 1
    made.flags = flags ~= 0 and flags or nil
    at = at + 1                             -- the nil behind the flags
  end
  for _ = 1, count do
    local key, held
    key, at = unpack_held(data, at)
    held, at = unpack_held(data, at)
    key = unpack_key(key)
    if key ~= nil then
      map_set(made, key, held)
    end
  end
  return made, at
end

function unpack_held(data, at)
  local code = byte(data, at)
  if code < 0x80 then
    return code, at + 1
  elseif code < 0x90 then
    return unpack_map(data, at + 1, code & 0x0F)
  elseif code < 0xA0 then
    return unpack_list(data, at + 1, code & 0x0F)
  elseif code < 0xC0 then
    local size = code & 0x1F
    return unpack_text(sub(data, at + 1, at + size)), at + 1 + size
  elseif code >= 0xE0 then
    return code - 0x100, at + 1
  elseif code == 0xC0 then
    return NIL, at + 1
  elseif code == 0xC2 or code == 0xC3 then
    return code == 0xC3, at + 1
  elseif NUMBERS[code] then
    return unpack(NUMBERS[code], data, at + 1)
  elseif SIZES[code] then
    local size, from = unpack(SIZES[code], data, at + 1)
    return unpack_text(sub(data, from, from + size - 1)), from + size
  elseif COUNTS[code] then
    local count, from = unpack(COUNTS[code], data, at + 1)
    return (code < 0xDE and unpack_list or unpack_map)(data, from, count)
  elseif EXTENSIONS[code] then
    return NIL, at + 2 + EXTENSIONS[code]
  end
  error("a value that can't be read")
end

-- Particles --------------------------------------------------------------------------------------------------------

function L.from_particle(kind, data)
  if kind == NULL then
    return NIL
  elseif kind == INTEGER then
    return (unpack(">i8", data))
  elseif kind == FLOAT then
    return (unpack(">d", data))
  elseif kind == STRING then
    return text_of(data)
  elseif kind == BOOL then
    return byte(data) ~= 0
  elseif kind == LIST or kind == MAP then
    return (unpack_held(data, 1))
  elseif kind == GEOJSON then
    local _, cells = unpack(">BI2", data)
    return {T = GeoJSON, text = sub(data, 4 + 8 * cells)}
  end
  return new_bytes(data, kind)
end

-- The elements of a msgpack list, as values of Lua; none if it is no such list.
function L.unpack_arguments(packed)
  local done, held = pcall(unpack_held, packed, 1)
  local values = {n = 0}
  if done and type(held) == "table" and held.T == List then
    values.n = held.n
    for at = 1, held.n do
      values[at] = L.outside(held[at])
    end
  end
  return values
end

-- The type and the bytes of a value. `stored`: as it goes into a bin; nothing for a record, which no bin can have.
function L.to_particle(held, stored)
  local kind = type(held)
  if kind == "number" then
    if mtype(held) == "integer" then
      return INTEGER, pack(">i8", held)
    end
    return FLOAT, pack(">d", held)
  elseif kind == "string" then
    return STRING, held
  elseif kind == "boolean" then
    return BOOL, held and "\1" or "\0"
  elseif held == NIL then
    return NULL, ""
  elseif held.T == Bytes then
    return stored and KEPT[held.kind] and held.kind or BLOB, sub(held.buffer, 1, held.size)
  elseif held.T == GeoJSON then
    return GEOJSON, "\0\0\0" .. held.text
  elseif held.T ~= List and held.T ~= Map then
    if not stored then
      return NULL, ""
    end
    return nil
  end
  local out = {}
  pack_held(held, out, stored)
  return held.T == List and LIST or MAP, concat(out)
end
